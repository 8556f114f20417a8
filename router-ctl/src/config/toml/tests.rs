use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{parse, render};
use crate::bgp::types::{Asn, Family};
use crate::config::model::{
    AddressFamily, Bgp, Config, Ethernet, Listen, Neighbor, NeighborFamily, NeighborName,
    NeighborSettings, NeighborTimers, Network, NexthopSelf, Parameters, RemoteAs, StaticNextHop,
    StaticRoute, StaticTarget, Timers, UpdateSource, Xdp,
};

const EXAMPLE: &str = r#"
[interfaces.ethernet.eth0]
xdp = "native"                      # native | generic | off; never a silent fall-back
[protocols.bgp]
system-as = 65000
[protocols.bgp.parameters]
router-id = "10.0.0.1"
ebgp-requires-policy = false        # RFC 8212 is the default: true
[protocols.bgp.address-family.ipv4-unicast]
maximum-paths.ebgp = 64
network."203.0.113.0/24" = {}
[protocols.bgp.neighbor."10.0.0.2"]
remote-as = 65001
passive = true
[protocols.bgp.neighbor."10.0.0.2".address-family.ipv4-unicast]
[protocols.static.route."0.0.0.0/0"]
next-hop."10.0.0.254" = {}
"#;

fn neighbor(remote_as: RemoteAs) -> Neighbor {
    Neighbor {
        settings: NeighborSettings {
            remote_as: Some(remote_as),
            passive: true,
            address_family: BTreeMap::from([(Family::Ipv4Unicast, NeighborFamily::default())]),
            ..NeighborSettings::default()
        },
        ..Neighbor::default()
    }
}

fn example() -> Config {
    let mut config = Config::default();
    config.interfaces.ethernet.insert(
        "eth0".to_owned(),
        Ethernet {
            xdp: Xdp::Native,
            ..Ethernet::default()
        },
    );
    config.protocols.bgp = Some(Bgp {
        system_as: Asn(65000),
        timers: Timers::default(),
        parameters: Parameters {
            router_id: Some("10.0.0.1".parse().unwrap()),
            ebgp_requires_policy: false,
            ..Parameters::default()
        },
        address_family: BTreeMap::from([(
            Family::Ipv4Unicast,
            AddressFamily {
                maximum_paths_ebgp: 64,
                network: BTreeMap::from([("203.0.113.0/24".parse().unwrap(), Network::default())]),
                ..AddressFamily::default()
            },
        )]),
        neighbor: BTreeMap::from([(
            NeighborName::Address("10.0.0.2".parse().unwrap()),
            neighbor(RemoteAs::Number(Asn(65001))),
        )]),
        peer_group: BTreeMap::new(),
        listen: Listen::default(),
    });
    config.protocols.static_routes.route.insert(
        "0.0.0.0/0".parse().unwrap(),
        StaticRoute {
            next_hop: BTreeMap::from([("10.0.0.254".parse().unwrap(), StaticNextHop::default())]),
            ..StaticRoute::default()
        },
    );
    config
}

#[test]
fn the_example_is_read_exactly() {
    let (config, warnings) = parse(EXAMPLE).unwrap();
    assert_eq!(config, example());
    let warnings: Vec<_> = warnings
        .iter()
        .map(|problem| problem.in_file("router.toml").to_string())
        .collect();
    assert_eq!(
        warnings,
        [
            "warning: protocols bgp address-family ipv4-unicast network 203.0.113.0/24: originated only while \
             the host is connected to it or another protocol has it\n  \
             --> router.toml:11:9\n  \
             hint: to originate it always, set protocols static route 203.0.113.0/24 blackhole, or protocols \
             bgp parameters network-import-check false"
        ]
    );
}

#[test]
fn the_example_is_written_as_people_write_it() {
    assert_eq!(
        render(&example()),
        r#"[interfaces.ethernet.eth0]
xdp = "native"

[protocols.bgp]
system-as = 65000

[protocols.bgp.parameters]
router-id = "10.0.0.1"
ebgp-requires-policy = false

[protocols.bgp.address-family.ipv4-unicast]
maximum-paths.ebgp = 64
network."203.0.113.0/24" = {}

[protocols.bgp.neighbor."10.0.0.2"]
remote-as = 65001
passive = true

[protocols.bgp.neighbor."10.0.0.2".address-family.ipv4-unicast]

[protocols.static.route."0.0.0.0/0"]
next-hop."10.0.0.254" = {}
"#
    );
}

