use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::effect::Effect;
use super::event::{Event, Retain};
use super::query::{Answer, Cursor, Query, Select};
use super::{Found, Router};
use crate::bgp::attributes::AttributesEditor;
use crate::bgp::negotiate::{
    AddPathOffer, Introduction, Negotiated, PeerGracefulFamily, PeerGracefulRestart,
};
use crate::bgp::types::{
    Asn, Family, FamilySet, NextHop, Nlri, Origin, PathAttributes, PathId, RouteUpdate, RouterId,
};
use crate::bgp::wire::as_path::AsPathBuilder;
use crate::config::toml;
use crate::dataplane::memory::Memory;
use crate::dataplane::{Dataplane, PortStatus, XdpMode};
use crate::fib::op::Installed;
use crate::host::{
    Address, HostEvent, IfIndex, Link, LinkState, MacAddress, NeighbourKey, NeighbourState,
};
use crate::rib::route::PeerId;

const CONFIG: &str = r#"
[interfaces.ethernet.eth1]
xdp = "native"
[interfaces.ethernet.eth2]
xdp = "native"
[interfaces.ethernet.eth3]
xdp = "native"
[protocols.bgp]
system-as = 65000
[protocols.bgp.parameters]
router-id = "10.0.0.1"
ebgp-requires-policy = false
[protocols.bgp.parameters.bestpath.as-path]
multipath-relax = true
[protocols.bgp.address-family.ipv4-unicast]
network."198.51.100.0/24" = {}
[protocols.bgp.neighbor."10.0.1.2"]
remote-as = 65001
[protocols.bgp.neighbor."10.0.1.2".address-family.ipv4-unicast]
[protocols.bgp.neighbor."10.0.2.2"]
remote-as = 65002
[protocols.bgp.neighbor."10.0.2.2".address-family.ipv4-unicast]
[protocols.bgp.neighbor."10.0.3.2"]
remote-as = 65003
[protocols.bgp.neighbor."10.0.3.2".address-family.ipv4-unicast]
[protocols.static.route."192.0.2.0/24"]
next-hop."10.0.1.2" = {}
"#;

const FIRST: PeerId = PeerId(1);
const SECOND: PeerId = PeerId(2);
const THIRD: PeerId = PeerId(3);

/// A router with its data plane in memory, and what it told each neighbour.
struct Rig {
    router: Router,
    dataplane: Memory,
    told: Vec<(PeerId, Arc<[u8]>)>,
    held: Option<Vec<Effect>>,
    /// What neighbours' tasks were told.
    orders: Vec<Effect>,
    now: Instant,
}

impl Rig {
    fn new(config: &str) -> Self {
        Self::with_dataplane(config, Memory::new())
    }

    fn with_dataplane(config: &str, dataplane: Memory) -> Self {
        let (config, _) = toml::parse(config).unwrap();
        let installed = dataplane.dump().unwrap();
        let ports = if installed == Installed::default() {
            Vec::new()
        } else {
            (1..=3).map(port_status).collect()
        };
        let now = Instant::now();
        let found = Found {
            engine: dataplane.engine(),
            hash_seed: dataplane.hash_seed(),
            installed,
            ports,
        };
        let mut rig = Self {
            router: Router::new(config, found, now),
            dataplane,
            told: Vec::new(),
            held: None,
            orders: Vec::new(),
            now,
        };
        rig.event(Event::Host(host()));
        rig
    }

    fn event(&mut self, event: Event) {
        self.router.handle(event, self.now);
        self.run();
    }

    /// Works until nothing is left to do, carrying out every effect at once.
    fn run(&mut self) {
        loop {
            let more = self.router.work(self.now);
            let mut quiet = true;
            while let Some(effect) = self.router.poll_effect() {
                quiet = false;
                self.execute(effect);
            }
            if quiet && !more {
                return;
            }
        }
    }

