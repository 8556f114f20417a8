use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::bfd::packet::{Diagnostic, Discriminator};
use crate::bfd::{Counts, Remote};
use crate::config::toml;
use crate::fib::op::Installed;
use crate::host::{Address, HostEvent, IfIndex};
use crate::router::Found;
use crate::router::event::Event;
use crate::router::query::{Answer, Query};

fn key(last: u8) -> Key {
    Key {
        remote: IpAddr::from([192, 0, 2, last]),
        local: None,
        interface: None,
        multihop: false,
    }
}

fn settings(multiplier: u8) -> Settings {
    Settings {
        multiplier,
        ..Settings::default()
    }
}

fn report(state: State, remote: Option<State>) -> Report {
    let discriminator = Discriminator::new(1).unwrap();
    let status = Status {
        settings: Settings::default(),
        state,
        since: Instant::now(),
        diagnostic: Diagnostic::NONE,
        discriminator,
        remote: remote.map(|state| Remote {
            state,
            diagnostic: Diagnostic::NONE,
            discriminator,
            transmit: Duration::ZERO,
            receive: Duration::ZERO,
            echo_receive: Duration::ZERO,
            multiplier: 3,
            control_plane_independent: false,
        }),
        transmit_interval: None,
        detection_time: None,
        counts: Counts::default(),
    };
    let key = key(2);
    Report { key, status }
}

#[test]
fn only_the_difference_is_asked_for() {
    let mut sessions = BfdSessions::default();
    let mut ask = |peers: &[(u16, u8, u8)]| {
        let peers = peers
            .iter()
            .map(|&(peer, remote, multiplier)| (PeerId(peer), key(remote), settings(multiplier)));
        sessions.reconcile(desired(peers))
    };
    let put = |remote, multiplier| Request::Put(key(remote), settings(multiplier));
    assert_eq!(ask(&[(1, 2, 3), (2, 3, 3)]), [put(2, 3), put(3, 3)]);
    assert_eq!(ask(&[(1, 2, 3), (2, 3, 3)]), []);
    // A neighbour more on the same session, and one with other settings.
    assert_eq!(ask(&[(1, 2, 3), (2, 3, 5), (3, 2, 9)]), [put(3, 5)]);
    assert_eq!(
        ask(&[(1, 2, 3), (4, 5, 3)]),
        [Request::Remove(key(3)), put(5, 3)]
    );
    assert_eq!(ask(&[]), [2, 5].map(|remote| Request::Remove(key(remote))));
}

#[test]
fn a_lost_session_ends_its_neighbours_once_and_one_that_was_taken_down_does_not() {
    let peers = [PeerId(1), PeerId(4)];
    let mut sessions = BfdSessions::default();
    sessions.reconcile(desired(peers.map(|peer| (peer, key(2), settings(3)))));
    let mut hear = |state, remote| sessions.handle_report(report(state, remote));
    let none: [PeerId; 0] = [];
    assert_eq!(hear(State::Down, None), none);
    assert_eq!(hear(State::Init, Some(State::Down)), none);
    assert_eq!(hear(State::Up, Some(State::Up)), none);
    assert_eq!(hear(State::Down, None), peers);
    assert_eq!(hear(State::Down, None), none);
    assert_eq!(hear(State::Up, Some(State::Init)), none);
    assert_eq!(hear(State::Down, Some(State::AdminDown)), none);
    assert_eq!(hear(State::Down, None), none);
    assert_eq!(hear(State::Up, Some(State::Up)), none);
    assert_eq!(hear(State::Down, Some(State::Down)), peers);
    assert_eq!(sessions.of_peer(PeerId(4)).unwrap().state, State::Down);
    assert!(sessions.of_peer(PeerId(2)).is_none());
}

#[test]
fn a_report_of_a_session_that_is_not_wanted_any_more_is_forgotten() {
    let mut sessions = BfdSessions::default();
    sessions.reconcile(desired([(PeerId(1), key(2), settings(3))]));
    sessions.handle_report(report(State::Up, None));
    sessions.reconcile(BTreeMap::new());
    assert!(sessions.handle_report(report(State::Down, None)).is_empty());
    assert!(sessions.reported.is_empty());
}

const CONFIG: &str = r#"
[protocols.bgp]
system-as = 65000
[protocols.bgp.neighbor."10.0.1.2"]
remote-as = 65000
description = "near"
bfd = {}
[protocols.bgp.neighbor."10.0.2.2"]
remote-as = 65000
update-source = "10.255.0.1"
bfd = {}
[protocols.bgp.neighbor."10.0.3.2"]
remote-as = 65001
bfd = {}
[protocols.bgp.neighbor."10.0.4.2"]
remote-as = 65001
ebgp-multihop = 3
bfd = {}
"#;

#[test]
fn the_configuration_and_the_subnets_say_how_far_a_neighbour_is() {
    let now = Instant::now();
    let found = Found {
        engine: "memory",
        hash_seed: 0,
        installed: Installed::default(),
        ports: Vec::new(),
    };
    let mut router = Router::new(toml::parse(CONFIG).unwrap().0, found, now);
    let subnet = Address {
        link: IfIndex(1),
        net: "10.0.1.1/24".parse().unwrap(),
    };
    let link = crate::host::Link {
        index: IfIndex(1),
        name: "eth0".to_owned(),
        mac: None,
        mtu: 1500,
        state: crate::host::LinkState::Up,
        loopback: false,
    };
    router.handle(
        Event::Host(vec![
            HostEvent::Resync,
            HostEvent::Link(link),
            HostEvent::AddressAdded(subnet),
            HostEvent::ResyncDone,
        ]),
        now,
    );
    let keys = |router: &Router| -> Vec<_> {
        let peers = router.peers().iter();
        peers
            .map(|(id, peer)| (id, router.bfd_key(peer), Settings::default()))
            .collect()
    };
    let wanted = keys(&router);
    let multihop: Vec<_> = wanted.iter().map(|(_, key, _)| key.multihop).collect();
    assert_eq!(multihop, [false, true, false, true]);
    assert_eq!(wanted[1].1.local, Some("10.255.0.1".parse().unwrap()));

    let asked = std::iter::from_fn(|| router.poll_effect())
        .filter(|effect| matches!(effect, Effect::Bfd(Request::Put(..))))
        .count();
    assert_eq!(asked, 4);
    // The subnet goes, and the session with it only when it is lost.
    router.handle(Event::Host(vec![HostEvent::AddressRemoved(subnet)]), now);
    assert_eq!(keys(&router), wanted);

    let Report { status, .. } = report(State::Up, Some(State::Up));
    let key = wanted[0].1.clone();
    let up = Report { key, status };
    router.handle(Event::Bfd(Box::new(up)), now);
    let Answer::BfdPeers(peers) = router.answer(&Query::BfdPeers, now) else {
        panic!("another answer");
    };
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0].description.as_deref(), Some("near"));
    assert_eq!(
        router.bfd_status(PeerId(1)).map(|status| status.state),
        Some(State::Up)
    );
    assert_eq!(router.bfd_status(PeerId(2)), None);
}
