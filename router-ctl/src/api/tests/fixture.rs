//! A router that gives fixed answers, behind a real socket.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use ipnet::IpNet;
use router_common::counter::Counter;
use router_common::route::RouteId;
use router_common::verdict::Verdict;

use crate::api::{AskError, Backend, Phase, Status, serve};
use crate::bfd;
use crate::bfd::fsm::State;
use crate::bfd::packet::{Diagnostic, Discriminator};
use crate::bgp::negotiate::PeerGracefulFamily;
use crate::bgp::session::MessageCounts;
use crate::bgp::types::{Asn, Family, NextHop, RouterId};
use crate::config::model::{Config, ListenRange, NeighborName, NeighborSettings, NeighborTimers};
use crate::dataplane::{Counters, VerdictCount};
use crate::host::{IfIndex, LinkState, MacAddress};
use crate::router::event::{PeerStatus, ResetKind};
use crate::router::query::{
    AddPathOffer, Answer, AsPathSegment, BfdPeer, BgpPath, BgpPrefix, BgpSummary, CapabilityUse,
    Cursor, FamilySummary, FibSummary, InstalledPrefix, Interface, Introduction, Neighbor,
    NeighborFamily, NeighborSession, NeighborState, NeighborTimes, Origin, OwnNextHopV6, Page,
    PathPeer, PeerGracefulRestart, PeerId, Protocol, Query, Rejections, Route, RouteNextHop,
    RouteTarget, SegmentKind, Select, Startup, Told,
};

pub(crate) const CONFIG: &str = r#"
[interfaces.ethernet.eth0]
xdp = "native"
description = "uplink to the first transit, rack 4"
[protocols.bgp]
system-as = 65000
[protocols.bgp.parameters]
ebgp-requires-policy = false
default.local-pref = 200
[protocols.bgp.neighbor."10.0.0.2"]
remote-as = 65001
timers.holdtime = 30
[protocols.bgp.neighbor."10.0.0.2".address-family.ipv4-unicast]
"#;

pub(crate) struct Fake {
    pub(crate) phase: Phase,
    /// Rows in one page: few, so that lists take several.
    pub(crate) page: usize,
    pub(crate) prefixes: Vec<BgpPrefix>,
    pub(crate) routes: Vec<Route>,
    pub(crate) resets: Arc<Mutex<Vec<(PeerId, ResetKind)>>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            phase: Phase::Running,
            page: 3,
            prefixes: prefixes(),
            routes: routes(),
            resets: Arc::default(),
        }
    }
}

impl Backend for Fake {
    fn ask(&self, query: Query) -> BoxFuture<'_, Result<Answer, AskError>> {
        let answer = match self.phase {
            Phase::Starting => Err(AskError::Starting),
            Phase::Stopping => Err(AskError::Stopping),
            Phase::Running => Ok(self.answer(&query)),
        };
        Box::pin(async move { answer })
    }

    fn reset(&self, peer: PeerId, how: ResetKind) -> Result<(), AskError> {
        if self.phase != Phase::Running {
            return Err(AskError::Stopping);
        }
        self.resets.lock().unwrap().push((peer, how));
        Ok(())
    }

    fn counters(&self) -> Option<Arc<dyn Counters>> {
        (self.phase == Phase::Running).then(|| Arc::new(Traffic::default()) as Arc<dyn Counters>)
    }

    fn config(&self) -> Arc<Config> {
        let mut config = crate::config::toml::parse(CONFIG).unwrap().0;
        let bgp = config.protocols.bgp.as_mut().unwrap();
        let group = "TRANSIT".to_owned();
        bgp.peer_group
            .insert(group.clone(), NeighborSettings::default());
        for neighbor in bgp.neighbor.values_mut() {
            neighbor.peer_group = Some(group.clone());
        }
        let range = ListenRange { peer_group: group };
        bgp.listen
            .range
            .insert("10.0.0.3/32".parse().unwrap(), range);
        Arc::new(config)
    }

    fn status(&self) -> Status {
        let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Status {
            phase: self.phase,
            started,
            now: started + Duration::from_secs(4000),
        }
    }
}