    fn execute(&mut self, effect: Effect) {
        match effect {
            Effect::Transmit { peers, bytes, .. } => {
                self.told
                    .extend(peers.into_iter().map(|peer| (peer, bytes.clone())));
            }
            effect @ Effect::ApplyFib { .. } if self.held.is_some() => {
                self.held.get_or_insert_default().push(effect);
            }
            Effect::ApplyFib { generation, ops } => {
                assert!(self.dataplane.apply(&ops).is_empty());
                self.router.handle(
                    Event::FibApplied {
                        generation,
                        refused: Vec::new(),
                    },
                    self.now,
                );
            }
            Effect::PutPort(port) => {
                let outcome = Ok(port_status(port.index.0));
                self.router.handle(
                    Event::Port {
                        index: port.index,
                        outcome,
                    },
                    self.now,
                );
            }
            Effect::StartPeer(_)
            | Effect::ConfigurePeer(_)
            | Effect::ResetPeer { .. }
            | Effect::RemovePeer { .. }
            | Effect::RequestRefresh { .. }
            | Effect::RefuseStranger(_)
            | Effect::RangeKeys(_)
            | Effect::AdvertiseOn(_)
            | Effect::Bfd(_) => self.orders.push(effect),
            Effect::RemovePort(_)
            | Effect::KeepNeighbour(_)
            | Effect::ForgetNeighbour(_)
            | Effect::Note(_) => {}
        }
    }

    fn up(&mut self, peer: PeerId) {
        self.up_as(peer, negotiated(peer));
    }

    fn up_as(&mut self, peer: PeerId, agreed: Negotiated) {
        let number = u8::try_from(peer.0).unwrap();
        let address = |last| SocketAddr::from((Ipv4Addr::new(10, 0, number, last), 179));
        self.event(Event::PeerUp {
            peer,
            negotiated: Box::new(agreed),
            local: address(1),
            remote: address(2),
        });
    }

    fn announce(&mut self, peer: PeerId, prefix: &str, path: &[u32]) {
        self.announce_as(peer, prefix, raw_attributes(path));
    }

    fn announce_as(&mut self, peer: PeerId, prefix: &str, raw: Box<[u8]>) {
        let number = u8::try_from(peer.0).unwrap();
        let attributes = PathAttributes {
            next_hop: NextHop::V4(Ipv4Addr::new(10, 0, number, 2)),
            raw,
        };
        let update = RouteUpdate {
            family: Family::Ipv4Unicast,
            attributes: Some(attributes),
            announced: vec![nlri(prefix)],
            withdrawn: Vec::new(),
        };
        self.event(Event::Routes {
            peer,
            updates: vec![update],
        });
    }

    fn withdraw(&mut self, peer: PeerId, prefix: &str) {
        let update = RouteUpdate {
            family: Family::Ipv4Unicast,
            attributes: None,
            announced: Vec::new(),
            withdrawn: vec![nlri(prefix)],
        };
        self.event(Event::Routes {
            peer,
            updates: vec![update],
        });
    }

    fn end_of_rib(&mut self, peer: PeerId) {
        self.event(Event::EndOfRib {
            peer,
            family: Family::Ipv4Unicast,
        });
    }

    fn down(&mut self, peer: PeerId, retain: Retain) {
        self.event(Event::PeerDown { peer, retain });
    }

