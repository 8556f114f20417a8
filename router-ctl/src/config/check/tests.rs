use crate::config::toml::tests::{check, check_bgp, problems};

/// A neighbour of AS 65001; its first leaf in `rest` is on line 9 of what [`check_bgp`] reads.
fn check_neighbor(rest: &str, expected: &[&str]) {
    check_bgp(
        &format!(
            "[protocols.bgp.neighbor.\"10.0.0.2\"]\nremote-as = 65001\n\
             address-family.ipv4-unicast.maximum-prefix = 9\ndescription = \"N\"\n{rest}"
        ),
        expected,
    );
}

const NEIGHBOR: &str = "protocols bgp neighbor 10.0.0.2";

#[test]
fn timers_that_cannot_hold_a_session() {
    check_bgp(
        "[protocols.bgp.timers]\nholdtime = 30\nkeepalive = 30",
        &[
            "error conflict 7:1 protocols bgp timers keepalive: keepalives every 30 s cannot hold a session whose hold time is 30 s | a third of the hold time is usual: 10",
        ],
    );
    check_neighbor(
        "timers.holdtime = 9\n[protocols.bgp.timers]\nkeepalive = 20",
        &[
            "error conflict 9:8 protocols bgp neighbor 10.0.0.2 timers holdtime: keepalives every 20 s cannot hold a session whose hold time is 9 s | a third of the hold time is usual: 3",
        ],
    );
    check_bgp(
        "[protocols.bgp.peer-group.G]\ntimers = { holdtime = 9, keepalive = 9 }",
        &[
            "error conflict 6:26 protocols bgp peer-group G timers keepalive: keepalives every 9 s cannot hold a session whose hold time is 9 s | a third of the hold time is usual: 3",
        ],
    );
}

#[test]
fn the_as_of_a_neighbor_comes_from_one_place() {
    let member = |group: &str, rest: &str| {
        format!(
            "[protocols.bgp.peer-group.G]\n{group}\n[protocols.bgp.neighbor.\"10.0.0.2\"]\n{rest}\n\
             address-family.ipv4-unicast.maximum-prefix = 9\n"
        )
    };
    check_bgp(
        &member("passive = true", "peer-group = \"G\""),
        &[
            "error required 7:1 protocols bgp neighbor 10.0.0.2 remote-as: required | set it here, or in peer-group G",
        ],
    );
    check_bgp(
        &member(
            "remote-as = \"external\"",
            "peer-group = \"G\"\nremote-as = 7",
        ),
        &[
            "error conflict 9:1 protocols bgp neighbor 10.0.0.2 remote-as: peer-group G says otherwise, and may not be overridden | remove it here, or in peer-group G",
        ],
    );
    check_bgp(
        &member("remote-as = 7", "peer-group = \"G\"\nremote-as = 7"),
        &[],
    );
    check_bgp(&member("remote-as = 7", "peer-group = \"G\""), &[]);
    check_bgp(
        &member("remote-as = 7", "peer-group = \"H\""),
        &[
            "error missing-reference 8:1 protocols bgp neighbor 10.0.0.2 peer-group: there is no peer-group H | set protocols bgp peer-group H remote-as external",
        ],
    );
    check_bgp(
        "[protocols.bgp.neighbor.eth0]\ninterface.v6only = {}\naddress-family.ipv4-unicast = {}",
        &[
            "error required 6:11 protocols bgp neighbor eth0 interface v6only remote-as: required | add remote-as = 65001, for instance",
        ],
    );
    check_bgp(
        "[protocols.bgp.neighbor.eth0]\nremote-as = 1\ninterface.v6only.remote-as = 1\naddress-family.ipv4-unicast.maximum-prefix = 9",
        &[
            "error conflict 6:1 protocols bgp neighbor eth0 remote-as: cannot be set together with interface v6only remote-as | keep one of them",
        ],
    );
}

