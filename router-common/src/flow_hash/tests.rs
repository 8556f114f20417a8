#![expect(
    clippy::cast_possible_truncation,
    reason = "fields of keys are cut out of counters and random words"
)]

use super::*;

const FLOWS: u32 = 100_000;

/// A generator good enough to draw keys with (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn v4(source: u32, destination: u32, discriminator: Discriminator) -> Flow<[u8; 4]> {
    Flow {
        source: source.to_be_bytes(),
        destination: destination.to_be_bytes(),
        discriminator,
    }
}

fn v6(source: u128, destination: u128, discriminator: Discriminator) -> Flow<[u8; 16]> {
    Flow {
        source: source.to_be_bytes(),
        destination: destination.to_be_bytes(),
        discriminator,
    }
}

/// Every bucket's share within 5 % of an equal one, over as many flows as make 5 % five standard deviations
/// of a fair draw: 10^5 at few buckets, more at many.
fn assert_even(what: &str, hash: impl Fn(u32) -> u32) {
    for buckets in [4, 8, 64] {
        let flows = FLOWS.max(10_000 * buckets);
        let mut counts = vec![0u32; buckets as usize];
        for flow in 0..flows {
            counts[(hash(flow) & (buckets - 1)) as usize] += 1;
        }
        let fair = f64::from(flows) / f64::from(buckets);
        for (bucket, &count) in counts.iter().enumerate() {
            let share = f64::from(count) / fair;
            assert!(
                (0.95..=1.05).contains(&share),
                "{what}: bucket {bucket} of {buckets} has {share:.3} of its share"
            );
        }
    }
}

#[test]
fn random_flows_spread_evenly() {
    let flows: Vec<(u64, u64)> = {
        let mut random = Random(1);
        (0..640_000)
            .map(|_| (random.next(), random.next()))
            .collect()
    };
    assert_even("random IPv4", |flow| {
        let (a, b) = flows[flow as usize];
        v4(
            a as u32,
            (a >> 32) as u32,
            Discriminator::ports(6, b as u16, (b >> 16) as u16),
        )
        .hash(7)
    });
    assert_even("random IPv6", |flow| {
        let (a, b) = flows[flow as usize];
        let source = 0x2001_0db8 << 96 | u128::from(a);
        let destination = 0x2001_0db8_0001 << 80 | u128::from(b);
        v6(source, destination, Discriminator::ports(17, b as u16, 53)).hash(7)
    });
}

#[test]
fn keys_that_differ_in_one_field_spread_evenly() {
    assert_even("source ports in order", |flow| {
        let port = Discriminator::ports(6, flow as u16, (443 + (flow >> 16)) as u16);
        v4(0xc000_0201, 0xc633_6401, port).hash(7)
    });
    assert_even("sources in order", |flow| {
        v4(0x0a00_0000 + flow, 0xc633_6401, Discriminator::protocol(50)).hash(7)
    });
    assert_even("destinations in order", |flow| {
        v4(0xc000_0201, 0x0a00_0000 + flow, Discriminator::protocol(50)).hash(7)
    });
    assert_even("/48s in order", |flow| {
        let source = (0x2001_0db8_0000 + u128::from(flow)) << 80 | 1;
        v6(source, 0x2001 << 112 | 1, Discriminator::protocol(50)).hash(7)
    });
    assert_even("flow labels in order", |flow| {
        let label = Discriminator::flow_label(flow & 0xf_ffff);
        v6(0x2001 << 112 | 2, 0x2001 << 112 | 1, label).hash(7)
    });
}

/// Two routers in a row: of the flows that one sends by a bucket, the next must use all its own buckets.
#[test]
fn another_seed_is_another_hash() {
    for (first, second) in [(0, 1), (1, 2), (7, 0x8000_0007), (0xdead_beef, 0xdead_beee)] {
        let mut counts = [[0u32; 8]; 8];
        for flow in 0..80_000u32 {
            let ports = Discriminator::ports(6, flow as u16, 443);
            let key = v4(0x0a00_0000 + (flow >> 3), 0xc633_6401, ports);
            counts[(key.hash(first) & 7) as usize][(key.hash(second) & 7) as usize] += 1;
        }
        for count in counts.as_flattened() {
            assert!(
                (1_050..=1_450).contains(count),
                "{first} {second}: {counts:?}"
            );
        }
    }
}

#[test]
fn one_changed_bit_of_the_key_changes_half_of_the_low_bits() {
    let mut random = Random(3);
    let mut changed = [0u32; 10];
    let mut tries = 0;
    for _ in 0..500 {
        let (a, b) = (random.next(), random.next());
        let key = (u128::from(a) << 64) | u128::from(b);
        let hash = |key: u128| {
            let discriminator = Discriminator((key & 0xff_ffff_ffff) as u64);
            v4((key >> 96) as u32, (key >> 64) as u32, discriminator).hash(7)
        };
        for bit in (0..40).chain(64..128) {
            let difference = hash(key) ^ hash(key ^ (1 << bit));
            for (index, count) in changed.iter_mut().enumerate() {
                *count += difference >> index & 1;
            }
            tries += 1;
        }
    }
    for count in changed {
        let share = f64::from(count) / f64::from(tries);
        assert!((0.48..=0.52).contains(&share), "{share}");
    }
}

#[test]
fn discriminators_of_different_kinds_never_meet() {
    let label = Discriminator::flow_label(0x6_0000);
    assert_ne!(label, Discriminator::protocol(6));
    assert_ne!(Discriminator::flow_label(0), Discriminator::protocol(0));
    assert_eq!(Discriminator::protocol(6), Discriminator::ports(6, 0, 0));
}

#[test]
fn a_flow_reversed_swaps_addresses_and_ports_and_keeps_protocol_and_label() {
    let there = v4(1, 2, Discriminator::ports(6, 40_000, 443));
    let back = v4(2, 1, Discriminator::ports(6, 443, 40_000));
    assert_eq!(there.reversed(), back);
    assert_ne!(there.hash(7), back.hash(7));
    for discriminator in [
        Discriminator::protocol(50),
        Discriminator::flow_label(0xabcde),
    ] {
        assert_eq!(v6(1, 2, discriminator).reversed(), v6(2, 1, discriminator));
    }
}

/// The values that the maps of a running router depend on: a restart or an upgrade moves no flow.
#[test]
fn the_function_does_not_change() {
    let ports = Discriminator::ports(6, 40_000, 443);
    assert_eq!(v4(0xc000_0201, 0xc633_6407, ports).hash(0), V4_GOLDEN[0]);
    assert_eq!(
        v4(0xc000_0201, 0xc633_6407, ports).hash(0x1234_5678),
        V4_GOLDEN[1]
    );
    let (source, destination) = (0x2001_0db8 << 96 | 1, 0x2001_0db8 << 96 | 2);
    assert_eq!(v6(source, destination, ports).hash(0), V6_GOLDEN[0]);
    assert_eq!(
        v6(source, destination, Discriminator::flow_label(0xabcde)).hash(0x1234_5678),
        V6_GOLDEN[1]
    );
}

const V4_GOLDEN: [u32; 2] = [0xf020_da85, 0xb8f6_a23b];
const V6_GOLDEN: [u32; 2] = [0x391d_c238, 0x6aaa_83e8];