impl Fake {
    /// The rows that are wanted, from the cursor on.
    fn page<T: Clone>(
        &self,
        (rows, prefix): (&[T], fn(&T) -> IpNet),
        (family, select): (Family, Select),
        cursor: Cursor,
    ) -> Page<T> {
        let of_family = rows.iter().filter(|row| Family::of(prefix(row)) == family);
        match select {
            Select::All => slice(self.page, of_family, cursor),
            Select::Exact(exact) => slice(
                self.page,
                of_family.filter(|row| prefix(row) == exact),
                cursor,
            ),
            Select::Match(address) => {
                let covering = of_family.filter(|row| prefix(row).contains(&address));
                let longest = covering.clone().map(|row| prefix(row).prefix_len()).max();
                let is_longest = |row: &&T| Some(prefix(row).prefix_len()) == longest;
                slice(self.page, covering.filter(is_longest), cursor)
            }
        }
    }

    fn answer(&self, query: &Query) -> Answer {
        match query {
            Query::BgpSummary => Answer::BgpSummary(summary()),
            Query::BgpNeighbors => Answer::BgpNeighbors(neighbors()),
            Query::BgpRoutes {
                family,
                select,
                cursor,
            } => Answer::BgpRoutes(self.page(
                (&self.prefixes, |row| row.prefix),
                (*family, *select),
                *cursor,
            )),
            Query::NeighborRoutes { family, cursor, .. } => Answer::BgpRoutes(self.page(
                (&self.prefixes, |row| row.prefix),
                (*family, Select::All),
                *cursor,
            )),
            Query::ExplainPolicy { route_map, .. } => {
                Answer::Policy(Err(format!("there is no policy route-map {route_map}")))
            }
            Query::Routes {
                family,
                select,
                cursor,
            } => Answer::Routes(self.page(
                (&self.routes, |row| row.prefix),
                (*family, *select),
                *cursor,
            )),
            Query::Installed { cursor } => {
                Answer::Installed(slice(self.page, installed().iter(), *cursor))
            }
            Query::Interfaces => Answer::Interfaces(interfaces()),
            Query::Fib => Answer::Fib(fib()),
            Query::BfdPeers => Answer::BfdPeers(bfd_peers()),
            Query::Startup => Answer::Startup(Startup {
                adopted_routes: 1_042_325,
                steps: vec![
                    ("data plane opened", Duration::from_millis(31)),
                    ("installed routes read", Duration::from_millis(240)),
                    ("host read", Duration::from_millis(2)),
                ],
            }),
        }
    }
}

fn slice<'a, T: Clone + 'a>(
    size: usize,
    rows: impl Iterator<Item = &'a T>,
    cursor: Cursor,
) -> Page<T> {
    let start = usize::try_from(cursor.0).unwrap();
    let mut rows = rows.skip(start);
    let page: Vec<T> = rows.by_ref().take(size).cloned().collect();
    let more = rows.next().is_some();
    Page {
        next: more.then_some(Cursor((start + page.len()) as u64)),
        rows: page,
    }
}

/// Route `n` gains `n` packets of 100 octets between two readings.
#[derive(Default)]
struct Traffic {
    readings: AtomicU64,
}

impl Counters for Traffic {
    fn routes(&self) -> Vec<Counter> {
        let reading = self.readings.fetch_add(1, Ordering::Relaxed);
        let packets = |route: u64| 1_000 * route + reading * route;
        (0..12)
            .map(|route| Counter {
                packets: packets(route),
                bytes: packets(route) * 100,
            })
            .collect()
    }

    fn route(&self, route: RouteId) -> Counter {
        self.routes()[route.0 as usize]
    }

    fn verdicts(&self) -> Vec<VerdictCount> {
        let row = |port: Option<u32>, verdict, packets| VerdictCount {
            port: port.map(IfIndex),
            verdict,
            counter: Counter {
                packets,
                bytes: packets * 64,
            },
        };
        vec![
            row(None, Verdict::PassPortOff, 12),
            row(Some(3), Verdict::Forwarded, 123_456_789),
            row(Some(3), Verdict::PassLocal, 4_096),
            row(Some(3), Verdict::PassTtlExpired, 17),
            row(Some(3), Verdict::DropMalformedChecksum, 3),
            row(Some(4), Verdict::Forwarded, 99_000_000),
            row(Some(4), Verdict::DropBlackhole, 1_000),
        ]
    }

