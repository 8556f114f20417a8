//! Two hints without which the verifier refuses the program, or goes through it a hundred times over. On the
//! host they do nothing.

/// Keeps the compiler from moving a constant to the other side of a comparison with this address: the verifier
/// allows no arithmetic on the end of a packet.
#[inline(always)]
pub fn as_it_stands(address: usize) -> usize {
    opaque(address)
}

/// `value`, which has no bits outside `bits`, without what is known of it beyond that. After a loop the
/// verifier else follows each way out of it on its own, to the end of the program.
#[inline(always)]
pub fn forget(value: usize, bits: usize) -> usize {
    opaque(value) & bits
}

#[cfg(target_arch = "bpf")]
#[inline(always)]
fn opaque(mut value: usize) -> usize {
    // SAFETY: no instruction at all.
    unsafe { core::arch::asm!("/* {0} */", inout(reg) value, options(pure, nomem, nostack)) };
    value
}

#[cfg(not(target_arch = "bpf"))]
#[inline(always)]
fn opaque(value: usize) -> usize {
    value
}
