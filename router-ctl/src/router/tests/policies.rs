//! Policies on what comes in and goes out, limits, and routes of our own.

use super::*;
use crate::bgp::attributes::Community;
use crate::config::model::Config;
use crate::router::effect::Back;
use crate::router::query::NeighborTable;

/// The configuration of the other tests with more at its end.
fn with(more: &str) -> String {
    format!("{CONFIG}\n{more}")
}

fn parsed(text: &str) -> Box<Config> {
    Box::new(
        toml::parse(text)
            .unwrap_or_else(|problems| panic!("{problems:?}"))
            .0,
    )
}

/// A rig with all three neighbours up and nothing said yet.
pub(super) fn rig(more: &str) -> Rig {
    let mut rig = Rig::new(&with(more));
    for peer in [FIRST, SECOND, THIRD] {
        rig.up(peer);
        rig.end_of_rib(peer);
    }
    rig.orders.clear();
    for peer in [FIRST, SECOND, THIRD] {
        rig.heard(peer);
    }
    rig
}

impl Rig {
    pub(super) fn configure(&mut self, more: &str) {
        self.event(Event::Configure(parsed(&with(more))));
    }

    fn table(&self, address: &str, table: NeighborTable) -> Vec<(String, String)> {
        let query = Query::NeighborRoutes {
            neighbor: crate::config::model::NeighborName::Address(address.parse().unwrap()),
            family: Family::Ipv4Unicast,
            table,
            cursor: Cursor::default(),
        };
        let Answer::BgpRoutes(page) = self.router.answer(&query, self.now) else {
            panic!("another answer")
        };
        let mut rows: Vec<_> = page
            .rows
            .iter()
            .map(|row| (row.prefix.to_string(), row.paths[0].reason.to_string()))
            .collect();
        rows.sort();
        rows
    }

    fn resets(&self) -> Vec<(PeerId, String)> {
        self.orders
            .iter()
            .filter_map(|order| {
                let Effect::ResetPeer { peer, reason, .. } = order else {
                    return None;
                };
                Some((*peer, reason.to_string()))
            })
            .collect()
    }
}

const IMPORT: &str = r#"
[protocols.bgp.neighbor."10.0.1.2".address-family.ipv4-unicast.route-map]
import = "IN"
[policy.prefix-list.OURS.rule.10]
action = "permit"
prefix = "203.0.113.0/24"
le = 32
[policy.route-map.IN.rule.10]
action = "permit"
match.ip.address.prefix-list = "OURS"
set.local-preference = 200
"#;

#[test]
fn an_import_policy_rejects_and_changes_and_says_so() {
    let mut rig = rig(IMPORT);
    rig.announce(FIRST, "203.0.113.0/24", &[65001, 7, 8]);
    rig.announce(FIRST, "192.168.0.0/16", &[65001]);
    rig.announce(SECOND, "203.0.113.0/24", &[65002]);
    assert_eq!(rig.interfaces_of("203.0.113.1"), [1], "preferred by policy");
    assert_eq!(rig.reason("203.0.113.0/24", 2), "Local Pref");
    assert_eq!(rig.interfaces_of("192.168.0.1"), Vec::<u32>::new());
    assert_eq!(
        rig.table("10.0.1.2", NeighborTable::Filtered),
        [(
            "192.168.0.0/16".to_owned(),
            "route-map IN: no rule matches".to_owned()
        )]
    );
    assert_eq!(rig.table("10.0.1.2", NeighborTable::Received).len(), 2);
    assert_eq!(rig.table("10.0.1.2", NeighborTable::Accepted).len(), 1);
}