#[test]
fn another_as_is_for_ebgp_and_not_our_own() {
    check_neighbor(
        "local-as.65000 = {}",
        &[&format!(
            "error conflict 9:10 {NEIGHBOR} local-as 65000: is the system-as | remove it"
        )],
    );
    check_neighbor(
        "local-as.65001 = {}",
        &[&format!(
            "error conflict 9:10 {NEIGHBOR} local-as 65001: is the AS of the neighbor, to which the session would be iBGP | choose an AS that is not the neighbor's"
        )],
    );
    check_neighbor(
        "local-as = { 7 = {}, 8 = {} }",
        &[&format!(
            "error conflict 9:1 {NEIGHBOR} local-as: 7, 8: only one of them can be set | "
        )],
    );
    check_neighbor(
        "local-as = 7",
        &[&format!(
            "error bad-value 9:12 {NEIGHBOR} local-as: expected a table, found 7 | write local-as.7 = {{}}"
        )],
    );
    check_bgp(
        "[protocols.bgp.peer-group.G]\nremote-as = \"internal\"\nlocal-as.7.no-prepend.replace-as = true",
        &[
            "error not-applicable 7:10 protocols bgp peer-group G local-as 7: only an eBGP neighbor can be told another AS | remove it",
        ],
    );
}

#[test]
fn how_far_away_a_neighbor_is() {
    check_neighbor(
        "ebgp-multihop = 3\nttl-security.hops = 3\nbfd = {}",
        &[&format!(
            "error conflict 9:1 {NEIGHBOR} ebgp-multihop: ttl-security sets the TTL of our packets to 255 | remove it, and set {NEIGHBOR} ttl-security hops 3"
        )],
    );
    check_bgp(
        "[protocols.bgp.neighbor.\"10.0.0.2\"]\nremote-as = 65000\nebgp-multihop = 2\naddress-family.ipv4-unicast = {}",
        &[
            "error not-applicable 7:1 protocols bgp neighbor 10.0.0.2 ebgp-multihop: an iBGP neighbor may be any number of hops away | remove it",
        ],
    );
    check_neighbor(
        "ebgp-multihop = 3",
        &[&format!(
            "warning required 5:1 {NEIGHBOR} bfd: graceful restart without BFD: traffic goes on to a neighbor that died several hops away | set {NEIGHBOR} bfd, or set {NEIGHBOR} graceful-restart disable"
        )],
    );
    for quiet in [
        "bfd = {}",
        "graceful-restart = \"disable\"",
        "shutdown = true",
    ] {
        check_neighbor(&format!("ebgp-multihop = 3\n{quiet}"), &[]);
    }
}

#[test]
fn names_of_neighbors() {
    let families = "address-family.ipv6-unicast.maximum-prefix = 9";
    let named = |name: &str, rest: &str| {
        format!("[protocols.bgp.neighbor.\"{name}\"]\nremote-as = 1\n{families}\n{rest}\n")
    };
    check_bgp(
        &named("fe80::1", ""),
        &[
            "error not-applicable 5:1 protocols bgp neighbor fe80::1: a link-local neighbor cannot be told apart from others without its interface | call it fe80::1%eth0, or set protocols bgp neighbor fe80::1 interface source-interface eth0",
        ],
    );
    check_bgp(
        &named("fe80::1", "interface.source-interface = \"eth0\""),
        &[],
    );
    check_bgp(&named("FE80:0::1%eth0", ""), &[]);
    check_bgp(
        &named("2001:db8::1%eth0", ""),
        &[
            "error bad-value 5:25 protocols bgp neighbor 2001:db8::1%eth0: 2001:db8::1 is not a link-local address | without the interface: 2001:db8::1",
        ],
    );
    check_bgp(
        &named("10.0.0.256", ""),
        &[
            "error bad-value 5:25 protocols bgp neighbor 10.0.0.256: expected IPv4 or IPv6 address, address%interface or interface name, found \"10.0.0.256\" | ",
        ],
    );
    check_bgp(
        &named("10.0.0.2", "interface.source-interface = \"eth0\""),
        &[
            "error not-applicable 8:11 protocols bgp neighbor 10.0.0.2 interface source-interface: only a link-local neighbor needs its interface | update-source chooses our address",
        ],
    );
    check_bgp(
        &named("10.0.0.2", "interface.v6only = {}"),
        &[
            "error not-applicable 8:11 protocols bgp neighbor 10.0.0.2 interface v6only: a neighbor that has an address is not looked for on a link | call the neighbor by its interface",
        ],
    );
    check_bgp(
        &named("fe80::1%eth0", "interface.source-interface = \"eth1\""),
        &[
            "error conflict 8:11 protocols bgp neighbor fe80::1%eth0 interface source-interface: the neighbor is on eth0 | remove it",
        ],
    );
    check_bgp(
        &format!(
            "{}{}",
            named("fe80::1", "interface.source-interface = \"eth0\""),
            named("fe80::1%eth0", "")
        ),
        &[
            "error duplicate 9:1 protocols bgp neighbor fe80::1%eth0: another neighbor has this address on this interface | remove one of them",
        ],
    );
}