#[test]
fn an_empty_file_is_an_empty_configuration() {
    assert_eq!(parse(""), Ok((Config::default(), Vec::new())));
    assert_eq!(render(&Config::default()), "");
}

/// Each problem as `severity code line:column path: message | hint`.
fn problems(text: &str) -> Vec<String> {
    let problems = match parse(text) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    problems
        .iter()
        .map(|problem| {
            let place = problem.position.map_or("-".to_owned(), |position| {
                format!("{}:{}", position.line, position.column)
            });
            let code = serde_json::to_value(problem.code).unwrap();
            format!(
                "{} {} {place} {}: {} | {}",
                problem.severity.name(),
                code.as_str().unwrap(),
                problem.path.join(" "),
                problem.message,
                problem.hint.as_deref().unwrap_or("")
            )
        })
        .collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "\n{text}");
}

/// A speaker to which rows add; four lines.
const BGP: &str = "[protocols.bgp]\nsystem-as = 65000\n[protocols.bgp.parameters]\nebgp-requires-policy = false\n";

fn check_bgp(text: &str, expected: &[&str]) {
    check(&format!("{BGP}{text}"), expected);
}

#[test]
fn text_that_is_not_toml() {
    check(
        "a = ",
        &["error syntax 1:5 : not TOML: string values must be quoted, expected literal string | "],
    );
    check(
        "[system]\nhost-name = \"a\"\nhost-name = \"b\"\n",
        &[
            "error duplicate 3:1 : host-name is set twice in one table | a table may also be opened only once",
        ],
    );
}

#[test]
fn unknown_paths() {
    check(
        "[system]\nhostname = \"a\"",
        &[
            "error unknown-path 2:1 system hostname: there is no such node | did you mean host-name?",
        ],
    );
    check(
        "[sytem]",
        &["error unknown-path 1:2 sytem: there is no such node | did you mean system?"],
    );
    check(
        "[qos]",
        &[
            "error unknown-path 1:2 qos: there is no such node | known here: system, interfaces, protocols",
        ],
    );
    check_bgp(
        "[protocols.bgp.neighbor.\"10.0.0.2\"]\nremote-as = 65001\nnexthop-self = {}\naddress-family.ipv4-unicast = {}",
        &[
            "error unknown-path 7:1 protocols bgp neighbor 10.0.0.2 nexthop-self: there is no such node | did you mean protocols bgp neighbor 10.0.0.2 address-family ipv4-unicast nexthop-self?",
        ],
    );
    check(
        "[protocols.bgp]\nsystem-as = 1\nrouter-id = \"10.0.0.1\"",
        &[
            "error unknown-path 3:1 protocols bgp router-id: there is no such node | did you mean protocols bgp parameters router-id?",
        ],
    );
    check(
        "[protocols.bgp]\nsystem-as = 1\naddress-family.ipv4-unicast.network.\"10.0.0.0/8\".x = 1",
        &[
            "error unknown-path 3:50 protocols bgp address-family ipv4-unicast network 10.0.0.0/8 x: there is no such node | nothing can be set here",
        ],
    );
}

#[test]
fn required_nodes() {
    check(
        "[protocols.bgp]",
        &[
            "error required 1:1 protocols bgp system-as: required | add system-as = 65001, for instance",
        ],
    );
    check_bgp(
        "[protocols.bgp.neighbor.\"10.0.0.2\"]\npassive = true",
        &[
            "error required 5:1 protocols bgp neighbor 10.0.0.2 remote-as: required | add remote-as = 65001, for instance",
        ],
    );
    check_bgp(
        "neighbor.x = 1",
        &[
            "error unknown-path 5:1 protocols bgp parameters neighbor: there is no such node | did you mean protocols bgp neighbor?",
        ],
    );
    check(
        "[protocols.static.route.\"10.0.0.0/8\"]",
        &[
            "error required 1:1 protocols static route 10.0.0.0/8: leads nowhere | add next-hop.\"192.0.2.1\" = {}, blackhole = {} or reject = {}",
        ],
    );
    check(
        "[protocols.static.route6.\"::/0\"]\nnext-hop.\"fe80::1\" = {}",
        &[
            "error required 2:10 protocols static route6 ::/0 next-hop fe80::1 interface: required | a link-local gateway is found on one interface only",
        ],
    );
}