    /// Interfaces that flows to an address leave by, in the data plane.
    fn interfaces_of(&self, address: &str) -> Vec<u32> {
        let address: IpAddr = address.parse().unwrap();
        let mut found: Vec<u32> = (0..1024)
            .map(|hash| self.dataplane.lookup(address, hash).next_hop.egress)
            .filter(|&egress| egress != 0)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The interface of every flow to an address, in the data plane.
    fn flows_to(&self, address: &str) -> Vec<u32> {
        let address: IpAddr = address.parse().unwrap();
        (0..1024)
            .map(|hash| self.dataplane.lookup(address, hash).next_hop.egress)
            .collect()
    }

    /// Messages for a neighbour since the last call.
    fn heard(&mut self, peer: PeerId) -> Vec<String> {
        let mine: Vec<_> = self
            .told
            .iter()
            .filter(|(to, _)| *to == peer)
            .map(|(_, bytes)| bytes.clone())
            .collect();
        self.told.retain(|(to, _)| *to != peer);
        mine.iter().flat_map(|bytes| describe(bytes)).collect()
    }

    fn reason(&self, prefix: &str, from: u8) -> String {
        let query = Query::BgpRoutes {
            family: Family::Ipv4Unicast,
            select: Select::Exact(prefix.parse().unwrap()),
            cursor: Cursor::default(),
        };
        let Answer::BgpRoutes(page) = self.router.answer(&query, self.now) else {
            panic!("another answer")
        };
        let sender = IpAddr::from([10, 0, from, 2]);
        let paths = &page.rows[0].paths;
        paths
            .iter()
            .find(|p| p.peer.as_ref().unwrap().address == sender)
            .unwrap()
            .reason
            .clone()
            .into_owned()
    }
}

/// `+prefix`, `-prefix` or `eor` for each thing that encoded IPv4 UPDATEs say.
fn describe(mut bytes: &[u8]) -> Vec<String> {
    let mut said = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
        let body = &bytes[19..length];
        let withdrawn = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let attributes = usize::from(u16::from_be_bytes([
            body[2 + withdrawn],
            body[3 + withdrawn],
        ]));
        let nlri = &body[4 + withdrawn + attributes..];
        said.extend(prefixes(&body[2..2 + withdrawn]).map(|prefix| format!("-{prefix}")));
        said.extend(prefixes(nlri).map(|prefix| format!("+{prefix}")));
        if body.len() == 4 {
            said.push("eor".into());
        }
        bytes = &bytes[length..];
    }
    said
}

fn prefixes(mut octets: &[u8]) -> impl Iterator<Item = String> {
    std::iter::from_fn(move || {
        let (&length, rest) = octets.split_first()?;
        let used = usize::from(length).div_ceil(8);
        let mut address = [0; 4];
        address[..used].copy_from_slice(&rest[..used]);
        octets = &rest[used..];
        Some(format!("{}/{length}", Ipv4Addr::from(address)))
    })
}

fn nlri(prefix: &str) -> Nlri {
    Nlri {
        prefix: prefix.parse().unwrap(),
        path_id: PathId(0),
    }
}

fn raw_attributes(path: &[u32]) -> Box<[u8]> {
    let mut as_path = AsPathBuilder::new();
    path.iter().for_each(|&asn| as_path.push(Asn(asn)));
    let mut editor = AttributesEditor::empty();
    editor.set_origin(Origin::Igp);
    editor.set_as_path(as_path.as_path());
    editor.finish()
}

fn negotiated(peer: PeerId) -> Negotiated {
    Negotiated {
        local_as: Asn(65000),
        peer_as: Asn(65000 + u32::from(peer.0)),
        peer_id: RouterId(Ipv4Addr::new(10, 0, u8::try_from(peer.0).unwrap(), 2)),
        internal: false,
        hold_time: Some(Duration::from_secs(90)),
        keepalive: Some(Duration::from_secs(30)),
        four_octet_as: true,
        families: vec![Family::Ipv4Unicast],
        route_refresh: true,
        enhanced_refresh: false,
        extended_message: false,
        extended_next_hop: false,
        add_path_receive: FamilySet::default(),
        add_path_send: FamilySet::default(),
        add_path_offered: AddPathOffer::default(),
        add_path_asked: AddPathOffer::default(),
        graceful_restart: Some(PeerGracefulRestart {
            restarting: false,
            notification: true,
            restart_time: Duration::from_secs(120),
            families: vec![PeerGracefulFamily {
                family: Family::Ipv4Unicast,
                forwarding_kept: true,
            }],
        }),
        capabilities: Vec::new(),
        introduction: Introduction::default(),
    }
}

fn port_status(index: u32) -> PortStatus {
    PortStatus {
        index: IfIndex(index),
        name: format!("eth{index}"),
        mode: XdpMode::Native,
        adopted: false,
    }
}

/// eth1 to eth3 with 10.0.N.1/24, each with its neighbour resolved, and 198.51.100.1/24 on eth1.
fn host() -> Vec<HostEvent> {
    let mut events = vec![HostEvent::Resync];
    for number in 1..=3_u8 {
        events.push(link(number, LinkState::Up));
        events.push(own_address(
            IfIndex(u32::from(number)),
            &format!("10.0.{number}.1/24"),
        ));
        events.push(neighbour(
            number,
            NeighbourState::Reachable(MacAddress([2, 0, 0, 0, number, 2])),
        ));
    }
    events.push(own_address(IfIndex(1), "198.51.100.1/24"));
    events.push(HostEvent::ResyncDone);
    events
}