    fn received(&self) -> Vec<(Option<IfIndex>, Counter)> {
        let row = |port: Option<u32>, packets| {
            let counter = Counter {
                packets,
                bytes: packets * 64,
            };
            (port.map(IfIndex), counter)
        };
        vec![
            row(None, 12),
            row(Some(3), 123_456_789 + 4_096 + 17 + 3),
            row(Some(4), 99_001_000),
        ]
    }
}

pub(crate) fn neighbor(address: &str, state: NeighborState) -> Neighbor {
    let address = address.parse().unwrap();
    let number = match address {
        IpAddr::V4(address) => u16::from(address.octets()[3]),
        IpAddr::V6(address) => 100 + address.segments()[7],
    };
    Neighbor {
        peer: PeerId(number),
        status: Box::default(),
        name: NeighborName::Address(address),
        settings: Box::default(),
        address,
        description: None,
        remote_as: Some(Asn(65001)),
        local_as: Asn(65000),
        remote_router_id: None,
        state,
        passive: false,
        admin_down: false,
        policy_missing: false,
        since: None,
        messages_received: 0,
        messages_sent: 0,
        output_queue: 0,
        connections_established: 0,
        connections_dropped: 0,
        hold_time: None,
        keepalive: None,
        families: vec![family(Family::Ipv4Unicast, false, [0, 0, 0])],
        last_down: None,
        local_endpoint: None,
        remote_endpoint: None,
        scope: None,
        peer_group: None,
        range: None,
        over_limit: false,
        times: NeighborTimes::default(),
        session: None,
    }
}

fn session() -> NeighborSession {
    let both = [
        (1, "multiprotocol ipv4-unicast"),
        (2, "route-refresh"),
        (6, "extended-message"),
        (64, "graceful-restart"),
        (65, "four-octet-as"),
        (70, "enhanced-route-refresh"),
    ];
    let mut capabilities: Vec<_> = both
        .map(|(code, name)| CapabilityUse {
            code,
            name: name.to_owned(),
            sent: true,
            received: true,
        })
        .to_vec();
    capabilities.push(CapabilityUse {
        code: 71,
        name: "long-lived-graceful-restart".to_owned(),
        sent: false,
        received: true,
    });
    NeighborSession {
        capabilities,
        introduction: Introduction {
            host: Some("edge\u{1b}1".into()),
            software: Some("FRRouting/9.1".to_owned()),
            ..Introduction::default()
        },
        add_path_offered: AddPathOffer {
            receive: [Family::Ipv4Unicast].into_iter().collect(),
            ..AddPathOffer::default()
        },
        add_path_asked: AddPathOffer::default(),
        graceful_restart: Some(PeerGracefulRestart {
            restarting: false,
            notification: true,
            restart_time: Duration::from_secs(90),
            families: vec![PeerGracefulFamily {
                family: Family::Ipv4Unicast,
                forwarding_kept: true,
            }],
        }),
        update_group: Some(3),
        next_hop_v4: Some([10, 0, 0, 1].into()),
        next_hop_v6: Some(OwnNextHopV6 {
            global: "2001:db8:ffff:10::1".parse().unwrap(),
            link_local: Some("fe80::1".parse().unwrap()),
        }),
        shared_network: true,
    }
}

fn family(
    family: Family,
    negotiated: bool,
    [received, accepted, advertised]: [usize; 3],
) -> NeighborFamily {
    NeighborFamily {
        family,
        negotiated,
        received,
        accepted,
        rejected: Rejections::default(),
        advertised,
        end_of_rib_received: negotiated,
        end_of_rib_sent: false,
        stale_for: None,
    }
}