#[test]
fn where_sessions_come_from() {
    check_neighbor(
        "update-source = \"10.0.0.2\"",
        &[&format!(
            "error conflict 9:1 {NEIGHBOR} update-source: the neighbor's own address cannot be ours | "
        )],
    );
    check_neighbor(
        "update-source = \"::1\"",
        &[&format!(
            "error conflict 9:1 {NEIGHBOR} update-source: ::1 cannot reach 10.0.0.2: another address family | "
        )],
    );
    check_neighbor("update-source = \"lo\"", &[]);
    check_bgp(
        "router-id = \"10.0.0.2\"\n[protocols.bgp.neighbor.\"10.0.0.2\"]\nremote-as = 65001\naddress-family.ipv4-unicast.maximum-prefix = 9",
        &[
            "warning conflict 6:1 protocols bgp neighbor 10.0.0.2: 10.0.0.2 is our own router id | is it our own address?",
        ],
    );
}

#[test]
fn leaves_that_contradict_each_other() {
    check_neighbor(
        "strict-capability-match = true\noverride-capability = true\ndisable-capability-negotiation = true",
        &[
            &format!(
                "error conflict 10:1 {NEIGHBOR} override-capability: contradicts strict-capability-match | keep one of them"
            ),
            &format!(
                "error conflict 11:1 {NEIGHBOR} disable-capability-negotiation: contradicts strict-capability-match | keep one of them"
            ),
        ],
    );
    check_neighbor(
        "path-attribute.discard = [5, 2]\npath-attribute.treat-as-withdraw = [5]",
        &[
            &format!(
                "error not-applicable 9:16 {NEIGHBOR} path-attribute discard: there is no route without attribute 2 | remove it"
            ),
            &format!(
                "error conflict 10:16 {NEIGHBOR} path-attribute treat-as-withdraw: attribute 5 is discarded | keep one of them"
            ),
        ],
    );
    check_neighbor(
        "address-family.ipv4-unicast.addpath-tx-all = true\naddress-family.ipv4-unicast.addpath-tx-best = 2",
        &[&format!(
            "error conflict 9:29 {NEIGHBOR} address-family ipv4-unicast addpath-tx-all: cannot be set together with addpath-tx-best | keep one of them"
        )],
    );
    check_neighbor(
        "address-family.ipv4-unicast.route-reflector-client = true",
        &[&format!(
            "error not-applicable 9:29 {NEIGHBOR} address-family ipv4-unicast route-reflector-client: routes are reflected between iBGP neighbors only | remove it"
        )],
    );
    check_neighbor(
        "bfd.profile = \"fast\"",
        &[&format!(
            "error missing-reference 9:5 {NEIGHBOR} bfd profile: there is no BFD profile fast | set protocols bfd profile fast interval transmit 300"
        )],
    );
    check_neighbor(
        "password = \"two words\"",
        &[&format!(
            "error bad-value 9:12 {NEIGHBOR} password: a password holds no blanks | "
        )],
    );
    check_neighbor(
        &format!("password = \"{}\"", "x".repeat(81)),
        &[&format!(
            "error out-of-range 9:12 {NEIGHBOR} password: 81 octets, at most 80 are allowed | "
        )],
    );
    check_bgp(
        "deterministic-med = false",
        &[
            "error not-applicable 5:21 protocols bgp parameters deterministic-med: cannot be switched off | remove it",
        ],
    );
}

