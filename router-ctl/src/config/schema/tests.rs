use super::*;

fn each(nodes: &'static [Node], below_dotted: bool, check: &mut impl FnMut(&Node, &[Node], bool)) {
    for node in nodes {
        check(node, nodes, below_dotted);
        each(node.children(), node.dotted, check);
    }
}

#[test]
fn what_is_below_dotted_keys_is_dotted() {
    each(ROOT, false, &mut |node, _, below_dotted| {
        let table = match node.kind {
            Kind::Leaf(_) | Kind::Multi(_) | Kind::Flag { .. } | Kind::AlwaysOn => false,
            Kind::Group(_) | Kind::Presence(_) | Kind::Named(..) | Kind::Single(..) => true,
        };
        assert!(!below_dotted || !table || node.dotted, "{}", node.name);
    });
}

#[test]
fn names_are_unique_and_help_is_a_phrase() {
    each(ROOT, false, &mut |node, siblings, _| {
        let same = siblings.iter().filter(|each| each.name == node.name);
        assert_eq!(same.count(), 1, "{}", node.name);
        assert!(
            !node.help.is_empty() && !node.help.ends_with('.'),
            "{}",
            node.name
        );
    });
}

#[test]
fn what_excludes_another_names_one_that_exists() {
    each(ROOT, false, &mut |node, siblings, _| {
        for path in node.excludes {
            let mut nodes = siblings;
            for word in path.split(' ') {
                let found = nodes.iter().find(|each| each.name == word);
                nodes = found.unwrap_or_else(|| panic!("{path}")).children();
            }
        }
    });
}

/// The node at a path without keys.
fn node(path: &str) -> Node {
    let mut nodes = ROOT;
    let mut found = None;
    for word in path.split(' ') {
        let node = nodes.iter().find(|node| node.name == word);
        let node = node.unwrap_or_else(|| panic!("{path}: {word}"));
        nodes = node.children();
        found = Some(*node);
    }
    found.unwrap()
}

fn check_class(change: Change, parent: &str, names: &[&str]) {
    for name in names {
        assert_eq!(
            node(&format!("{parent} {name}")).change,
            change,
            "{parent} {name}"
        );
    }
}

#[test]
fn a_change_resets_a_session_only_when_it_must() {
    check_class(
        Change::SessionReset,
        "protocols bgp",
        &["system-as", "parameters router-id"],
    );
    for parent in ["protocols bgp neighbor", "protocols bgp peer-group"] {
        check_class(
            Change::SessionReset,
            parent,
            &[
                "remote-as",
                "local-as",
                "update-source",
                "port",
                "ttl-security hops",
                "ebgp-multihop",
                "capability extended-nexthop",
                "capability extended-message",
                "disable-capability-negotiation",
                "override-capability",
                "strict-capability-match",
                "address-family ipv4-unicast",
                "address-family ipv6-unicast",
                "address-family ipv4-unicast addpath-tx-all",
                "address-family ipv6-unicast disable-addpath-rx",
            ],
        );
        check_class(
            Change::NextSession,
            parent,
            &["timers holdtime", "timers keepalive", "graceful-restart"],
        );
        check_class(
            Change::Live,
            parent,
            &[
                "description",
                "bfd profile",
                "password",
                "passive",
                "shutdown",
                "timers connect",
                "timers error-wait",
                "address-family ipv4-unicast maximum-prefix",
                "address-family ipv4-unicast maximum-prefix-out",
            ],
        );
        check_class(
            Change::ReEvaluate,
            &format!("{parent} address-family ipv4-unicast"),
            &[
                "route-map import",
                "prefix-list export",
                "filter-list import",
                "distribute-list export",
                "weight",
                "allowas-in",
                "allowas-in number",
                "as-override",
                "remove-private-as",
                "nexthop-self",
                "route-reflector-client",
                "disable-send-community standard",
            ],
        );
    }
}

#[test]
fn a_change_of_what_all_share_resets_no_session() {
    check_class(
        Change::Live,
        "protocols bgp",
        &[
            "neighbor",
            "listen range",
            "address-family ipv4-unicast network",
            "address-family ipv4-unicast maximum-paths ebgp",
            "parameters distance global external",
            "parameters log-neighbor-changes",
        ],
    );
    check_class(
        Change::NextSession,
        "protocols bgp",
        &[
            "timers holdtime",
            "timers keepalive",
            "parameters graceful-restart restart-time",
        ],
    );
    check_class(
        Change::ReEvaluate,
        "protocols bgp parameters",
        &[
            "ebgp-requires-policy",
            "bestpath as-path multipath-relax",
            "bestpath med missing-as-worst",
            "always-compare-med",
        ],
    );
    each(policy::POLICY, false, &mut |node, _, _| {
        let says_nothing = node.name == "description" || matches!(node.kind, Kind::Group(_));
        assert!(
            says_nothing || node.change == Change::ReEvaluate,
            "{}",
            node.name
        );
    });
    check_class(
        Change::Live,
        "protocols bfd profile",
        &["interval transmit"],
    );
}