fn up(address: &str, prefixes: [usize; 3]) -> Neighbor {
    let settings = NeighborSettings {
        timers: NeighborTimers {
            holdtime: Some(30),
            ..NeighborTimers::default()
        },
        ..NeighborSettings::default()
    };
    Neighbor {
        settings: Box::new(settings),
        remote_router_id: Some(RouterId("192.0.2.2".parse().unwrap())),
        since: Some(Duration::from_secs(3_725)),
        messages_received: 1_042_377,
        messages_sent: 130,
        connections_established: 1,
        hold_time: Some(Duration::from_secs(30)),
        keepalive: Some(Duration::from_secs(10)),
        families: vec![family(Family::Ipv4Unicast, true, prefixes)],
        local_endpoint: Some("10.0.0.1:179".parse().unwrap()),
        remote_endpoint: Some("10.0.0.2:41822".parse().unwrap()),
        status: Box::new(PeerStatus {
            received: MessageCounts {
                open: 1,
                update: 1_042_340,
                keepalive: 36,
                ..MessageCounts::default()
            },
            sent: MessageCounts {
                open: 1,
                update: 5,
                keepalive: 124,
                ..MessageCounts::default()
            },
            ..PeerStatus::default()
        }),
        times: NeighborTimes {
            last_received: Some(Duration::from_secs(4)),
            last_update: Some(Duration::from_secs(61)),
            last_written: Some(Duration::from_millis(2_500)),
            ..NeighborTimes::default()
        },
        session: Some(Box::new(session())),
        ..neighbor(address, NeighborState::Established)
    }
}

pub(crate) fn neighbors() -> Vec<Neighbor> {
    vec![
        Neighbor {
            description: Some("node-b".to_owned()),
            admin_down: true,
            ..neighbor("10.0.0.10", NeighborState::Idle)
        },
        Neighbor {
            description: Some("first transit, contract 4711".to_owned()),
            ..up("10.0.0.2", [1_042_325, 1_042_320, 12])
        },
        Neighbor {
            remote_as: Some(Asn(4_200_000_017)),
            policy_missing: true,
            description: Some("node-a".to_owned()),
            ..up("10.0.0.3", [7, 0, 0])
        },
        Neighbor {
            remote_as: Some(Asn(65000)),
            families: vec![family(Family::Ipv4Unicast, false, [0, 0, 0])],
            ..up("10.0.0.4", [0, 0, 0])
        },
        Neighbor {
            remote_as: None,
            passive: true,
            since: Some(Duration::from_secs(700_000)),
            connections_established: 2,
            connections_dropped: 2,
            times: NeighborTimes {
                last_reset: Some(Duration::from_secs(700_000)),
                next_attempt: Some(Duration::from_secs(25)),
                ..NeighborTimes::default()
            },
            last_down: Some("hold timer expired (4/0), nothing was heard for 30 s".to_owned()),
            ..neighbor("10.0.0.5", NeighborState::Active)
        },
        Neighbor {
            range: Some("10.0.0.0/24".parse().unwrap()),
            peer_group: Some("GUESTS".to_owned()),
            over_limit: true,
            since: Some(Duration::from_secs(90)),
            connections_established: 1,
            connections_dropped: 1,
            ..neighbor("10.0.0.7", NeighborState::Idle)
        },
        Neighbor {
            families: vec![family(Family::Ipv6Unicast, true, [246_175, 246_175, 3])],
            ..up("2001:db8:ffff:10::2", [0, 0, 0])
        },
    ]
}

fn summary() -> BgpSummary {
    let view = |of: Family, prefixes, paths| FamilySummary {
        family: of,
        table_version: 1_042_402,
        prefixes,
        paths,
        memory_bytes: 91_226_112,
        peer_memory_bytes: 4_096,
        peer_groups: 1,
        peer_group_memory_bytes: 512,
        multipath_relax: true,
        peers: neighbors()
            .into_iter()
            .filter(|peer| peer.families.iter().any(|family| family.family == of))
            .collect(),
    };
    BgpSummary {
        router_id: RouterId("10.0.0.1".parse().unwrap()),
        local_as: Asn(65000),
        families: vec![
            view(Family::Ipv4Unicast, 1_042_332, 1_042_340),
            view(Family::Ipv6Unicast, 246_175, 246_175),
        ],
    }
}