#[test]
fn another_policy_judges_what_is_stored_and_no_session_notices() {
    let mut rig = rig("");
    rig.announce(FIRST, "203.0.113.0/24", &[65001, 7, 8]);
    rig.announce(FIRST, "192.168.0.0/16", &[65001]);
    rig.announce(SECOND, "203.0.113.0/24", &[65002]);
    assert_eq!(rig.interfaces_of("203.0.113.1"), [2]);
    rig.configure(IMPORT);
    assert_eq!(rig.interfaces_of("203.0.113.1"), [1]);
    assert_eq!(rig.interfaces_of("192.168.0.1"), Vec::<u32>::new());
    assert!(rig.heard(THIRD).contains(&"-192.168.0.0/16".to_owned()));
    rig.configure("");
    assert_eq!(rig.interfaces_of("203.0.113.1"), [2]);
    assert_eq!(rig.interfaces_of("192.168.0.1"), [1]);
    assert_eq!(rig.resets(), []);
}

#[test]
fn a_list_that_a_policy_uses_counts_as_a_change_of_the_policy() {
    let mut rig = rig(IMPORT);
    rig.announce(FIRST, "192.168.0.0/16", &[65001]);
    assert_eq!(rig.interfaces_of("192.168.0.1"), Vec::<u32>::new());
    rig.configure(&IMPORT.replace("\"203.0.113.0/24\"\nle", "\"0.0.0.0/0\"\nle"));
    assert_eq!(rig.interfaces_of("192.168.0.1"), [1]);
}

#[test]
fn an_export_policy_changes_what_others_are_told() {
    let mut rig = rig("");
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(FIRST, "192.168.0.0/16", &[65001]);
    rig.heard(SECOND);
    rig.heard(THIRD);
    rig.configure(
        r#"
[protocols.bgp.neighbor."10.0.3.2".address-family.ipv4-unicast.prefix-list]
export = "ONE"
[policy.prefix-list.ONE.rule.10]
action = "permit"
prefix = "203.0.113.0/24"
"#,
    );
    let told = rig.heard(THIRD);
    assert!(told.contains(&"-192.168.0.0/16".to_owned()), "{told:?}");
    assert!(!told.contains(&"-203.0.113.0/24".to_owned()), "{told:?}");
    assert_eq!(rig.heard(SECOND), Vec::<String>::new());
    let advertised = rig.table("10.0.3.2", NeighborTable::Advertised);
    assert_eq!(advertised.len(), 1);
    assert_eq!(rig.resets(), []);
}

#[test]
fn too_many_prefixes_end_the_session() {
    let mut rig = rig("");
    rig.configure_limit("maximum-prefix = 2");
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(FIRST, "203.0.112.0/24", &[65001]);
    assert_eq!(rig.resets(), []);
    rig.announce(FIRST, "203.0.111.0/24", &[65001]);
    let reset = rig.orders.iter().find_map(|order| {
        let Effect::ResetPeer { peer, back, .. } = order else {
            return None;
        };
        Some((*peer, *back))
    });
    assert_eq!(reset, Some((FIRST, Back::Never)));
}

impl Rig {
    /// The first neighbour's limit.
    fn configure_limit(&mut self, leaves: &str) {
        let section = "[protocols.bgp.neighbor.\"10.0.1.2\".address-family.ipv4-unicast]\n";
        let text = CONFIG.replace(section, &format!("{section}{leaves}\n"));
        self.event(Event::Configure(parsed(&text)));
    }
}

#[test]
fn what_is_above_a_limit_waits_until_there_is_room() {
    let mut rig = rig("");
    rig.configure_limit("maximum-prefix = 1\nmaximum-prefix-action = \"block\"");
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(FIRST, "203.0.112.0/24", &[65001]);
    assert_eq!(rig.interfaces_of("203.0.113.1"), [1]);
    assert_eq!(rig.interfaces_of("203.0.112.1"), Vec::<u32>::new());
    assert_eq!(
        rig.table("10.0.1.2", NeighborTable::Filtered),
        [("203.0.112.0/24".to_owned(), "Maximum Prefix".to_owned())]
    );
    rig.withdraw(FIRST, "203.0.113.0/24");
    assert_eq!(rig.interfaces_of("203.0.112.1"), [1]);
    assert_eq!(rig.resets(), []);
}

fn communities(path: &[u32], communities: &[Community]) -> Box<[u8]> {
    let raw = raw_attributes(path);
    let mut editor = AttributesEditor::new(&raw);
    editor.set_communities(communities.iter().copied());
    editor.finish()
}

