use super::*;
use crate::bgp::session::GracefulRestart;
use crate::bgp::types::PeerAs;

fn config(asn: u32, id: u8) -> SessionConfig {
    let remote = if asn == 65000 { 65001 } else { 65000 };
    let mut config = SessionConfig::new(
        Asn(asn),
        RouterId([10, 0, 0, id].into()),
        PeerAs::Number(Asn(remote)),
    );
    config.families = Family::ALL.to_vec();
    config
}

fn ours() -> SessionConfig {
    config(65000, 1)
}

fn theirs() -> SessionConfig {
    config(65001, 2)
}

fn agree(ours: &SessionConfig, theirs: &SessionConfig) -> Negotiated {
    negotiate(ours, &our_open(ours, true), &our_open(theirs, true)).unwrap()
}

#[track_caller]
fn refused(ours: &SessionConfig, received: &Open, subcode: u8) -> Vec<u8> {
    let error = negotiate(ours, &our_open(ours, true), received).unwrap_err();
    let notification = error.notification;
    assert_eq!((notification.code, notification.subcode), (2, subcode));
    notification.data
}

#[test]
fn defaults_agree_on_everything_both_have() {
    let agreed = agree(&ours(), &theirs());
    assert_eq!(agreed.families, Family::ALL);
    assert_eq!(agreed.hold_time, Some(Duration::from_secs(90)));
    assert_eq!(agreed.keepalive, Some(Duration::from_secs(30)));
    assert!(agreed.four_octet_as && agreed.route_refresh && agreed.enhanced_refresh);
    assert!(agreed.extended_message && !agreed.internal && !agreed.extended_next_hop);
    assert_eq!(agreed.encoding().max_message, 65535);
    assert!(
        agreed
            .capabilities
            .iter()
            .all(|each| each.sent && each.received)
    );
}

#[test]
fn our_open_keeps_to_strict_readers() {
    let mut config = ours();
    config.graceful_restart = Some(GracefulRestart {
        restart_time: 120,
        restarting: true,
        forwarding_kept: true,
        helper_only: false,
    });
    config.extended_next_hop = true;
    config.add_path_receive = Family::ALL.to_vec();
    let mut bytes = Vec::new();
    our_open(&config, true).encode(&mut bytes);
    let body = &bytes[19..];
    assert!(bytes.len() >= 37);
    // One parameter of type 2 that fills the rest.
    assert_eq!(usize::from(body[9]), body.len() - 10);
    assert_eq!(body[10], 2);
    assert_eq!(usize::from(body[11]), body.len() - 12);
    assert_eq!(Open::decode(body).unwrap(), our_open(&config, true));
}

#[test]
fn an_as_above_65535_is_as_trans_in_the_old_field() {
    let mut config = ours();
    config.local_as = Asn(4_200_000_000);
    let open = our_open(&config, true);
    assert_eq!((open.my_as, open.asn()), (23456, Asn(4_200_000_000)));
    assert_eq!(our_open(&config, false).capabilities, []);
}

#[test]
fn code_2_2_another_as() {
    let mut other = theirs();
    other.local_as = Asn(65002);
    refused(&ours(), &our_open(&other, true), 2);
    let mut external = ours();
    external.remote_as = PeerAs::External;
    agree(&external, &other);
    refused(&external, &our_open(&config(65000, 2), true), 2);
    let mut internal = ours();
    internal.remote_as = PeerAs::Internal;
    refused(&internal, &our_open(&other, true), 2);
    assert!(agree(&internal, &config(65000, 2)).internal);
}

#[test]
fn code_2_3_our_own_identifier_inside_the_as() {
    let mut internal = ours();
    internal.remote_as = PeerAs::Internal;
    refused(&internal, &our_open(&config(65000, 1), true), 3);
    // Another AS may use it (RFC 6286).
    agree(&ours(), &config(65001, 1));
}

#[test]
fn code_2_6_below_the_minimum_hold_time() {
    let mut strict = ours();
    strict.minimum_hold_time = 30;
    let mut received = our_open(&theirs(), true);
    received.hold_time = 29;
    refused(&strict, &received, 6);
    received.hold_time = 0;
    let sent = our_open(&strict, true);
    let agreed = negotiate(&strict, &sent, &received).unwrap();
    assert_eq!((agreed.hold_time, agreed.keepalive), (None, None));
}

#[test]
fn code_2_7_no_family_in_common() {
    let mut v6 = ours();
    v6.families = vec![Family::Ipv6Unicast];
    let mut v4 = theirs();
    v4.families = vec![Family::Ipv4Unicast];
    let missing = [1, 4, 0, 2, 0, 1];
    assert_eq!(refused(&v6, &our_open(&v4, true), 7), missing);
    assert_eq!(refused(&v6, &our_open(&v4, false), 7), missing);
}

