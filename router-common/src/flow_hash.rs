//! The hash that picks a bucket. One function for the XDP program and for user space.
//!
//! A flow is its two addresses and a discriminator: protocol and ports, protocol alone where ports cannot be
//! read, or the IPv6 flow label. Which of these a packet gets is the program's decision (`flow.rs` there); what
//! the key hashes to is decided here. Seeded per router: equal seeds along a path send every flow of a bucket
//! the same way again. Keyed words go through xor, multiply, shift-xor rounds and a full avalanche at the end, so
//! that the low bits, which are all that a mask leaves, depend on every bit of the key.

/// What tells apart the flows between two addresses. Fields that no packet carries are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Discriminator(u64);

impl Discriminator {
    const LABEL: u64 = 1 << 40;

    #[inline(always)]
    pub const fn protocol(protocol: u8) -> Self {
        Self((protocol as u64) << 32)
    }

    #[inline(always)]
    pub const fn ports(protocol: u8, source: u16, destination: u16) -> Self {
        Self((protocol as u64) << 32 | (source as u64) << 16 | destination as u64)
    }

    /// IPv6 where neither ports nor protocol can be trusted: fragments, and chains of headers too long to walk.
    #[inline(always)]
    pub const fn flow_label(label: u32) -> Self {
        Self(Self::LABEL | label as u64)
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half holds the ports"
    )]
    const fn reversed(self) -> Self {
        if self.0 & Self::LABEL != 0 {
            return self;
        }
        Self(self.0 & !0xffff_ffff | (self.0 as u32).rotate_left(16) as u64)
    }
}

/// The key of an IPv4 flow, `Flow<[u8; 4]>`, or of an IPv6 flow, `Flow<[u8; 16]>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow<Address> {
    pub source: Address,
    pub destination: Address,
    pub discriminator: Discriminator,
}

impl<Address: Copy> Flow<Address> {
    /// The flow of the packets that come the other way.
    #[inline(always)]
    pub const fn reversed(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            discriminator: self.discriminator.reversed(),
        }
    }
}

impl Flow<[u8; 4]> {
    #[inline(always)]
    pub const fn hash(&self, seed: u32) -> u32 {
        let source = u32::from_be_bytes(self.source);
        let destination = u32::from_be_bytes(self.destination);
        let state = absorb(start(seed), (source as u64) << 32 | destination as u64);
        finish(absorb(state, self.discriminator.0))
    }
}

impl Flow<[u8; 16]> {
    #[inline(always)]
    pub fn hash(&self, seed: u32) -> u32 {
        let [source_high, source_low]: [u64; 2] = bytemuck::cast(self.source);
        let [destination_high, destination_low]: [u64; 2] = bytemuck::cast(self.destination);
        let state = absorb(start(seed), u64::from_be(source_high));
        let state = absorb(state, u64::from_be(source_low));
        let state = absorb(state, u64::from_be(destination_high));
        let state = absorb(state, u64::from_be(destination_low));
        finish(absorb(state, self.discriminator.0))
    }
}

#[inline(always)]
const fn start(seed: u32) -> u64 {
    (seed as u64 ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

/// The shift brings the upper half, where the product mixes best, down to where the next word meets it.
#[inline(always)]
const fn absorb(state: u64, word: u64) -> u64 {
    let product = (state ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25);
    product ^ (product >> 32)
}

/// The finaliser of MurmurHash3's 64-bit form (public domain): every input bit reaches every output bit.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half is the hash")]
const fn finish(state: u64) -> u32 {
    let state = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let state = (state ^ (state >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (state ^ (state >> 33)) as u32
}

#[cfg(test)]
mod tests;