#[test]
fn who_may_connect() {
    let listen = |group: &str| {
        format!(
            "[protocols.bgp.listen.range.\"10.0.0.0/8\"]\npeer-group = \"G\"\n[protocols.bgp.peer-group.G]\n{group}"
        )
    };
    check_bgp(
        "[protocols.bgp.listen.range.\"10.0.0.0/8\"]",
        &[
            "error required 5:1 protocols bgp listen range 10.0.0.0/8 peer-group: required | add peer-group = \"…\"",
        ],
    );
    check_bgp(
        "[protocols.bgp.listen.range.\"10.0.0.0/8\"]\npeer-group = \"G\"",
        &[
            "error missing-reference 6:1 protocols bgp listen range 10.0.0.0/8 peer-group: there is no peer-group G | set protocols bgp peer-group G remote-as external",
        ],
    );
    check_bgp(
        &listen("address-family.ipv4-unicast = {}"),
        &[
            "error required 6:1 protocols bgp listen range 10.0.0.0/8 peer-group: peer-group G has no remote-as | set protocols bgp peer-group G remote-as external",
        ],
    );
    check_bgp(
        &listen("remote-as = \"external\""),
        &[
            "warning required 6:1 protocols bgp listen range 10.0.0.0/8 peer-group: no route will be exchanged: peer-group G has no address family | set protocols bgp peer-group G address-family ipv4-unicast",
        ],
    );
    check_bgp(
        &listen("remote-as = \"external\"\naddress-family.ipv4-unicast = {}"),
        &[
            "warning required 6:1 protocols bgp listen range 10.0.0.0/8 peer-group: whoever connects is told the whole ipv4-unicast table | set protocols bgp peer-group G address-family ipv4-unicast route-map export NAME",
            "warning required 7:1 protocols bgp peer-group G: no maximum-prefix in ipv4-unicast: whatever the neighbor leaks is taken | set protocols bgp peer-group G address-family ipv4-unicast maximum-prefix 1000",
        ],
    );
    check_bgp(
        "[protocols.bgp.listen.range]\n\"10.1.0.0/8\".peer-group = \"G\"\n\"10.0.0.0/8\".peer-group = \"G\"\n[protocols.bgp.peer-group.G]\nremote-as = 1",
        &[
            "warning bad-value 6:1 protocols bgp listen range 10.0.0.0/8: 10.1.0.0/8 has host bits set | it stands for 10.0.0.0/8",
            "error duplicate 6:1 protocols bgp listen range 10.0.0.0/8: 10.0.0.0/8 is there already, written differently | ",
        ],
    );
}

/// A speaker that keeps to RFC 8212; the first leaf of `rest` is on line 5.
fn check_policy(rest: &str, expected: &[&str]) {
    check(
        &format!(
            "[protocols.bgp]\nsystem-as = 65000\n[protocols.bgp.neighbor.\"10.0.0.2\"]\nremote-as = 65001\n{rest}"
        ),
        expected,
    );
}

const POLICY: &str = "[policy.route-map.IN.rule.10]\naction = \"permit\"\n[policy.route-map.OUT.rule.10]\naction = \"permit\"\n";