#[test]
fn a_blackhole_route_drops_packets_and_stays_here() {
    let mut rig = rig("");
    rig.configure_limit("");
    let text = CONFIG.replace(
        "remote-as = 65001\n",
        "remote-as = 65001\nblackhole-community.accept = true\n",
    );
    rig.event(Event::Configure(parsed(&text)));
    let raw = communities(&[65001], &[Community::BLACKHOLE]);
    rig.announce_as(FIRST, "203.0.113.9/32", raw);
    rig.announce_as(
        SECOND,
        "203.0.113.8/32",
        communities(&[65002], &[Community::BLACKHOLE]),
    );
    assert_eq!(rig.interfaces_of("203.0.113.9"), Vec::<u32>::new());
    let found = rig.dataplane.lookup("203.0.113.9".parse().unwrap(), 0);
    assert_ne!(found.next_hop.verdict, 0, "a fate instead of a port");
    assert_eq!(
        rig.interfaces_of("203.0.113.8"),
        [2],
        "only data without the knob"
    );
    assert!(!rig.heard(THIRD).contains(&"+203.0.113.9/32".to_owned()));
}

#[test]
fn a_neighbour_that_is_about_to_go_is_the_last_choice() {
    let mut rig = rig("");
    rig.announce_as(
        FIRST,
        "203.0.113.0/24",
        communities(&[65001], &[Community::GRACEFUL_SHUTDOWN]),
    );
    rig.announce(SECOND, "203.0.113.0/24", &[65002, 7, 8, 9]);
    assert_eq!(rig.interfaces_of("203.0.113.1"), [2]);
    assert_eq!(rig.reason("203.0.113.0/24", 1), "Local Pref");
}

#[test]
fn our_own_as_in_a_path_is_a_loop_unless_it_is_allowed() {
    let mut rig = rig("");
    rig.announce(FIRST, "203.0.113.0/24", &[65001, 65000, 7]);
    assert_eq!(rig.reason("203.0.113.0/24", 1), "Own AS in AS Path");
    rig.configure_limit("allowas-in.number = 1");
    assert_eq!(rig.reason("203.0.113.0/24", 1), "First path received");
}

const AGGREGATE: &str = r#"
[protocols.bgp.address-family.ipv4-unicast.aggregate-address."203.0.112.0/22"]
summary-only = true
"#;

#[test]
fn an_aggregate_stands_for_what_is_inside_of_it_as_long_as_there_is_any() {
    let mut rig = rig(AGGREGATE);
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    let told = rig.heard(THIRD);
    assert!(told.contains(&"+203.0.112.0/22".to_owned()), "{told:?}");
    assert!(!told.contains(&"+203.0.113.0/24".to_owned()), "{told:?}");
    let nowhere = rig.dataplane.lookup("203.0.112.1".parse().unwrap(), 0);
    assert_ne!(
        nowhere.next_hop.verdict, 0,
        "what it covers alone is dropped"
    );
    assert_eq!(rig.interfaces_of("203.0.113.1"), [1]);
    rig.withdraw(FIRST, "203.0.113.0/24");
    assert!(rig.heard(THIRD).contains(&"-203.0.112.0/22".to_owned()));
}

#[test]
fn an_aggregate_that_comes_later_finds_what_is_there_and_lets_it_go() {
    let mut rig = rig("");
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.heard(THIRD);
    rig.configure(AGGREGATE);
    let told = rig.heard(THIRD);
    assert!(told.contains(&"+203.0.112.0/22".to_owned()), "{told:?}");
    assert!(told.contains(&"-203.0.113.0/24".to_owned()), "{told:?}");
    rig.configure("");
    let told = rig.heard(THIRD);
    assert!(told.contains(&"-203.0.112.0/22".to_owned()), "{told:?}");
    assert!(told.contains(&"+203.0.113.0/24".to_owned()), "{told:?}");
}