fn link(number: u8, state: LinkState) -> HostEvent {
    HostEvent::Link(Link {
        index: IfIndex(u32::from(number)),
        name: format!("eth{number}"),
        mac: Some(MacAddress([2, 0, 0, 0, number, 1])),
        mtu: 1500,
        state,
        loopback: false,
    })
}

fn own_address(link: IfIndex, net: &str) -> HostEvent {
    HostEvent::AddressAdded(Address {
        link,
        net: net.parse::<IpNet>().unwrap(),
    })
}

fn neighbour(number: u8, state: NeighbourState) -> HostEvent {
    let key = NeighbourKey {
        link: IfIndex(u32::from(number)),
        address: IpAddr::from([10, 0, number, 2]),
    };
    HostEvent::Neighbour(key, state)
}

mod bfd_loss;
mod distance;
mod flaps;
mod neighbours;
mod policies;

#[test]
fn equal_paths_share_traffic_and_the_best_is_advertised_to_the_others() {
    let mut rig = Rig::new(CONFIG);
    [FIRST, SECOND, THIRD]
        .into_iter()
        .for_each(|peer| rig.up(peer));
    rig.announce(FIRST, "203.0.113.0/24", &[65001, 64999]);
    rig.announce(SECOND, "203.0.113.0/24", &[65002, 64999]);
    assert_eq!(rig.interfaces_of("203.0.113.9"), [1, 2]);
    assert!(rig.heard(THIRD).contains(&"+203.0.113.0/24".to_owned()));
    assert!(
        !rig.heard(FIRST).contains(&"+203.0.113.0/24".to_owned()),
        "never back to the sender"
    );
    assert_eq!(rig.reason("203.0.113.0/24", 2), "Router ID");
}

#[test]
fn a_neighbour_that_is_lost_takes_its_paths_along_and_nothing_else() {
    let mut rig = Rig::new(CONFIG);
    [FIRST, SECOND, THIRD]
        .into_iter()
        .for_each(|peer| rig.up(peer));
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(SECOND, "203.0.113.0/24", &[65002]);
    rig.announce(FIRST, "203.0.114.0/24", &[65001]);
    rig.heard(THIRD);
    rig.down(FIRST, Retain::No);
    assert_eq!(rig.interfaces_of("203.0.113.9"), [2]);
    assert!(rig.interfaces_of("203.0.114.9").is_empty());
    assert!(rig.heard(THIRD).contains(&"-203.0.114.0/24".to_owned()));
}

#[test]
fn a_route_is_advertised_only_when_the_data_plane_has_it() {
    let mut rig = Rig::new(CONFIG);
    [FIRST, THIRD].into_iter().for_each(|peer| rig.up(peer));
    rig.heard(THIRD);
    rig.held = Some(Vec::new());
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    assert!(rig.heard(THIRD).is_empty());
    for effect in rig.held.take().unwrap() {
        rig.execute(effect);
    }
    rig.run();
    assert_eq!(rig.heard(THIRD), ["+203.0.113.0/24"]);
}

#[test]
fn a_withdrawal_takes_the_prefix_out_of_the_data_plane_and_is_passed_on() {
    let mut rig = Rig::new(CONFIG);
    [FIRST, THIRD].into_iter().for_each(|peer| rig.up(peer));
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.heard(THIRD);
    rig.withdraw(FIRST, "203.0.113.0/24");
    assert!(rig.interfaces_of("203.0.113.9").is_empty());
    assert_eq!(rig.heard(THIRD), ["-203.0.113.0/24"]);
    // The number of the prefix goes to another one, which must not inherit anything.
    rig.announce(FIRST, "203.0.114.0/24", &[65001]);
    assert_eq!(rig.heard(THIRD), ["+203.0.114.0/24"]);
    assert_eq!(rig.interfaces_of("203.0.114.1"), [1]);
}

#[test]
fn a_lost_link_is_repaired_in_the_path_lists_before_any_session_is_down() {
    let mut rig = Rig::new(CONFIG);
    [FIRST, SECOND].into_iter().for_each(|peer| rig.up(peer));
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(SECOND, "203.0.113.0/24", &[65002]);
    rig.event(Event::Host(vec![link(1, LinkState::NoCarrier)]));
    assert_eq!(rig.interfaces_of("203.0.113.9"), [2]);
}