/// A path from `10.0.0.<peer>`, or our own when that is 0.
pub(crate) fn path(peer: u8, as_path: &[u32]) -> BgpPath {
    let address = std::net::Ipv4Addr::new(10, 0, 0, peer);
    BgpPath {
        peer: (peer > 0).then(|| PathPeer {
            name: NeighborName::Address(address.into()),
            address: address.into(),
            router_id: RouterId(std::net::Ipv4Addr::new(192, 0, 2, peer)),
            asn: Asn(as_path.first().copied().unwrap_or(65000)),
            internal: as_path.is_empty(),
        }),
        host: None,
        next_hop: NextHop::V4(if peer == 0 {
            [0, 0, 0, 0].into()
        } else {
            address
        }),
        next_hop_metric: Some(0),
        as_path: if as_path.is_empty() {
            Vec::new()
        } else {
            vec![AsPathSegment {
                kind: SegmentKind::Sequence,
                asns: as_path.iter().copied().map(Asn).collect(),
            }]
        },
        origin: Origin::Igp,
        med: None,
        local_pref: None,
        weight: 0,
        communities: Vec::new(),
        large_communities: Vec::new(),
        extended_communities: Vec::new(),
        originator_id: None,
        cluster_list: Vec::new(),
        aggregator: None,
        atomic_aggregate: false,
        path_id: 0,
        valid: true,
        best: false,
        multipath: false,
        stale: false,
        stale_for: None,
        reason: "".into(),
    }
}

fn named(path: BgpPath, host: &str) -> BgpPath {
    BgpPath {
        host: Some(host.into()),
        ..path
    }
}

pub(crate) fn bgp_prefix(prefix: &str, paths: Vec<BgpPath>) -> BgpPrefix {
    BgpPrefix {
        prefix: prefix.parse().unwrap(),
        paths,
        advertised_to: match prefix {
            "198.51.100.0/24" => vec![Told {
                name: NeighborName::Interface("eth1".to_owned()),
                host: None,
            }],
            _ => Vec::new(),
        },
    }
}

/// In no order, as the router gives them.
fn prefixes() -> Vec<BgpPrefix> {
    let best = |path| BgpPath {
        best: true,
        reason: "First path received".into(),
        ..path
    };
    vec![
        bgp_prefix(
            "203.0.113.0/24",
            vec![BgpPath {
                weight: 32768,
                ..best(path(0, &[]))
            }],
        ),
        bgp_prefix(
            "198.51.100.0/24",
            vec![
                BgpPath {
                    best: true,
                    multipath: true,
                    reason: "Neighbor IP".into(),
                    med: Some(10),
                    communities: vec![(65001 << 16) | 100, 0xffff_ff01],
                    extended_communities: Vec::new(),
                    large_communities: vec![[65001, 1, 2], [4_200_000_000, 65_536, 7]],
                    aggregator: Some((Asn(65009), RouterId("192.0.2.99".parse().unwrap()))),
                    atomic_aggregate: true,
                    ..named(path(2, &[65001, 65009]), "edge1")
                },
                BgpPath {
                    multipath: true,
                    reason: "Neighbor IP".into(),
                    med: Some(10),
                    ..path(3, &[65001, 65009])
                },
                BgpPath {
                    valid: false,
                    next_hop_metric: None,
                    stale_for: Some(Duration::from_secs(71)),
                    reason: "next hop unresolved".into(),
                    local_pref: Some(100),
                    originator_id: Some(RouterId("192.0.2.77".parse().unwrap())),
                    cluster_list: vec![
                        RouterId("192.0.2.4".parse().unwrap()),
                        RouterId("192.0.2.5".parse().unwrap()),
                    ],
                    stale: true,
                    ..path(4, &[])
                },
            ],
        ),
        bgp_prefix(
            "9.0.0.0/8",
            vec![BgpPath {
                origin: Origin::Incomplete,
                ..best(path(
                    2,
                    &[
                        65001,
                        4_200_000_101,
                        4_200_000_102,
                        4_200_000_103,
                        64999,
                        64998,
                    ],
                ))
            }],
        ),
        bgp_prefix("198.51.100.128/25", vec![best(path(2, &[65001]))]),
        bgp_prefix("10.20.0.0/16", vec![best(path(2, &[65001, 3356, 15169]))]),
        bgp_prefix(
            "2001:db8:1234:5678::/64",
            vec![BgpPath {
                next_hop: NextHop::V6 {
                    global: "2001:db8:ffff:10::2".parse().unwrap(),
                    link_local: None,
                },
                ..best(path(2, &[65001, 6939]))
            }],
        ),
    ]
}