#[test]
fn bad_values() {
    check(
        "[interfaces.ethernet.eth0]\nxdp = \"fast\"",
        &[
            "error bad-value 2:7 interfaces ethernet eth0 xdp: expected native, generic or off, found \"fast\" | ",
        ],
    );
    check(
        "[interfaces.ethernet.eth0]\nxdp = true",
        &[
            "error bad-value 2:7 interfaces ethernet eth0 xdp: expected native, generic or off, found true | ",
        ],
    );
    check(
        "[interfaces.ethernet.\"eth 0\"]",
        &[
            "error bad-value 1:22 interfaces ethernet eth 0: \"eth 0\" is not an interface name | 1–15 characters, without blanks, / : and %",
        ],
    );
    check(
        "[interfaces]\nethernet = \"eth0\"",
        &[
            "error bad-value 2:12 interfaces ethernet: expected a table, found \"eth0\" | open it with [interfaces.ethernet]",
        ],
    );
    check(
        "[protocols.bgp]\nsystem-as = \"65000\"",
        &[
            "error bad-value 2:13 protocols bgp system-as: expected AS number, found \"65000\" | write 65000 without quotes",
        ],
    );
    check_bgp(
        "router-id = 1",
        &[
            "error bad-value 5:13 protocols bgp parameters router-id: expected router id, like 192.0.2.1, found a number | put quotes around it",
        ],
    );
    check_bgp(
        "always-compare-med = \"yes\"",
        &[
            "error bad-value 5:22 protocols bgp parameters always-compare-med: expected true or false, found \"yes\" | ",
        ],
    );
    check(
        "[protocols.static.route.\"10.0.0.0/8\"]\nblackhole = true",
        &[
            "error bad-value 2:13 protocols static route 10.0.0.0/8 blackhole: expected a table, found true | write blackhole = {}",
        ],
    );
    check(
        "[protocols.static.route.\"::/0\"]\nblackhole = {}",
        &[
            "error bad-value 1:25 protocols static route ::/0: ::/0 is not an IPv4 prefix | the other address family has a node of its own beside this one",
        ],
    );
}

#[test]
fn values_out_of_range() {
    check(
        "[protocols.bgp]\nsystem-as = 0",
        &["error out-of-range 2:13 protocols bgp system-as: 0 is outside of 1–4294967294 | "],
    );
    check(
        "[protocols.bgp]\nsystem-as = 99999999999999999999",
        &[
            "error out-of-range 2:13 protocols bgp system-as: 99999999999999999999 is outside of 1–4294967294 | ",
        ],
    );
    check_bgp(
        "[protocols.bgp.timers]\nholdtime = 2",
        &[
            "error out-of-range 6:12 protocols bgp timers holdtime: a hold time of 2 is not allowed (RFC 4271 §4.2) | 0 turns keepalives off; else 3 or more",
        ],
    );
    check_bgp(
        "[protocols.bgp.address-family.ipv4-unicast]\nmaximum-paths.ebgp = 257",
        &[
            "error out-of-range 6:22 protocols bgp address-family ipv4-unicast maximum-paths ebgp: 257 is outside of 1–256 | ",
        ],
    );
}

#[test]
fn one_thing_written_twice() {
    check_bgp(
        "[protocols.bgp.neighbor.\"2001:db8::1\"]\nremote-as = 1\naddress-family.ipv6-unicast = {}\n\
         [protocols.bgp.neighbor.\"2001:DB8::1\"]\nremote-as = 1\naddress-family.ipv6-unicast = {}",
        &[
            "error duplicate 5:25 protocols bgp neighbor 2001:db8::1: 2001:db8::1 is there already, written differently | ",
        ],
    );
    check(
        "[protocols.static.route.\"10.1.2.3/8\"]\nblackhole = {}",
        &[
            "warning bad-value 1:25 protocols static route 10.0.0.0/8: 10.1.2.3/8 has host bits set | it stands for 10.0.0.0/8",
        ],
    );
}