#[test]
fn ebgp_without_policy_is_a_warning_that_names_the_direction() {
    let family = "protocols bgp neighbor 10.0.0.2 address-family ipv4-unicast";
    check_policy(
        "address-family.ipv4-unicast = {}",
        &[&format!(
            "warning required 5:16 {family}: no route will be exchanged: an eBGP neighbor needs an import and an export policy (RFC 8212) | set {family} route-map import NAME and set {family} route-map export NAME"
        )],
    );
    check_policy(
        "address-family.ipv4-unicast = { route-map.import = \"IN\", maximum-prefix = 9 }\n[policy.route-map.IN.rule.10]\naction = \"permit\"",
        &[&format!(
            "warning required 5:16 {family}: no route will be announced: an eBGP neighbor needs an export policy (RFC 8212) | set {family} route-map export NAME"
        )],
    );
    check_policy(
        "address-family.ipv4-unicast = { prefix-list.export = \"P\" }\n[policy.prefix-list.P.rule.10]\naction = \"permit\"\nprefix = \"10.0.0.0/8\"",
        &[&format!(
            "warning required 5:16 {family}: no route will be accepted: an eBGP neighbor needs an import policy (RFC 8212) | set {family} route-map import NAME"
        )],
    );
    check_policy(
        &format!(
            "address-family.ipv4-unicast = {{ route-map = {{ import = \"IN\", export = \"OUT\" }}, maximum-prefix = 9 }}\n{POLICY}"
        ),
        &[],
    );
    check_policy(
        &format!(
            "address-family.ipv4-unicast = {{ route-map = {{ import = \"IN\", export = \"OUT\" }} }}\n{POLICY}"
        ),
        &[
            "warning required 3:1 protocols bgp neighbor 10.0.0.2: no maximum-prefix in ipv4-unicast: whatever the neighbor leaks is taken | set protocols bgp neighbor 10.0.0.2 address-family ipv4-unicast maximum-prefix 1000",
        ],
    );
}

/// Two members of a group; the second has a policy of its own when `own` says so.
#[test]
fn what_all_members_of_a_group_lack_is_said_once() {
    let group = |own: &str| {
        format!(
            "[protocols.bgp]\nsystem-as = 65000\n[protocols.bgp.peer-group.G]\nremote-as = \"external\"\n\
             address-family.ipv4-unicast = {{}}\n\
             [protocols.bgp.neighbor.\"10.0.0.2\"]\npeer-group = \"G\"\n\
             [protocols.bgp.neighbor.\"10.0.0.3\"]\npeer-group = \"G\"\n{own}"
        )
    };
    let exchanged = "no route will be exchanged: an eBGP neighbor needs an import and an export policy (RFC 8212)";
    let row = |place: &str, of: &str| {
        let family = format!("protocols bgp {of} address-family ipv4-unicast");
        format!(
            "warning required {place} {family}: {exchanged} | set {family} route-map import NAME and set {family} route-map export NAME"
        )
    };
    check(&group(""), &[&row("5:16", "peer-group G")]);
    check(
        &group(&format!(
            "address-family.ipv4-unicast = {{ route-map = {{ import = \"IN\", export = \"OUT\" }}, maximum-prefix = 9 }}\n{POLICY}"
        )),
        &[&row("6:1", "neighbor 10.0.0.2")],
    );
}

#[test]
fn what_would_have_no_effect_is_refused() {
    check_neighbor("advertisement-interval = 0", &[]);
    check_neighbor(
        "advertisement-interval = 5",
        &[&format!(
            "error not-applicable 9:1 {NEIGHBOR} advertisement-interval: announcements cannot be held back: they leave once the data plane forwards | remove it, or set it to 0"
        )],
    );
    check_neighbor(
        "bfd.check-control-plane-failure = true",
        &[&format!(
            "error not-applicable 9:5 {NEIGHBOR} bfd check-control-plane-failure: the loss of a BFD session always ends the BGP session, whatever its control plane does (RFC 9384) | remove it, or remove bfd where routes are to outlive a restart of the neighbor"
        )],
    );
    check_bgp("bestpath.compare-routerid = true", &[]);
    check_bgp(
        "bestpath.compare-routerid = false",
        &[
            "error not-applicable 5:29 protocols bgp parameters bestpath compare-routerid: cannot be switched off | remove it",
        ],
    );
}

