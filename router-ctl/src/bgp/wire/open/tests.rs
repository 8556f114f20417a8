use proptest::prelude::*;

use super::*;
use crate::bgp::wire::capability::{AddPath, ExtendedNextHop, GracefulFamily};
use crate::bgp::wire::header::HEADER;

/// The OPEN of MetalLB's own speaker: 49 octets, one parameter with MP for both families and the AS.
const METALLB: [u8; 30] = [
    4, 0xfd, 0xe9, 0, 90, 10, 0, 0, 7, 20, 2, 18, 1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 65, 4, 0, 0,
    0xfd, 0xe9,
];

#[track_caller]
fn refused(body: &[u8], subcode: u8, data: &[u8]) {
    let notification = Open::decode(body).unwrap_err().notification;
    assert_eq!((notification.code, notification.subcode), (2, subcode));
    assert_eq!(notification.data, data);
}

fn with_parameters(parameters: &[u8]) -> Vec<u8> {
    let mut body = vec![4, 0xfd, 0xe9, 0, 90, 10, 0, 0, 7];
    body.push(u8::try_from(parameters.len()).unwrap());
    body.extend_from_slice(parameters);
    body
}

#[test]
fn the_open_of_metallb_is_read_and_written() {
    let open = Open::decode(&METALLB).unwrap();
    assert_eq!(open.asn(), Asn(65001));
    assert_eq!(open.hold_time, 90);
    assert_eq!(
        open.capabilities,
        [
            Capability::MultiProtocol { afi: 1, safi: 1 },
            Capability::MultiProtocol { afi: 2, safi: 1 },
            Capability::FourOctetAs(Asn(65001)),
        ]
    );
    let mut bytes = Vec::new();
    open.encode(&mut bytes);
    assert_eq!(bytes.len(), 49);
    assert_eq!(bytes[HEADER..], METALLB);
}

#[test]
fn an_old_speaker_sends_no_parameters() {
    let open = Open::decode(&with_parameters(&[])).unwrap();
    assert_eq!(open.capabilities, []);
    assert_eq!(open.asn(), Asn(65001));
}

#[test]
fn code_2_0_what_overruns() {
    refused(&with_parameters(&[2, 3, 1]), 0, &[]);
    refused(&with_parameters(&[2]), 0, &[]);
    refused(&with_parameters(&[2, 2, 1, 4]), 0, &[]);
    refused(&with_parameters(&[2, 1, 1]), 0, &[]);
    let mut longer = with_parameters(&[]);
    longer.push(0);
    refused(&longer, 0, &[]);
    let mut shorter = with_parameters(&[2, 0]);
    shorter[9] = 9;
    refused(&shorter, 0, &[]);
}

#[test]
fn code_2_1_version() {
    let mut body = METALLB;
    body[0] = 3;
    refused(&body, 1, &[0, 4]);
}

#[test]
fn code_2_2_as_0() {
    let mut body = METALLB;
    body[26..].copy_from_slice(&[0; 4]);
    refused(&body, 2, &[]);
    let mut body = METALLB;
    body[1..3].copy_from_slice(&[0; 2]);
    refused(&body, 2, &[]);
}

#[test]
fn code_2_3_identifier_0() {
    let mut body = METALLB;
    body[5..9].copy_from_slice(&[0; 4]);
    refused(&body, 3, &[]);
}

#[test]
fn code_2_4_other_parameters() {
    refused(&with_parameters(&[1, 1, 0]), 4, &[]);
    refused(&with_parameters(&[2, 0, 255, 0]), 4, &[]);
}

#[test]
fn code_2_6_hold_times_of_one_and_two() {
    for hold in [1, 2] {
        let mut body = METALLB;
        body[4] = hold;
        refused(&body, 6, &[]);
    }
    for hold in [0, 3] {
        let mut body = METALLB;
        body[4] = hold;
        assert!(Open::decode(&body).is_ok());
    }
}

#[test]
fn long_parameters_are_read() {
    let body = [
        4, 0xfd, 0xe9, 0, 90, 10, 0, 0, 7, 255, 255, 0, 9, 2, 0, 6, 65, 4, 0, 1, 0, 0,
    ];
    assert_eq!(Open::decode(&body).unwrap().asn(), Asn(65536));
}