#[test]
fn contradictions() {
    check_bgp(
        "[protocols.bgp.timers]\nholdtime = 30\nkeepalive = 30",
        &[
            "error conflict 7:1 protocols bgp timers keepalive: keepalives every 30 s cannot hold a session whose hold time is 30 s | a third of the hold time is usual: 10",
        ],
    );
    let neighbor = |rest: &str| {
        format!("[protocols.bgp.neighbor.\"10.0.0.2\"]\naddress-family.ipv4-unicast = {{}}\n{rest}")
    };
    check_bgp(
        &neighbor("remote-as = 65000\nebgp-multihop = 2"),
        &[
            "error not-applicable 8:1 protocols bgp neighbor 10.0.0.2 ebgp-multihop: an iBGP neighbor may be any number of hops away | remove it",
        ],
    );
    check_bgp(
        &neighbor("remote-as = 1\nupdate-source = \"10.0.0.2\""),
        &[
            "error conflict 8:1 protocols bgp neighbor 10.0.0.2 update-source: the neighbor's own address cannot be ours | ",
        ],
    );
    check_bgp(
        &neighbor("remote-as = 1\nupdate-source = \"::1\""),
        &[
            "error conflict 8:1 protocols bgp neighbor 10.0.0.2 update-source: ::1 cannot reach 10.0.0.2: another address family | ",
        ],
    );
    check_bgp(
        "[protocols.bgp.neighbor.\"fe80::1\"]\nremote-as = 1\naddress-family.ipv6-unicast = {}",
        &[
            "error not-applicable 5:1 protocols bgp neighbor fe80::1: a link-local neighbor cannot be told apart from others without its interface | use its global address",
        ],
    );
    check(
        "[protocols.static.route.\"10.0.0.0/8\"]\nblackhole = {}\nreject = {}\nnext-hop.\"10.0.0.1\" = {}",
        &[
            "error conflict 3:1 protocols static route 10.0.0.0/8 reject: blackhole and reject have the same distance | keep one of them",
            "error conflict 4:10 protocols static route 10.0.0.0/8 next-hop 10.0.0.1: has the same distance as blackhole | give blackhole a higher distance to make it the fallback",
            "error conflict 4:10 protocols static route 10.0.0.0/8 next-hop 10.0.0.1: has the same distance as reject | give reject a higher distance to make it the fallback",
        ],
    );
}

#[test]
fn traps_are_warnings() {
    check(
        "[protocols.bgp]\nsystem-as = 65000\n[protocols.bgp.neighbor.\"10.0.0.2\"]\nremote-as = 65001\n[protocols.bgp.neighbor.\"10.0.0.2\".address-family.ipv4-unicast]",
        &[
            "warning required 3:1 protocols bgp neighbor 10.0.0.2: no route will be exchanged: an eBGP neighbor needs an import and an export policy (RFC 8212) | set protocols bgp parameters ebgp-requires-policy false",
        ],
    );
    check_bgp(
        "[protocols.bgp.neighbor.\"10.0.0.2\"]\nremote-as = 65001",
        &[
            "warning required 5:1 protocols bgp neighbor 10.0.0.2: no route will be exchanged: no address family | set protocols bgp neighbor 10.0.0.2 address-family ipv4-unicast",
        ],
    );
    check_bgp(
        "router-id = \"10.0.0.2\"\n[protocols.bgp.neighbor.\"10.0.0.2\"]\nremote-as = 65001\naddress-family.ipv4-unicast = {}",
        &[
            "warning conflict 6:1 protocols bgp neighbor 10.0.0.2: 10.0.0.2 is our own router id | is it our own address?",
        ],
    );
    check(
        "[protocols.static.route.\"0.0.0.0/0\"]\nnext-hop.\"10.0.0.1\".interface = \"wg0\"",
        &[
            "warning missing-reference 2:21 protocols static route 0.0.0.0/0 next-hop 10.0.0.1 interface: wg0 is not under interfaces ethernet: packets leave through the kernel | set interfaces ethernet wg0 xdp native",
        ],
    );
}

#[test]
fn all_problems_come_in_one_pass_in_the_order_of_the_text() {
    check(
        "[interfaces.ethernet.eth0]\nxdp = 1\n[protocols.bgp]\nsystem-as = 0\ntimers = { holdtime = 9, keepalive = 9 }\n\
         [protocols.bgp.neighbor.\"10.0.0.2/32\"]\nremote_as = 65001\n",
        &[
            "error bad-value 2:7 interfaces ethernet eth0 xdp: expected native, generic or off, found a number | put quotes around it",
            "error out-of-range 4:13 protocols bgp system-as: 0 is outside of 1–4294967294 | ",
            "error conflict 5:26 protocols bgp timers keepalive: keepalives every 9 s cannot hold a session whose hold time is 9 s | a third of the hold time is usual: 3",
            "error required 6:1 protocols bgp neighbor 10.0.0.2/32 remote-as: required | add remote-as = 65001, for instance",
            "error bad-value 6:25 protocols bgp neighbor 10.0.0.2/32: expected IPv4 or IPv6 address, found \"10.0.0.2/32\" | without the length: 10.0.0.2",
            "error unknown-path 7:1 protocols bgp neighbor 10.0.0.2/32 remote_as: there is no such node | did you mean remote-as?",
        ],
    );
}

