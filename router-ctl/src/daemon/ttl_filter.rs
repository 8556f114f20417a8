//! TTL security before a connection is accepted (RFC 5082).
//!
//! `IP_MINTTL` is an option of a socket, and a listener serves neighbours near and far: it is set on a connection
//! when that is accepted. By then the neighbour may have said all it needs for a session. So the listener has a
//! socket filter that knows the neighbours with TTL security; connections inherit it, and lose it when they have
//! the option.

use std::net::IpAddr;

use libc::sock_filter;

/// From <linux/filter.h>: offsets count from the network header, which a TCP socket's packets still have.
const NETWORK_HEADER: i32 = -0x10_0000;
/// `BPF_MAXINSNS`
const LONGEST: usize = 4096;

const LOAD_WORD: u16 = 0x20;
const LOAD_OCTET: u16 = 0x30;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

const DROP: u32 = 0;
const KEEP: u32 = u32::MAX;

/// Drops what comes from one of these addresses with less than its TTL. All addresses are of one family; `None`
/// when they are too many for the kernel.
pub(super) fn program(neighbours: &[(IpAddr, u8)]) -> Option<Vec<sock_filter>> {
    let mut program = Vec::new();
    for (address, minimum) in neighbours {
        check(&mut program, *address, *minimum);
    }
    program.push(instruction(RETURN, KEEP, (0, 0)));
    (program.len() <= LONGEST).then_some(program)
}

/// Is it from there, and from too far away? Else the next check follows.
fn check(program: &mut Vec<sock_filter>, address: IpAddr, minimum: u8) {
    let (source, ttl, octets) = match address {
        IpAddr::V4(address) => (12, 8, address.octets().to_vec()),
        IpAddr::V6(address) => (8, 7, address.octets().to_vec()),
    };
    let words: Vec<u32> = octets
        .chunks_exact(4)
        .map(|word| {
            word.iter()
                .fold(0, |value, octet| value << 8 | u32::from(*octet))
        })
        .collect();
    let mut left = u8::try_from(words.len() * 2 + 3).unwrap_or(u8::MAX);
    for (at, word) in (source..).step_by(4).zip(words) {
        left -= 2;
        program.push(load(LOAD_WORD, at));
        program.push(instruction(JUMP_IF_EQUAL, word, (0, left)));
    }
    program.push(load(LOAD_OCTET, ttl));
    program.push(instruction(JUMP_IF_AT_LEAST, minimum.into(), (1, 0)));
    program.push(instruction(RETURN, DROP, (0, 0)));
}

fn load(code: u16, offset: i32) -> sock_filter {
    instruction(code, (NETWORK_HEADER + offset).cast_unsigned(), (0, 0))
}

fn instruction(code: u16, k: u32, (jt, jf): (u8, u8)) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel does with the program, as far as it is used here.
    fn run(program: &[sock_filter], packet: &[u8]) -> u32 {
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let step = &program[at];
            let offset = || usize::try_from(step.k.cast_signed() - NETWORK_HEADER).unwrap();
            at += 1;
            let taken = match step.code {
                LOAD_WORD => {
                    let word = packet[offset()..offset() + 4].try_into().unwrap();
                    accumulator = u32::from_be_bytes(word);
                    continue;
                }
                LOAD_OCTET => {
                    accumulator = packet[offset()].into();
                    continue;
                }
                JUMP_IF_EQUAL => accumulator == step.k,
                JUMP_IF_AT_LEAST => accumulator >= step.k,
                RETURN => return step.k,
                code => panic!("{code}"),
            };
            at += usize::from(if taken { step.jt } else { step.jf });
        }
    }

    fn packet(from: &str, ttl: u8) -> Vec<u8> {
        let mut packet = vec![0; 40];
        match from.parse().unwrap() {
            IpAddr::V4(address) => {
                packet[8] = ttl;
                packet[12..16].copy_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                packet[7] = ttl;
                packet[8..24].copy_from_slice(&address.octets());
            }
        }
        packet
    }

    #[test]
    fn neighbours_are_held_to_their_own_ttl_and_others_to_none() {
        for (near, farther, other) in [
            ("10.0.0.1", "10.0.0.2", "10.0.0.3"),
            ("2001:db8::1", "2001:db8::2", "2001:db8:1::1"),
        ] {
            let neighbours = [
                (near.parse().unwrap(), 255),
                (farther.parse().unwrap(), 254),
            ];
            let program = program(&neighbours).unwrap();
            for (from, ttl, verdict) in [
                (near, 255, KEEP),
                (near, 254, DROP),
                (farther, 255, KEEP),
                (farther, 254, KEEP),
                (farther, 253, DROP),
                (other, 1, KEEP),
            ] {
                let packet = packet(from, ttl);
                assert_eq!(run(&program, &packet), verdict, "{from} with {ttl}");
            }
        }
    }

    #[test]
    fn a_program_is_not_longer_than_the_kernel_takes() {
        let neighbour = |number: u16| {
            let [high, low] = number.to_be_bytes();
            (IpAddr::from([10, 0, high, low]), 255)
        };
        let many = |count: u16| program(&(0..count).map(neighbour).collect::<Vec<_>>());
        assert!(many(800).is_some());
        assert!(many(900).is_none());
    }
}