#[test]
fn several_parameters_are_one_list() {
    let open = Open::decode(&with_parameters(&[2, 2, 2, 0, 2, 6, 65, 4, 0, 1, 0, 0])).unwrap();
    assert_eq!(
        open.capabilities,
        [
            Capability::RouteRefresh,
            Capability::FourOctetAs(Asn(65536))
        ]
    );
}

#[test]
fn capabilities_of_a_wrong_length_have_no_effect() {
    for (code, value) in [
        (1u8, &[0u8, 1, 0][..]),
        (2, &[0]),
        (5, &[0, 1, 0, 1, 0]),
        (6, &[0]),
        (64, &[0]),
        (64, &[0, 0, 0, 1, 1]),
        (65, &[0, 1]),
        (69, &[0, 1, 1]),
        (70, &[1]),
        (73, &[9, 1]),
        (200, &[1, 2, 3]),
    ] {
        let capability = Capability::decode(code, value);
        let kept = Capability::Other {
            code,
            value: value.to_vec(),
        };
        assert_eq!(capability, kept, "capability {code}");
    }
    assert_eq!(
        Capability::decode(6, &[1]).to_string(),
        "capability 6 of a wrong length"
    );
}

fn capabilities() -> impl Strategy<Value = Capability> {
    let text = "[a-z\u{e9}]{0,12}";
    prop_oneof![
        any::<(u16, u8)>().prop_map(|(afi, safi)| Capability::MultiProtocol { afi, safi }),
        Just(Capability::RouteRefresh),
        Just(Capability::ExtendedMessage),
        Just(Capability::EnhancedRefresh),
        (1..u32::MAX).prop_map(|asn| Capability::FourOctetAs(Asn(asn))),
        prop::collection::vec(any::<(u16, u16, u16)>(), 0..3).prop_map(|entries| {
            let entry = |(afi, safi, next_hop_afi)| ExtendedNextHop {
                afi,
                safi,
                next_hop_afi,
            };
            Capability::ExtendedNextHop(entries.into_iter().map(entry).collect())
        }),
        (
            any::<bool>(),
            any::<bool>(),
            0..4096u16,
            prop::collection::vec(any::<(u16, u8, bool)>(), 0..3)
        )
            .prop_map(|(restarting, notification, restart_time, families)| {
                let entry = |(afi, safi, forwarding_kept)| GracefulFamily {
                    afi,
                    safi,
                    forwarding_kept,
                };
                Capability::GracefulRestart {
                    restarting,
                    notification,
                    restart_time,
                    families: families.into_iter().map(entry).collect(),
                }
            }),
        prop::collection::vec(any::<(u16, u8, bool, bool)>(), 0..3).prop_map(|entries| {
            let entry = |(afi, safi, receive, send)| AddPath {
                afi,
                safi,
                receive,
                send,
            };
            Capability::AddPath(entries.into_iter().map(entry).collect())
        }),
        (text, text).prop_map(|(host, domain)| Capability::Fqdn { host, domain }),
        text.prop_map(Capability::SoftwareVersion),
        (200..=255u8, prop::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(code, value)| Capability::Other { code, value }),
    ]
}

proptest! {
    #[test]
    fn opens_survive_the_wire(
        my_as in 1..=u16::MAX,
        hold_time in prop_oneof![Just(0), 3..=u16::MAX],
        id in 1..=u32::MAX,
        capabilities in prop::collection::vec(capabilities(), 0..6),
    ) {
        let open = Open {
            my_as,
            hold_time,
            router_id: RouterId(id.into()),
            capabilities,
        };
        let mut bytes = Vec::new();
        open.encode(&mut bytes);
        prop_assert_eq!(Open::decode(&bytes[HEADER..]), Ok(open));
    }

    #[test]
    fn any_body_is_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(open) = Open::decode(&body) {
            open.capabilities.iter().for_each(|each| drop(each.to_string()));
        }
    }

    #[test]
    fn any_parameters_are_read_without_panic(parameters in prop::collection::vec(any::<u8>(), 0..255)) {
        let _ = Open::decode(&with_parameters(&parameters));
    }
}
