use super::*;
use crate::policy::fixture::{Deny, Permit, problems, raw, regex_list};
use crate::policy::model::{Action, PolicyConfig};

fn compiled<C: Kind>(rules: &[(Action, &str)]) -> CommunityList<C> {
    let mut findings = Findings::default();
    let list = CommunityList::compile(&mut findings, "L", &regex_list(rules));
    assert_eq!(findings.into_problems(), []);
    list
}

fn standard(communities: &str) -> Box<[u8]> {
    let members = Community::literals(communities).unwrap();
    raw(&[1], |editor| editor.set_communities(members))
}

fn rule_of<C: Kind>(list: &CommunityList<C>, raw: &[u8], extent: Extent) -> Option<u32> {
    let hit = list.find(AttributesView::new(raw), extent, &mut String::new());
    hit.map(|hit| hit.rule)
}

#[test]
fn a_rule_of_communities_wants_all_of_them_and_an_expression_the_text() {
    let list = compiled::<Community>(&[
        (Deny, "65000:666"),
        (Permit, "65000:1 65000:2"),
        (Permit, "no-export"),
        (Permit, "^65001:[0-9]+$"),
        (Permit, "_65002:7_"),
        (Permit, "65535:6[0-9][0-9]"),
        (Permit, "accept"),
    ]);
    for (communities, at_least, exactly) in [
        ("", None, None),
        ("65000:1", None, None),
        ("65000:1 65000:2", Some(20), Some(20)),
        ("65000:2 65000:1 65000:3", Some(20), None),
        ("65000:1 65000:2 65000:666", Some(10), None),
        ("65535:65281", Some(30), Some(30)),
        ("65001:5", Some(40), Some(40)),
        ("65001:5 65001:6", None, None),
        ("65000:9 65002:7", Some(50), Some(50)),
        ("65002:77", None, None),
        // 65535:666 and 65535:1, by number and by name.
        ("blackhole", Some(60), Some(60)),
        ("1:1 65535:1", Some(70), Some(70)),
    ] {
        let raw = standard(communities);
        let found = [Extent::AtLeast, Extent::Exactly].map(|extent| rule_of(&list, &raw, extent));
        assert_eq!(found, [at_least, exactly], "{communities}");
    }
}

#[test]
fn internet_is_every_route_and_an_expression_can_ask_for_none() {
    let every = compiled::<Community>(&[(Permit, "internet")]);
    assert_eq!(rule_of(&every, &standard(""), Extent::AtLeast), Some(10));
    let none = compiled::<Community>(&[(Permit, "^$")]);
    assert_eq!(rule_of(&none, &standard(""), Extent::AtLeast), Some(10));
    assert_eq!(rule_of(&none, &standard("1:1"), Extent::AtLeast), None);
}

#[test]
fn large_communities_match_as_numbers_and_as_text() {
    let list = compiled::<LargeCommunity>(&[(Deny, "65000:1:2"), (Permit, "^65000:.*:2$")]);
    for (community, rule) in [
        ([65000, 1, 2], Some(10)),
        ([65000, 3, 2], Some(20)),
        ([65000, 3, 3], None),
    ] {
        let raw = raw(&[1], |editor| {
            editor.set_large_communities([LargeCommunity(community)]);
        });
        assert_eq!(rule_of(&list, &raw, Extent::AtLeast), rule, "{community:?}");
    }
}

#[test]
fn extended_communities_are_written_in_every_usual_way() {
    for (expression, matches) in [
        ("rt 65000:100", true),
        ("RT:65000:100", true),
        ("rt 65000:100 soo 192.0.2.1:5", true),
        ("rt 65000:100 65000:101", false),
        ("soo 65000:100", false),
        ("RT:65000:.*", true),
        ("soo:192", true),
        ("^soo", false),
    ] {
        let list = compiled::<ExtendedCommunity>(&[(Permit, expression)]);
        let raw = raw(&[1], |editor| {
            let target: ExtendedValue = "65000:100".parse().unwrap();
            let origin: ExtendedValue = "192.0.2.1:5".parse().unwrap();
            editor.set_extended_communities([target.route_target(), origin.site_of_origin()]);
        });
        let found = rule_of(&list, &raw, Extent::AtLeast).is_some();
        assert_eq!(found, matches, "{expression}");
    }
}

#[test]
fn a_community_alone_is_permitted_by_any_rule_that_names_it() {
    let list = compiled::<Community>(&[
        (Deny, "65000:3"),
        (Permit, "65000:1 65000:2"),
        (Permit, "^65001:"),
    ]);
    for (community, permitted) in [
        ("65000:1", true),
        ("65000:2", true),
        ("65000:3", false),
        ("65001:9", true),
        ("65002:9", false),
    ] {
        let community = parse_community(community).unwrap();
        let found = list.permits_alone(community, &mut String::new());
        assert_eq!(found, permitted, "{community}");
    }
}

#[test]
fn a_rule_without_an_expression_or_with_a_broken_one_is_a_problem() {
    let mut config = PolicyConfig::default();
    let mut list = regex_list(&[(Permit, "(65000:1")]);
    list.rule.insert(20, model::RegexRule::default());
    config.community_list.insert("C".to_owned(), list.clone());
    config.as_path_list.insert("A".to_owned(), list);
    let mut rows = Vec::new();
    for list in ["as-path-list A", "community-list C"] {
        for problem in [
            "rule 10 regex: not a regular expression: unclosed group",
            "rule 20 action: required",
            "rule 20 regex: required",
        ] {
            rows.push(format!("policy {list} {problem}"));
        }
    }
    assert_eq!(problems(&config), rows);
}