#[test]
fn traps_are_warnings() {
    check_bgp(
        "[protocols.bgp.neighbor.\"10.0.0.2\"]\nremote-as = 65001",
        &[
            "warning required 5:1 protocols bgp neighbor 10.0.0.2: no route will be exchanged: no address family | set protocols bgp neighbor 10.0.0.2 address-family ipv4-unicast",
        ],
    );
    check_neighbor(
        "address-family.ipv6-unicast.maximum-prefix-action = \"warn\"",
        &[
            "warning required 5:1 protocols bgp neighbor 10.0.0.2: no maximum-prefix in ipv6-unicast: whatever the neighbor leaks is taken | set protocols bgp neighbor 10.0.0.2 address-family ipv6-unicast maximum-prefix 1000",
            "warning not-applicable 9:29 protocols bgp neighbor 10.0.0.2 address-family ipv6-unicast maximum-prefix-action: has no effect without maximum-prefix | set protocols bgp neighbor 10.0.0.2 address-family ipv6-unicast maximum-prefix 1000",
        ],
    );
    check_neighbor(
        "disable-capability-negotiation = true\naddress-family.ipv6-unicast.maximum-prefix = 9",
        &[&format!(
            "warning not-applicable 10:16 {NEIGHBOR} address-family ipv6-unicast: not exchanged: without capabilities a session carries IPv4 only | set {NEIGHBOR} override-capability"
        )],
    );
    check_bgp(
        "[protocols.bgp.neighbor.eth0]\ninterface.v6only.remote-as = 1\nebgp-multihop = 2\nbfd = {}\naddress-family.ipv6-unicast.maximum-prefix = 9",
        &[
            "warning not-applicable 7:1 protocols bgp neighbor eth0 ebgp-multihop: a neighbor that is called by its link is one hop away | remove it",
        ],
    );
    check_bgp(
        "[protocols.bgp.address-family.ipv4-unicast]\naggregate-address.\"10.0.0.0/8\".as-set = true",
        &[
            "warning not-applicable 6:32 protocols bgp address-family ipv4-unicast aggregate-address 10.0.0.0/8 as-set: other routers withdraw routes whose AS path holds a set (RFC 9774) | remove as-set",
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
fn policies_that_are_missing_or_unused() {
    let path = "protocols bgp address-family ipv4-unicast";
    check_bgp(
        "network-import-check = false\n[protocols.bgp.address-family.ipv4-unicast]\nredistribute.kernel.route-map = \"A\"\nnetwork.\"10.0.0.0/8\".route-map = \"B\"\n\
         aggregate-address.\"10.0.0.0/8\".route-map = \"C\"",
        &[
            &format!(
                "error missing-reference 7:21 {path} redistribute kernel route-map: there is no route-map A | set policy route-map A rule 10 action permit"
            ),
            &format!(
                "error missing-reference 8:22 {path} network 10.0.0.0/8 route-map: there is no route-map B | set policy route-map B rule 10 action permit"
            ),
            &format!(
                "error missing-reference 9:32 {path} aggregate-address 10.0.0.0/8 route-map: there is no route-map C | set policy route-map C rule 10 action permit"
            ),
        ],
    );
    check_neighbor(
        "address-family.ipv6-unicast = { prefix-list.import = \"P\", maximum-prefix = 9 }\n\
         [policy.prefix-list.P.rule.10]\naction = \"permit\"\nprefix = \"10.0.0.0/8\"",
        &[
            &format!(
                "error missing-reference 9:45 {NEIGHBOR} address-family ipv6-unicast prefix-list import: there is no prefix-list6 P | prefix-list P is for the other address family; set policy prefix-list6 P rule 10 action permit"
            ),
            "warning not-applicable 10:21 policy prefix-list P: nothing uses it | remove it, or name it where it is meant to be used",
        ],
    );
    check_neighbor(
        "[protocols.bgp.peer-group.G.address-family.ipv4-unicast]\nfilter-list.export = \"F\"\ndistribute-list.import = \"D\"\n\
         unsuppress-map = \"U\"\ndefault-originate.route-map = \"O\"",
        &[
            "error missing-reference 10:13 protocols bgp peer-group G address-family ipv4-unicast filter-list export: there is no as-path-list F | set policy as-path-list F rule 10 action permit",
            "error missing-reference 11:17 protocols bgp peer-group G address-family ipv4-unicast distribute-list import: there is no access-list D | set policy access-list D rule 10 action permit",
            "error missing-reference 12:1 protocols bgp peer-group G address-family ipv4-unicast unsuppress-map: there is no route-map U | set policy route-map U rule 10 action permit",
            "error missing-reference 13:19 protocols bgp peer-group G address-family ipv4-unicast default-originate route-map: there is no route-map O | set policy route-map O rule 10 action permit",
        ],
    );
    check(
        "[policy.route-map.A.rule.10]\naction = \"permit\"\nmatch.ip.address.prefix-list = [\"P\"]\n\
         [policy.prefix-list.P.rule.10]\naction = \"permit\"\nprefix = \"10.0.0.0/8\"",
        &[
            "warning not-applicable 1:19 policy route-map A: nothing uses it | remove it, or name it where it is meant to be used",
        ],
    );
}

#[test]
fn static_routes_that_contradict_themselves() {
    check(
        "[protocols.static.route.\"10.0.0.0/8\"]\nblackhole = {}\nreject = {}\nnext-hop.\"10.0.0.1\" = {}",
        &[
            "error conflict 3:1 protocols static route 10.0.0.0/8 reject: blackhole and reject have the same distance | keep one of them",
            "error conflict 4:10 protocols static route 10.0.0.0/8 next-hop 10.0.0.1: has the same distance as blackhole | give blackhole a higher distance to make it the fallback",
            "error conflict 4:10 protocols static route 10.0.0.0/8 next-hop 10.0.0.1: has the same distance as reject | give reject a higher distance to make it the fallback",
        ],
    );
}

/// Objects that nobody uses; that they are not used is left out.
fn check_objects(text: &str, expected: &[&str]) {
    let mut found = problems(text);
    found.retain(|problem| !problem.contains("nothing uses it"));
    assert_eq!(found, expected, "\n{text}");
}

#[test]
fn policies_that_do_not_compile() {
    check_objects(
        "[policy.prefix-list.P]\nrule.10 = { action = \"permit\", prefix = \"10.0.0.0/8\", ge = 24, le = 16 }\nrule.20 = {}",
        &[
            "error out-of-range 2:64 policy prefix-list P rule 10 le: 10.0.0.0/8 has no lengths from 24 to 16 | 8 <= ge <= le <= 32",
            "error required 3:6 policy prefix-list P rule 20 action: required | permit or deny",
            "error required 3:6 policy prefix-list P rule 20 prefix: required | ",
        ],
    );
    check_objects(
        "[policy.as-path-list.A]\nrule.10 = { action = \"permit\", regex = \"(\" }",
        &[
            "error bad-value 2:32 policy as-path-list A rule 10 regex: not a regular expression: unclosed group | as in VyOS: _ begins or ends a number, \\ before a literal . ( { [",
        ],
    );
    check_objects(
        "[policy.route-map.M.rule.10]\naction = \"permit\"\nmatch.as-path = \"A\"\ncall = \"N\"\ncontinue = 5\n\
         set.community = { none = true, replace = [\"1:1\"] }\non-match = { next = true, goto = 20 }",
        &[
            "error missing-reference 3:7 policy route-map M rule 10 match as-path: there is no as-path-list A | define it: set policy as-path-list A rule 10 …",
            "error missing-reference 4:1 policy route-map M rule 10 call: there is no route-map N | define it, or remove the call",
            "error conflict 6:5 policy route-map M rule 10 set community: more than one of none, replace and delete | keep one",
            "error conflict 7:14 policy route-map M rule 10 on-match next: cannot be set together with goto | keep one of them",
        ],
    );
    check_objects(
        "[policy.access-list.1.rule.10]\naction = \"permit\"\nsource = { any = true, host = \"10.0.0.1\" }",
        &[
            "error conflict 3:1 policy access-list 1 rule 10 source: more than one of any, host and network | keep one",
        ],
    );
}
