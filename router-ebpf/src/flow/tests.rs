//! The key itself. That the program computes the same, for every kind of packet, is a test of the object.

use super::*;
use crate::host::Bytes;
use crate::packet;

const SOURCE: [u8; 4] = [192, 0, 2, 1];
const DESTINATION: [u8; 4] = [198, 51, 100, 7];

/// IPv4 in Ethernet; the checksum is not looked at here.
fn v4(protocol: u8, fragment: [u8; 2], options: usize, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(20 + options + payload.len()).unwrap();
    let words = u8::try_from(5 + options / 4).unwrap();
    let mut frame = vec![0; 12];
    frame.extend([
        0x08,
        0,
        0x40 | words,
        0,
        0,
        length,
        0,
        0,
        fragment[0],
        fragment[1],
    ]);
    frame.extend([64, protocol, 0, 0]);
    frame.extend(SOURCE);
    frame.extend(DESTINATION);
    frame.extend(vec![1; options]);
    frame.extend(payload);
    frame
}

fn key(frame: &mut [u8]) -> Flow<[u8; 4]> {
    let frame = Bytes(frame);
    let header: Ipv4Header = frame.read(L3).unwrap();
    let packet = Ipv4 {
        header,
        header_length: header.header_length(),
        length: frame.length() as usize - L3,
    };
    ipv4(&frame, &packet)
}

fn expected(discriminator: Discriminator) -> Flow<[u8; 4]> {
    Flow {
        source: SOURCE,
        destination: DESTINATION,
        discriminator,
    }
}

#[test]
fn ports_are_found_behind_options_of_any_length() {
    for options in (0..=40).step_by(4) {
        let mut frame = v4(6, [0, 0], options, &[0x9c, 0x40, 1, 0xbb]);
        assert_eq!(
            key(&mut frame),
            expected(Discriminator::ports(6, 40_000, 443))
        );
    }
}

#[test]
fn fragments_have_no_ports() {
    for fragment in [[0x20, 0], [0, 1], [0x3f, 0xff]] {
        let mut frame = v4(6, fragment, 0, &[0x9c, 0x40, 1, 0xbb]);
        assert_eq!(key(&mut frame), expected(Discriminator::protocol(6)));
    }
    // Don't-fragment and the reserved flag make no fragment.
    let mut frame = v4(6, [0xc0, 0], 0, &[0x9c, 0x40, 1, 0xbb]);
    assert_eq!(
        key(&mut frame),
        expected(Discriminator::ports(6, 40_000, 443))
    );
}

/// The deepest header that is read ends where the program stops copying headers together.
#[test]
fn nothing_is_read_behind_the_deepest_offset() {
    struct Watched {
        deepest: core::cell::Cell<usize>,
    }

    impl Frame for Watched {
        fn length(&self) -> u32 {
            65_535
        }

        /// Hop-by-hop headers all the way, each as long as brings the chain to its limit.
        fn read<T: bytemuck::Pod>(&self, offset: usize) -> Option<T> {
            let end = offset + size_of::<T>();
            self.deepest.set(self.deepest.get().max(end));
            let mut value = T::zeroed();
            let chain = L3 + Ipv6Header::LENGTH;
            let icmp = chain + MAX_CHAIN;
            let quote = icmp + ICMP_HEADER;
            let quoted_chain = quote + Ipv6Header::LENGTH;
            for (index, byte) in bytemuck::bytes_of_mut(&mut value).iter_mut().enumerate() {
                *byte = match offset + index {
                    at if at == chain => Protocol::ICMPV6.0,
                    at if at == chain + 1 || at == quoted_chain + 1 => 31,
                    at if at == icmp => 2,
                    at if at == quote => 0x60,
                    at if at == quote + 6 => Protocol::HOP_BY_HOP.0,
                    at if at == quoted_chain => Protocol::TCP.0,
                    _ => 0,
                };
            }
            Some(value)
        }
    }

    let frame = Watched {
        deepest: core::cell::Cell::new(0),
    };
    let mut header: Ipv6Header = bytemuck::Zeroable::zeroed();
    header.next_header = Protocol::HOP_BY_HOP;
    let flow = ipv6(
        &frame,
        &packet::Ipv6 {
            header,
            length: 65_000,
        },
    );
    assert_eq!(flow.discriminator, Discriminator::ports(6, 0, 0));
    assert_eq!(frame.deepest.get(), DEEPEST);
}