#[test]
fn broken_text_brings_no_problems_that_may_not_be_there() {
    let found = problems("[protocols.bgp]\ntimers.holdtime = 2\nlisten = {\nsystem-as 65000\n");
    let codes: Vec<_> = found
        .iter()
        .filter_map(|problem| problem.split(' ').nth(1))
        .collect();
    assert_eq!(codes, ["out-of-range", "syntax", "syntax"], "{found:#?}");
}

fn distance() -> impl Strategy<Value = Option<u8>> {
    proptest::option::of(1..=255u8)
}

fn name() -> impl Strategy<Value = String> {
    "[a-z]{1,6}[0-9]{1,3}(\\.[0-9]{1,3})?"
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[ -~äß€\"\\\\]{1,40}")
}

fn asn() -> impl Strategy<Value = Asn> {
    (1..=4_294_967_294u32)
        .prop_filter("reserved", |asn| ![23456, 65535].contains(asn))
        .prop_map(Asn)
}

fn timers() -> impl Strategy<Value = Timers> {
    let hold = prop_oneof![Just(0u16), 3..=65535u16];
    (
        proptest::option::of(hold),
        proptest::option::of(1..=65535u16),
        proptest::option::of(1..=65535u16),
    )
        .prop_map(|(holdtime, keepalive, connect)| Timers {
            holdtime,
            keepalive,
            connect,
        })
}

fn next_hops(
    address: impl Strategy<Value = std::net::IpAddr>,
) -> impl Strategy<Value = StaticRoute> {
    let next_hop = (proptest::option::of(name()), distance()).prop_map(|(interface, distance)| {
        StaticNextHop {
            interface,
            distance,
        }
    });
    let target = || proptest::option::of(distance().prop_map(|distance| StaticTarget { distance }));
    (
        proptest::collection::btree_map(address, next_hop, 0..3),
        target(),
        target(),
    )
        .prop_map(|(next_hop, blackhole, reject)| StaticRoute {
            next_hop,
            blackhole,
            reject,
        })
}

fn v4() -> impl Strategy<Value = std::net::IpAddr> {
    (0x0100_0000u32..0xdfff_ffff).prop_map(|bits| std::net::Ipv4Addr::from(bits).into())
}

fn v6() -> impl Strategy<Value = std::net::IpAddr> {
    any::<u64>().prop_map(|bits| {
        std::net::Ipv6Addr::from((0x2001_0db8_u128 << 96) | u128::from(bits)).into()
    })
}

fn prefix_v4() -> impl Strategy<Value = ipnet::Ipv4Net> {
    (any::<u32>(), 0..=32u8)
        .prop_map(|(bits, length)| ipnet::Ipv4Net::new(bits.into(), length).unwrap().trunc())
}

fn prefix_v6() -> impl Strategy<Value = ipnet::Ipv6Net> {
    (any::<u128>(), 0..=128u8)
        .prop_map(|(bits, length)| ipnet::Ipv6Net::new(bits.into(), length).unwrap().trunc())
}

fn some_neighbor() -> impl Strategy<Value = Neighbor> {
    let remote_as = prop_oneof![
        asn().prop_map(RemoteAs::Number),
        Just(RemoteAs::Internal),
        Just(RemoteAs::External)
    ];
    let family = any::<bool>().prop_map(|nexthop_self| NeighborFamily {
        nexthop_self: nexthop_self.then(NexthopSelf::default),
        ..NeighborFamily::default()
    });
    (
        (remote_as, text(), any::<bool>(), any::<bool>()),
        proptest::option::of(1..=65535u16),
        proptest::option::of(prop_oneof![v4(), v6()]),
        proptest::option::of(1..=255u8),
        timers(),
        proptest::collection::btree_map(proptest::sample::select(&Family::ALL[..]), family, 0..3),
    )
        .prop_map(
            |(
                (remote_as, description, passive, shutdown),
                port,
                update_source,
                ebgp_multihop,
                timers,
                address_family,
            )| {
                Neighbor {
                    settings: NeighborSettings {
                        remote_as: Some(remote_as),
                        description,
                        passive,
                        shutdown,
                        port,
                        update_source: update_source.map(UpdateSource::Address),
                        ebgp_multihop,
                        timers: NeighborTimers {
                            holdtime: timers.holdtime,
                            keepalive: timers.keepalive,
                            connect: timers.connect,
                            ..NeighborTimers::default()
                        },
                        address_family,
                        ..NeighborSettings::default()
                    },
                    ..Neighbor::default()
                }
            },
        )
}