#[test]
fn code_2_7_strict_capability_match() {
    let mut strict = ours();
    strict.strict_capability_match = true;
    let mut v4 = theirs();
    v4.families = vec![Family::Ipv4Unicast];
    let data = refused(&strict, &our_open(&v4, true), 7);
    assert_eq!(data, [1, 4, 0, 2, 0, 1]);
    agree(&strict, &theirs());
}

#[test]
fn without_mp_capability_there_is_ipv4_unicast() {
    let received = our_open(&theirs(), false);
    let ours = ours();
    let agreed = negotiate(&ours, &our_open(&ours, true), &received).unwrap();
    assert_eq!(agreed.families, [Family::Ipv4Unicast]);
    assert!(!agreed.four_octet_as && !agreed.route_refresh && !agreed.extended_message);
    let mut overriding = ours;
    overriding.override_capability = true;
    let agreed = negotiate(&overriding, &our_open(&overriding, true), &received).unwrap();
    assert_eq!(agreed.families, Family::ALL);
}

#[test]
fn a_peer_that_got_no_capabilities_uses_none() {
    let ours = ours();
    let sent = our_open(&ours, false);
    let agreed = negotiate(&ours, &sent, &our_open(&theirs(), true)).unwrap();
    assert_eq!(agreed.families, [Family::Ipv4Unicast]);
    assert!(!agreed.four_octet_as && !agreed.enhanced_refresh);
}

#[test]
fn the_lower_hold_time_counts_and_keepalive_is_at_most_a_third() {
    let mut short = ours();
    short.hold_time = 9;
    short.keepalive = Some(5);
    let agreed = agree(&short, &theirs());
    assert_eq!(agreed.hold_time, Some(Duration::from_secs(9)));
    assert_eq!(agreed.keepalive, Some(Duration::from_secs(3)));
    short.keepalive = Some(1);
    assert_eq!(
        agree(&short, &theirs()).keepalive,
        Some(Duration::from_secs(1))
    );
}

#[test]
fn add_path_needs_one_who_sends_and_one_who_receives() {
    let (mut ours, mut theirs) = (ours(), theirs());
    ours.add_path_receive = Family::ALL.to_vec();
    theirs.add_path_receive = Family::ALL.to_vec();
    let agreed = agree(&ours, &theirs);
    assert!(agreed.add_path_receive.is_empty() && agreed.add_path_send.is_empty());
    theirs.add_path_send = vec![Family::Ipv6Unicast];
    let agreed = agree(&ours, &theirs);
    let v6 = FamilySet::from_iter([Family::Ipv6Unicast]);
    assert_eq!(
        (agreed.add_path_receive, agreed.add_path_send),
        (v6, FamilySet::NONE)
    );
    let agreed = agree(&theirs, &ours);
    assert_eq!(
        (agreed.add_path_receive, agreed.add_path_send),
        (FamilySet::NONE, v6)
    );
    assert!(agreed.encoding().add_path_v6 && !agreed.encoding().add_path_v4);
}

#[test]
fn extended_next_hop_needs_both() {
    let (mut ours, mut theirs) = (ours(), theirs());
    ours.extended_next_hop = true;
    assert!(!agree(&ours, &theirs).extended_next_hop);
    theirs.extended_next_hop = true;
    assert!(agree(&ours, &theirs).extended_next_hop);
}

#[test]
fn graceful_restart_shows_the_peers_side() {
    let restart = GracefulRestart {
        restart_time: 90,
        restarting: true,
        forwarding_kept: true,
        helper_only: false,
    };
    let (mut ours, mut theirs) = (ours(), theirs());
    theirs.graceful_restart = Some(restart);
    assert_eq!(agree(&ours, &theirs).graceful_restart, None);
    ours.graceful_restart = Some(GracefulRestart {
        helper_only: true,
        ..restart
    });
    let peer = agree(&ours, &theirs).graceful_restart.unwrap();
    assert!(peer.restarting && peer.notification);
    assert_eq!(peer.restart_time, Duration::from_secs(90));
    assert_eq!(peer.families.len(), 2);
    assert!(peer.families.iter().all(|each| each.forwarding_kept));
    let helper = agree(&theirs, &ours).graceful_restart.unwrap();
    assert_eq!(helper.families, []);
}

#[test]
fn capabilities_are_listed_once_with_their_sides() {
    let (ours, mut theirs) = (ours(), theirs());
    theirs.families = vec![Family::Ipv4Unicast];
    let agreed = agree(&ours, &theirs);
    let listed = agreed.capabilities.iter();
    let listed: Vec<_> = listed
        .filter(|each| each.code == 1)
        .map(|each| (each.name.as_str(), each.sent, each.received))
        .collect();
    let expected = [
        ("multiprotocol ipv4-unicast", true, true),
        ("multiprotocol ipv6-unicast", true, false),
    ];
    assert_eq!(listed, expected);
}