fn next_hop(target: RouteTarget, index: u32, buckets: Option<(u32, u32)>) -> RouteNextHop {
    RouteNextHop {
        target,
        interface: (index > 0).then(|| (IfIndex(index), format!("eth{}", index - 3))),
        active: true,
        recursive: false,
        weight: 1,
        buckets,
    }
}

fn via(address: &str, index: u32, buckets: Option<(u32, u32)>) -> RouteNextHop {
    next_hop(
        RouteTarget::Gateway(address.parse().unwrap()),
        index,
        buckets,
    )
}

pub(crate) fn route(prefix: &str, protocol: Protocol, next_hops: Vec<RouteNextHop>) -> Route {
    Route {
        prefix: prefix.parse().unwrap(),
        protocol,
        distance: match protocol {
            Protocol::Local | Protocol::Connected => 0,
            Protocol::Static => 1,
            Protocol::Ebgp => 20,
            Protocol::Ibgp | Protocol::Aggregate => 200,
        },
        metric: 0,
        selected: true,
        installed: true,
        path_list: Some(7),
        next_hops,
    }
}

fn routes() -> Vec<Route> {
    let shadowed = Route {
        selected: false,
        installed: false,
        ..route(
            "198.51.100.0/24",
            Protocol::Static,
            vec![via("10.0.1.254", 4, None)],
        )
    };
    vec![
        Route {
            distance: 30,
            ..shadowed
        },
        route(
            "198.51.100.0/24",
            Protocol::Ebgp,
            vec![
                via("10.0.0.2", 3, Some((86, 256))),
                via("10.0.0.3", 3, Some((85, 256))),
                RouteNextHop {
                    recursive: true,
                    ..via("10.0.1.4", 4, Some((85, 256)))
                },
            ],
        ),
        route(
            "0.0.0.0/0",
            Protocol::Static,
            vec![via("10.0.1.254", 4, None)],
        ),
        route(
            "10.0.0.0/24",
            Protocol::Connected,
            vec![next_hop(RouteTarget::Connected, 3, None)],
        ),
        route(
            "10.0.0.1/32",
            Protocol::Local,
            vec![next_hop(RouteTarget::Local, 3, None)],
        ),
        route(
            "192.0.2.0/24",
            Protocol::Static,
            vec![next_hop(RouteTarget::Blackhole, 0, None)],
        ),
        Route {
            installed: false,
            ..route(
                "192.0.2.128/25",
                Protocol::Ibgp,
                vec![RouteNextHop {
                    active: false,
                    ..via("10.0.1.9", 4, None)
                }],
            )
        },
        route(
            "2001:db8:1234:5678::/64",
            Protocol::Ebgp,
            vec![via("2001:db8:ffff:10::2", 3, Some((256, 256)))],
        ),
    ]
}

fn interfaces() -> Vec<Interface> {
    let interface = |index: u32, name: &str, state, addresses: &[&str]| Interface {
        index: IfIndex(index),
        name: name.to_owned(),
        state,
        mac: Some(MacAddress([2, 0, 0, 0, 0, u8::try_from(index).unwrap()])),
        mtu: 1500,
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        xdp: "off",
        adopted: false,
    };
    vec![
        Interface {
            xdp: "native",
            adopted: true,
            ..interface(
                3,
                "eth0",
                LinkState::Up,
                &["10.0.0.1/24", "2001:db8:ffff:10::1/64"],
            )
        },
        Interface {
            xdp: "generic",
            ..interface(4, "eth1", LinkState::NoCarrier, &["10.0.1.1/24"])
        },
        Interface {
            mac: None,
            mtu: 1420,
            xdp: "-",
            ..interface(9, "wg0", LinkState::AdminDown, &[])
        },
    ]
}