#[test]
fn connected_and_static_routes_are_redistributed_while_they_are_there() {
    let mut rig = rig("");
    rig.configure(
        "[protocols.bgp.address-family.ipv4-unicast.redistribute]\nconnected.metric = 5\nstatic = {}\n",
    );
    let told = rig.heard(THIRD);
    for prefix in ["+10.0.1.0/24", "+10.0.3.0/24", "+192.0.2.0/24"] {
        assert!(told.contains(&prefix.to_owned()), "{prefix} in {told:?}");
    }
    rig.event(Event::Host(vec![link(1, LinkState::NoCarrier)]));
    let told = rig.heard(THIRD);
    assert!(told.contains(&"-192.0.2.0/24".to_owned()), "{told:?}");
}

const DENY: &str = "
[policy.prefix-list.NONE.rule.10]
action = \"deny\"
prefix = \"203.0.113.0/24\"
le = 32
[policy.prefix-list.NONE.rule.20]
action = \"permit\"
prefix = \"0.0.0.0/0\"
le = 32
";

impl Rig {
    /// Refreshes that were asked for since the last call.
    fn refreshes(&mut self) -> usize {
        let orders = std::mem::take(&mut self.orders);
        let asked = |order: &&Effect| matches!(order, Effect::RequestRefresh { .. });
        orders.iter().filter(asked).count()
    }

    fn received(&self, peer: PeerId) -> usize {
        self.router.rib.counts(peer, Family::Ipv4Unicast).received
    }

    /// The first neighbour's family with these leaves.
    fn configure_first(&mut self, leaves: &str) {
        let section = "[protocols.bgp.neighbor.\"10.0.1.2\".address-family.ipv4-unicast]\n";
        let text = with(DENY).replace(section, &format!("{section}{leaves}\n"));
        self.event(Event::Configure(parsed(&text)));
    }
}

#[test]
fn rejected_paths_are_forgotten_and_asked_for_again_when_policy_changes() {
    let deny = "prefix-list.import = \"NONE\"";
    let forgetful = format!("{deny}\ndiscard-rejected = true");
    let mut rig = rig("");
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    rig.announce(FIRST, "203.0.112.0/24", &[65001]);
    rig.announce(FIRST, "203.0.111.0/24", &[65001, 65000]);
    rig.configure_first(deny);
    assert_eq!(rig.received(FIRST), 3, "kept with the reason");
    rig.configure_first(&forgetful);
    assert_eq!(rig.received(FIRST), 2, "a loop is not policy's word");
    assert_eq!(rig.refreshes(), 0, "nothing was missing");

    rig.announce(FIRST, "203.0.113.128/25", &[65001]);
    assert_eq!(rig.received(FIRST), 2);
    assert_eq!(rig.interfaces_of("203.0.113.200"), Vec::<u32>::new());

    rig.configure_first("discard-rejected = true");
    assert_eq!(rig.refreshes(), 1, "what is not there has to be asked for");
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    assert_eq!(rig.interfaces_of("203.0.113.1"), [1]);
    // A path that is rejected takes the place of the one that was not.
    rig.configure_first(&forgetful);
    assert_eq!(rig.refreshes(), 1);
    assert_eq!(rig.received(FIRST), 2);
    assert_eq!(rig.interfaces_of("203.0.113.1"), Vec::<u32>::new());
    rig.configure_first(deny);
    assert_eq!(rig.refreshes(), 1, "from now on they are kept");
    rig.event(Event::Reset {
        peer: FIRST,
        how: crate::router::event::ResetKind::SoftIn,
    });
    assert_eq!(rig.refreshes(), 1);
}

#[test]
fn a_neighbour_that_cannot_be_asked_again_has_its_rejected_paths_kept() {
    let mut rig = rig("");
    rig.down(FIRST, Retain::No);
    rig.up_as(
        FIRST,
        Negotiated {
            route_refresh: false,
            ..negotiated(FIRST)
        },
    );
    rig.configure_first("prefix-list.import = \"NONE\"\ndiscard-rejected = true");
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    assert_eq!(rig.received(FIRST), 1);
}