#[test]
fn flows_of_a_lost_link_do_not_take_the_default_route() {
    let mut rig = Rig::new(CONFIG);
    [FIRST, SECOND, THIRD]
        .into_iter()
        .for_each(|peer| rig.up(peer));
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(SECOND, "203.0.113.0/24", &[65002]);
    rig.announce(THIRD, "0.0.0.0/0", &[65003]);
    let before = rig.flows_to("203.0.113.9");
    rig.router
        .handle(Event::Host(vec![link(1, LinkState::NoCarrier)]), rig.now);
    while let Some(effect) = rig.router.poll_effect() {
        rig.execute(effect);
    }
    assert_eq!(rig.interfaces_of("203.0.113.9"), [2], "before any decision");
    rig.run();
    let after = rig.flows_to("203.0.113.9");
    let flows = before.iter().zip(&after);
    assert!(
        flows
            .into_iter()
            .all(|(&before, &after)| before == 1 || before == after)
    );
}

#[test]
fn our_own_as_in_a_path_is_a_loop() {
    let mut rig = Rig::new(CONFIG);
    rig.up(FIRST);
    rig.announce(FIRST, "203.0.113.0/24", &[65001, 65000]);
    assert!(rig.interfaces_of("203.0.113.9").is_empty());
    assert_eq!(rig.reason("203.0.113.0/24", 1), "Own AS in AS Path");
}

#[test]
fn ebgp_without_policy_uses_and_sends_nothing() {
    let mut rig = Rig::new(&CONFIG.replace(
        "ebgp-requires-policy = false",
        "ebgp-requires-policy = true",
    ));
    rig.up(FIRST);
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    assert!(rig.interfaces_of("203.0.113.9").is_empty());
    assert_eq!(rig.reason("203.0.113.0/24", 1), "Policy");
    rig.up(THIRD);
    assert_eq!(rig.heard(THIRD), ["eor"]);
}

#[test]
fn a_network_is_originated_while_the_host_has_the_prefix() {
    let mut rig = Rig::new(CONFIG);
    rig.up(THIRD);
    assert!(rig.heard(THIRD).contains(&"+198.51.100.0/24".to_owned()));
    let gone = Address {
        link: IfIndex(1),
        net: "198.51.100.1/24".parse().unwrap(),
    };
    rig.event(Event::Host(vec![link(1, LinkState::NoCarrier)]));
    assert_eq!(rig.heard(THIRD), ["-198.51.100.0/24"]);
    rig.event(Event::Host(vec![link(1, LinkState::Up)]));
    assert_eq!(rig.heard(THIRD), ["+198.51.100.0/24"]);
    rig.event(Event::Host(vec![HostEvent::AddressRemoved(gone)]));
    assert_eq!(rig.heard(THIRD), ["-198.51.100.0/24"]);
}

#[test]
fn a_static_route_wins_over_a_learnt_one_while_its_link_is_up() {
    let mut rig = Rig::new(CONFIG);
    rig.up(SECOND);
    rig.announce(SECOND, "192.0.2.0/24", &[65002]);
    assert_eq!(rig.interfaces_of("192.0.2.1"), [1]);
    rig.event(Event::Host(vec![link(1, LinkState::NoCarrier)]));
    assert_eq!(rig.interfaces_of("192.0.2.1"), [2]);
}

#[test]
fn a_neighbour_that_restarts_gracefully_keeps_its_routes_in_use_until_it_has_told_them_again() {
    let mut rig = Rig::new(CONFIG);
    rig.up(FIRST);
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(FIRST, "203.0.114.0/24", &[65001]);
    rig.down(FIRST, Retain::Stale);
    assert_eq!(rig.interfaces_of("203.0.113.9"), [1]);
    rig.up(FIRST);
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    assert_eq!(
        rig.interfaces_of("203.0.114.9"),
        [1],
        "stale, and still used"
    );
    rig.end_of_rib(FIRST);
    assert_eq!(rig.interfaces_of("203.0.113.9"), [1]);
    assert!(
        rig.interfaces_of("203.0.114.9").is_empty(),
        "not told again"
    );
}