fn parameters() -> impl Strategy<Value = Parameters> {
    (
        proptest::option::of((1..=u32::MAX).prop_map(std::net::Ipv4Addr::from)),
        any::<[bool; 5]>(),
        any::<u32>(),
        1..=4095u16,
    )
        .prop_map(
            |(router_id, flags, default_local_pref, restart_time)| Parameters {
                router_id,
                ebgp_requires_policy: flags[0],
                as_path_multipath_relax: flags[1],
                always_compare_med: flags[2],
                med_missing_as_worst: flags[3],
                network_import_check: flags[4],
                default_local_pref,
                restart_time,
                ..Parameters::default()
            },
        )
}

fn address_families() -> impl Strategy<Value = BTreeMap<Family, AddressFamily>> {
    fn family<N: Into<ipnet::IpNet> + std::fmt::Debug>(
        prefix: impl Strategy<Value = N>,
    ) -> impl Strategy<Value = Option<AddressFamily>> {
        let networks = proptest::collection::btree_map(
            prefix.prop_map(Into::into),
            Just(Network::default()),
            0..3,
        );
        proptest::option::of((1..=256u16, 1..=256u16, networks).prop_map(
            |(maximum_paths_ebgp, maximum_paths_ibgp, network)| AddressFamily {
                maximum_paths_ebgp,
                maximum_paths_ibgp,
                network,
                ..AddressFamily::default()
            },
        ))
    }
    (family(prefix_v4()), family(prefix_v6())).prop_map(|(v4, v6)| {
        let v4 = v4.map(|family| (Family::Ipv4Unicast, family));
        let v6 = v6.map(|family| (Family::Ipv6Unicast, family));
        v4.into_iter().chain(v6).collect()
    })
}

fn bgp() -> impl Strategy<Value = Bgp> {
    (
        asn(),
        timers(),
        parameters(),
        address_families(),
        proptest::collection::btree_map(prop_oneof![v4(), v6()], some_neighbor(), 0..3),
        proptest::option::of(1..=65535u16),
    )
        .prop_map(
            |(system_as, timers, parameters, address_family, neighbor, listen_port)| Bgp {
                system_as,
                timers,
                parameters,
                address_family,
                neighbor: neighbor
                    .into_iter()
                    .map(|(address, neighbor)| (NeighborName::Address(address), neighbor))
                    .collect(),
                peer_group: BTreeMap::new(),
                listen: Listen {
                    port: listen_port,
                    ..Listen::default()
                },
            },
        )
}

fn config() -> impl Strategy<Value = Config> {
    let xdp = proptest::sample::select(vec![Xdp::Native, Xdp::Generic, Xdp::Off]);
    let ethernet =
        (text(), xdp, any::<bool>()).prop_map(|(description, xdp, disable_forwarding)| Ethernet {
            description,
            xdp,
            disable_forwarding,
        });
    (
        proptest::option::of("[a-z][a-z0-9-]{0,8}[a-z0-9]"),
        proptest::collection::btree_map(name(), ethernet, 0..3),
        proptest::option::of(bgp()),
        proptest::collection::btree_map(prefix_v4(), next_hops(prop_oneof![v4(), v6()]), 0..3),
        proptest::collection::btree_map(prefix_v6(), next_hops(v6()), 0..3),
    )
        .prop_map(|(host_name, ethernet, bgp, route, route6)| {
            let mut config = Config::default();
            config.system.host_name = host_name;
            config.interfaces.ethernet = ethernet;
            config.protocols.bgp = bgp;
            config.protocols.static_routes.route = route;
            config.protocols.static_routes.route6 = route6;
            config
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The walk alone: cross-checks may refuse a random configuration, the syntax may not.
    #[test]
    fn what_is_written_is_read_back(config in config()) {
        let text = render(&config);
        let outcome = super::read::read(&text);
        prop_assert_eq!(&outcome.problems, &[], "\n{}", text);
        prop_assert_eq!(crate::config::build::config(&outcome.tree), config, "\n{}", text);
    }

    #[test]
    fn any_text_is_answered(text in "(\\PC|[\\[\\]={}\\.\"\n]){0,80}") {
        let _ = parse(&text);
    }
}