fn fib() -> FibSummary {
    FibSummary {
        engine: "lpm-trie",
        routes_v4: 1_042_340,
        routes_v6: 246_180,
        capacity_routes: 1 << 21,
        path_lists: 12,
        capacity_path_lists: 1 << 16,
        buckets: 1_024,
        capacity_buckets: 1 << 20,
        next_hops: 9,
        capacity_next_hops: 1 << 14,
        pending: 0,
        failures: 0,
        stale: 0,
        generation: 4_711,
        hash_seed: 0x1234_5678,
    }
}

/// Up on a link, lost over several hops, and never heard of.
fn bfd_peers() -> Vec<BfdPeer> {
    let number = |number| Discriminator::new(number).unwrap();
    let milliseconds = Duration::from_millis;
    let remote = |state, diagnostic| bfd::Remote {
        state,
        diagnostic,
        discriminator: number(4_000_000_001),
        transmit: milliseconds(50),
        receive: milliseconds(300),
        echo_receive: milliseconds(0),
        multiplier: 5,
        control_plane_independent: false,
    };
    let peer = |address: &str, state, diagnostic, remote| BfdPeer {
        description: None,
        key: bfd::Key {
            remote: address.parse().unwrap(),
            local: None,
            interface: None,
            multihop: false,
        },
        interface: None,
        since: Duration::from_secs(3_725),
        status: bfd::Status {
            settings: bfd::Settings::default(),
            state,
            since: std::time::Instant::now(),
            diagnostic,
            discriminator: number(17),
            remote,
            transmit_interval: Some(milliseconds(300)),
            detection_time: Some(milliseconds(1500)),
            counts: bfd::Counts::default(),
        },
    };
    let up = remote(State::Up, Diagnostic::NONE);
    let stopped = remote(State::AdminDown, Diagnostic::ADMIN_DOWN);
    let mut link_local = peer(
        "fe80::a8bb:ccff:fedd:eeff",
        State::Up,
        Diagnostic::NONE,
        Some(up),
    );
    link_local.key.interface = Some(IfIndex(2));
    link_local.interface = Some("eth0".to_owned());
    let signaled = Diagnostic::NEIGHBOR_SAID_DOWN;
    let mut far = peer("10.255.0.7", State::Down, signaled, Some(stopped));
    far.description = Some("route reflector in the other building".to_owned());
    far.key.local = Some("10.255.0.1".parse().unwrap());
    far.key.multihop = true;
    let expired = peer(
        "2001:db8:ffff:10::2",
        State::Down,
        Diagnostic::EXPIRED,
        None,
    );
    vec![link_local, far, expired]
}

fn installed() -> Vec<InstalledPrefix> {
    let row = |prefix: &str, route: u32, next_hops: &[&str], interfaces: &[u32], origin_as| {
        InstalledPrefix {
            prefix: prefix.parse().unwrap(),
            route: RouteId(route),
            next_hops: next_hops.iter().map(|text| text.parse().unwrap()).collect(),
            interfaces: interfaces.iter().copied().map(IfIndex).collect(),
            origin_as,
            peer: origin_as.map(|_: Asn| "10.0.0.2".parse().unwrap()),
        }
    };
    vec![
        row("10.0.0.0/24", 2, &[], &[3], None),
        row(
            "198.51.100.0/24",
            9,
            &["10.0.0.2", "10.0.0.3", "10.0.1.4"],
            &[3, 4],
            Some(Asn(65009)),
        ),
        row(
            "198.51.100.128/25",
            4,
            &["10.0.0.2"],
            &[3],
            Some(Asn(65001)),
        ),
        row("0.0.0.0/0", 5, &["10.0.1.254"], &[4], None),
        row(
            "2001:db8:1234:5678::/64",
            7,
            &["2001:db8:ffff:10::2"],
            &[3],
            Some(Asn(6939)),
        ),
    ]
}

/// The fake router's API, on a socket of its own, for as long as this lives.
pub(crate) struct Server {
    pub(crate) socket: PathBuf,
    _directory: tempfile::TempDir,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    pub(crate) fn start(backend: Fake) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("api.sock");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = {
            let _inside = runtime.enter();
            tokio::net::UnixListener::bind(&socket).unwrap()
        };
        runtime.spawn(serve(listener, Arc::new(backend)));
        Self {
            socket,
            _directory: directory,
            runtime: Some(runtime),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