#[test]
fn stale_routes_go_when_the_restart_time_is_over() {
    let mut rig = Rig::new(CONFIG);
    rig.up(FIRST);
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.down(FIRST, Retain::Stale);
    let deadline = rig.router.poll_timeout().unwrap();
    assert_eq!(deadline - rig.now, Duration::from_secs(120));
    rig.now = deadline;
    rig.run();
    assert!(rig.interfaces_of("203.0.113.9").is_empty());
}

#[test]
fn a_restarted_router_keeps_forwarding_and_says_nothing_before_its_neighbours_have_told_all() {
    let mut rig = Rig::new(CONFIG);
    [FIRST, SECOND, THIRD]
        .into_iter()
        .for_each(|peer| rig.up(peer));
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(SECOND, "203.0.114.0/24", &[65002]);

    let mut rig = Rig::with_dataplane(CONFIG, rig.dataplane);
    assert_eq!(rig.interfaces_of("203.0.113.9"), [1], "adopted");
    [FIRST, SECOND, THIRD]
        .into_iter()
        .for_each(|peer| rig.up(peer));
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.end_of_rib(FIRST);
    rig.end_of_rib(SECOND);
    assert!(rig.heard(THIRD).is_empty());
    assert_eq!(
        rig.interfaces_of("203.0.114.9"),
        [2],
        "not swept before the last neighbour"
    );
    rig.end_of_rib(THIRD);
    assert_eq!(rig.interfaces_of("203.0.113.9"), [1]);
    assert!(
        rig.interfaces_of("203.0.114.9").is_empty(),
        "nobody told it again"
    );
    let heard = rig.heard(THIRD);
    assert!(
        heard.contains(&"+203.0.113.0/24".to_owned()) && heard.last() == Some(&"eor".to_owned()),
        "{heard:?}"
    );
}

#[test]
fn a_restart_moves_no_flow_while_neighbours_come_back_one_by_one() {
    let peers = [FIRST, SECOND, THIRD];
    let mut rig = Rig::new(CONFIG);
    for peer in peers {
        rig.up(peer);
        rig.announce(peer, "203.0.113.0/24", &[65000 + u32::from(peer.0)]);
    }
    let before = rig.flows_to("203.0.113.9");

    let mut rig = Rig::with_dataplane(CONFIG, rig.dataplane);
    for peer in peers {
        rig.up(peer);
        rig.announce(peer, "203.0.113.0/24", &[65000 + u32::from(peer.0)]);
        rig.end_of_rib(peer);
        assert_eq!(rig.flows_to("203.0.113.9"), before);
    }
    assert!(rig.router.restore.is_none());
}

#[test]
fn a_restarted_router_does_not_wait_for_ever() {
    let mut rig = Rig::new(CONFIG);
    rig.up(FIRST);
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    let mut rig = Rig::with_dataplane(CONFIG, rig.dataplane);
    rig.now = rig.router.poll_timeout().unwrap();
    rig.run();
    assert!(rig.interfaces_of("203.0.113.9").is_empty());
}

#[test]
fn a_neighbour_without_graceful_restart_is_waited_for_only_a_moment() {
    let mut rig = Rig::new(CONFIG);
    rig.up(FIRST);
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(FIRST, "203.0.114.0/24", &[65001]);
    let mut rig = Rig::with_dataplane(CONFIG, rig.dataplane);
    for peer in [FIRST, SECOND, THIRD] {
        let mut agreed = negotiated(peer);
        agreed.graceful_restart = None;
        rig.up_as(peer, agreed);
    }
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    assert_eq!(rig.interfaces_of("203.0.114.9"), [1], "not swept yet");
    let deadline = rig.router.poll_timeout().unwrap();
    assert_eq!(deadline - rig.now, Duration::from_secs(5));
    rig.now = deadline;
    rig.run();
    assert_eq!(rig.interfaces_of("203.0.113.9"), [1]);
    assert!(rig.interfaces_of("203.0.114.9").is_empty());
    assert!(rig.heard(THIRD).contains(&"+203.0.113.0/24".to_owned()));
}
