mod round_trip;

use std::collections::BTreeMap;

use super::{parse, render};
use crate::bgp::types::{Asn, Family};
use crate::config::model::{
    AddressFamily, Bgp, Config, Ethernet, Listen, MaximumPrefix, Neighbor, NeighborFamily,
    NeighborName, NeighborSettings, Network, Parameters, RemoteAs, StaticNextHop, StaticRoute,
    Timers, Xdp,
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
maximum-prefix = 9000
[protocols.static.route."0.0.0.0/0"]
next-hop."10.0.0.254" = {}
"#;

fn neighbor(remote_as: RemoteAs) -> Neighbor {
    Neighbor {
        settings: NeighborSettings {
            remote_as: Some(remote_as),
            passive: true,
            address_family: BTreeMap::from([(
                Family::Ipv4Unicast,
                NeighborFamily {
                    maximum_prefix: MaximumPrefix {
                        limit: Some(9000),
                        ..MaximumPrefix::default()
                    },
                    ..NeighborFamily::default()
                },
            )]),
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
maximum-prefix = 9000

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
pub(in crate::config) fn problems(text: &str) -> Vec<String> {
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

pub(in crate::config) fn check(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "\n{text}");
}

/// A speaker to which rows add; four lines.
const BGP: &str = "[protocols.bgp]\nsystem-as = 65000\n[protocols.bgp.parameters]\nebgp-requires-policy = false\n";

pub(in crate::config) fn check_bgp(text: &str, expected: &[&str]) {
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
            "error unknown-path 1:2 qos: there is no such node | known here: system, interfaces, protocols, policy",
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
            "error unknown-path 3:50 protocols bgp address-family ipv4-unicast network 10.0.0.0/8 x: there is no such node | known here: route-map, backdoor",
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
        "[protocols.bgp.neighbor.\"10.0.0.2\"]\naddress-family.ipv4-unicast = {}",
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
            "error bad-value 2:12 interfaces ethernet: expected a table, found \"eth0\" | write ethernet.\"eth0\" = {}",
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
fn arrays() {
    let discard = |value: &str| {
        format!(
            "[protocols.bgp.peer-group.G]\npath-attribute.discard = {value}\nremote-as = \"internal\""
        )
    };
    let path = "protocols bgp peer-group G path-attribute discard";
    for quiet in ["[]", "[5, 9]", "5"] {
        check_bgp(&discard(quiet), &[]);
    }
    check_bgp(
        &discard("[5, 0, \"a\", [], 5]"),
        &[
            &format!("error out-of-range 6:30 {path}: 0 is outside of 1–255 | "),
            &format!("error bad-value 6:33 {path}: expected 1–255, found \"a\" | "),
            &format!("error bad-value 6:38 {path}: expected 1–255, found an array | "),
            &format!("error duplicate 6:42 {path}: 5 is there already | "),
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
fn all_problems_come_in_one_pass_in_the_order_of_the_text() {
    check(
        "[interfaces.ethernet.eth0]\nxdp = 1\n[protocols.bgp]\nsystem-as = 0\ntimers = { holdtime = 9, keepalive = 9 }\n\
         [protocols.bgp.neighbor.\"10.0.0.2/32\"]\nremote_as = 65001\n",
        &[
            "error bad-value 2:7 interfaces ethernet eth0 xdp: expected native, generic or off, found a number | put quotes around it",
            "error out-of-range 4:13 protocols bgp system-as: 0 is outside of 1–4294967294 | ",
            "error conflict 5:26 protocols bgp timers keepalive: keepalives every 9 s cannot hold a session whose hold time is 9 s | a third of the hold time is usual: 3",
            "error bad-value 6:25 protocols bgp neighbor 10.0.0.2/32: expected IPv4 or IPv6 address, address%interface or interface name, found \"10.0.0.2/32\" | without the length: 10.0.0.2",
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
