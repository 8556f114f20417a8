use super::*;

/// Up, Poll, diagnostic 3; discriminators 1 and 2; 300 ms, 200 ms, 50 ms.
const GOOD: [u8; LENGTH] = [
    0x23, 0xe0, 3, 24, 0, 0, 0, 1, 0, 0, 0, 2, 0, 4, 0x93, 0xe0, 0, 3, 0x0d, 0x40, 0, 0, 0xc3, 0x50,
];

fn good() -> Packet {
    Packet {
        diagnostic: Diagnostic::NEIGHBOR_SAID_DOWN,
        state: State::Up,
        flags: Flags {
            poll: true,
            ..Flags::default()
        },
        multiplier: 3,
        mine: Discriminator(1),
        yours: Some(Discriminator(2)),
        desired_min_tx: 300_000,
        required_min_rx: 200_000,
        required_min_echo_rx: 50_000,
    }
}

#[test]
fn a_packet_is_read_and_written_bit_by_bit() {
    assert_eq!(Packet::decode(&GOOD), Ok(good()));
    assert_eq!(good().encode(), GOOD);
    let flags = |octet: u8| {
        let mut bytes = GOOD;
        bytes[1] = octet;
        Packet::decode(&bytes).map(|packet| (packet.state, packet.flags))
    };
    let none = Flags::default();
    for (octet, state, expected) in [
        (0x00, State::AdminDown, none),
        (0x40, State::Down, none),
        (0x80, State::Init, none),
        (
            0xd0,
            State::Up,
            Flags {
                is_final: true,
                ..none
            },
        ),
        (
            0xc8,
            State::Up,
            Flags {
                control_plane_independent: true,
                ..none
            },
        ),
        (
            0xc2,
            State::Up,
            Flags {
                demand: true,
                ..none
            },
        ),
    ] {
        assert_eq!(flags(octet), Ok((state, expected)), "{octet:#x}");
    }
}

#[test]
fn each_check_has_its_reason() {
    let with = |changes: &[(usize, u8)], extra: usize| {
        let mut bytes = GOOD.to_vec();
        for &(at, octet) in changes {
            bytes[at] = octet;
        }
        bytes.resize(LENGTH + extra, 0);
        Packet::decode(&bytes).err()
    };
    let your_zero = |second: u8| with(&[(11, 0), (1, second)], 0);
    for (outcome, reason) in [
        (with(&[(0, 0x03)], 0), Some(Discard::Version)),
        (with(&[(0, 0x43)], 0), Some(Discard::Version)),
        (with(&[(3, 23)], 0), Some(Discard::Length)),
        (with(&[(3, 25)], 0), Some(Discard::Length)),
        (with(&[(3, 24)], 100), None),
        (with(&[(3, 30)], 6), None),
        (with(&[(2, 0)], 0), Some(Discard::Multiplier)),
        (with(&[(1, 0xe1)], 0), Some(Discard::Multipoint)),
        (with(&[(7, 0)], 0), Some(Discard::MyDiscriminator)),
        (your_zero(0x00), None),
        (your_zero(0x40), None),
        (your_zero(0x80), Some(Discard::YourDiscriminator)),
        (your_zero(0xc0), Some(Discard::YourDiscriminator)),
        // With the A bit 26 octets are the least, whatever the section says.
        (with(&[(1, 0xc4)], 2), Some(Discard::Length)),
        (
            with(&[(1, 0xc4), (3, 26)], 2),
            Some(Discard::Authentication),
        ),
    ] {
        assert_eq!(outcome, reason);
    }
    for length in 0..LENGTH {
        assert_eq!(Packet::decode(&GOOD[..length]), Err(Discard::Short));
    }
}

#[test]
fn every_value_of_two_octets_is_decoded_or_refused_and_what_is_decoded_comes_back() {
    for first in 0..=255 {
        for second in 0..=255 {
            let mut bytes = GOOD;
            (bytes[0], bytes[1]) = (first, second);
            if let Ok(packet) = Packet::decode(&bytes) {
                assert_eq!(packet.encode(), bytes);
            }
        }
    }
}

#[test]
fn reasons_are_listed_once_and_in_order() {
    let numbers: Vec<_> = Discard::ALL.iter().map(|&reason| reason as usize).collect();
    assert!(numbers.iter().copied().eq(0..Discard::ALL.len()));
}
