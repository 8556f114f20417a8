//! Model → text → model, for models of everything that the schema allows.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use crate::config::build;
use crate::config::schema::{Kind, Node, ROOT};
use crate::config::toml::{parse, read, render};
use crate::config::tree::{Content, Tree};
use crate::config::value::{Type, Value};

/// A value of a type as somebody would write it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a type that is forgotten makes `word` panic"
)]
fn value(kind: Type) -> BoxedStrategy<Value> {
    let number = move |number: u32| kind.number(number.into()).unwrap();
    let text = move |text: String| kind.text(&text).unwrap();
    match kind {
        Type::Integer(min, max) => (min..=max).prop_map(number).boxed(),
        Type::HoldTime => prop_oneof![Just(0u32), 3..=65535u32]
            .prop_map(number)
            .boxed(),
        Type::Asn => asn().prop_map(number).boxed(),
        Type::RemoteAs => prop_oneof![
            asn().prop_map(number),
            words(&["internal", "external"]).prop_map(text)
        ]
        .boxed(),
        _ => address(kind)
            .unwrap_or_else(|| word(kind))
            .prop_map(text)
            .boxed(),
    }
}

fn words(words: &'static [&'static str]) -> BoxedStrategy<String> {
    select(words).prop_map(str::to_owned).boxed()
}

fn interface() -> BoxedStrategy<String> {
    "[a-z]{1,6}[0-9]{1,3}(\\.[0-9]{1,3})?".boxed()
}

fn word(kind: Type) -> BoxedStrategy<String> {
    if let Type::Choice(choices) = kind {
        let names: Vec<_> = choices.iter().map(|choice| choice.name).collect();
        return select(names).prop_map(str::to_owned).boxed();
    }
    if let Type::Text(max) = kind {
        let fits = move |text: &String| text.len() <= max;
        return "[ -~äß€\"\\\\]{1,40}".prop_filter("too long", fits).boxed();
    }
    let pattern = [
        (Type::Name, "[A-Za-z0-9_.-]{1,12}"),
        (Type::HostName, "[a-z][a-z0-9-]{0,8}[a-z0-9]"),
        (Type::Interface, "[a-z]{1,6}[0-9]{1,3}(\\.[0-9]{1,3})?"),
        (Type::Password, "[!-~]{1,80}"),
        (Type::AsPath, "[1-9][0-9]{0,3}( +[1-9][0-9]{5,8}){0,3}"),
        (Type::NumberChange, "[+-]?[0-9]{1,9}"),
        (
            Type::Community,
            "[1-9][0-9]{0,3}:[0-9]{1,4}|no-export|blackhole",
        ),
        (
            Type::CommunityRange,
            "[1-9][0-9]{0,3}:[1-9]-[1-9][0-9]{1,3}",
        ),
        (
            Type::LargeCommunity,
            "[1-9][0-9]{0,8}:[0-9]{1,9}:[0-9]{1,9}",
        ),
        (
            Type::RouteTarget,
            "([1-9][0-9]{0,3}|[1-9][0-9]{5,8}|10\\.0\\.0\\.[1-9]):[0-9]{1,4}",
        ),
    ]
    .into_iter()
    .find_map(|(each, pattern)| (each == kind).then_some(pattern));
    pattern.unwrap_or_else(|| panic!("{kind:?}")).boxed()
}

/// Types that are made of addresses.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a type that is forgotten makes `word` panic"
)]
fn address(kind: Type) -> Option<BoxedStrategy<String>> {
    let v4 = || {
        (0x0100_0000u32..0xdfff_ffff)
            .prop_map(|bits| std::net::Ipv4Addr::from(bits).to_string())
            .boxed()
    };
    let v6 = || {
        any::<u64>()
            .prop_map(|bits| {
                std::net::Ipv6Addr::from((0x2001_0db8_u128 << 96) | u128::from(bits)).to_string()
            })
            .boxed()
    };
    let link_local = ("fe80::[1-9a-f]{1,4}", interface())
        .prop_map(|(address, interface)| format!("{address}%{interface}"));
    let prefix_v4 = (v4(), 0..=32u8).prop_map(|(net, length)| format!("{net}/{length}"));
    let prefix_v6 = (v6(), 0..=128u8).prop_map(|(net, length)| format!("{net}/{length}"));
    Some(match kind {
        Type::RouterId | Type::AddressV4 => v4(),
        Type::Octets => {
            prop_oneof![v4(), words(&["0.0.0.0", "0.0.0.255", "255.255.255.255"])].boxed()
        }
        Type::AddressV6 => v6(),
        Type::Address => prop_oneof![v4(), v6()].boxed(),
        Type::Source => prop_oneof![v4(), v6(), interface()].boxed(),
        Type::Neighbor => prop_oneof![v4(), v6(), link_local, interface()].boxed(),
        Type::Peer => prop_oneof![v4(), v6(), words(&["local"])].boxed(),
        Type::NextHop => prop_oneof![v4(), words(&["peer-address", "unchanged"])].boxed(),
        Type::Prefix => prop_oneof![prefix_v4, prefix_v6].boxed(),
        Type::PrefixV4 => prefix_v4.boxed(),
        Type::PrefixV6 => prefix_v6.boxed(),
        _ => return None,
    })
}

fn asn() -> BoxedStrategy<u32> {
    (1..=4_294_967_294u32)
        .prop_filter("reserved", |asn| ![23456, 65535].contains(asn))
        .boxed()
}

/// A tree of what the schema allows.
fn table(nodes: &'static [Node]) -> BoxedStrategy<Tree> {
    let children: Vec<_> = nodes
        .iter()
        .filter(|node| node.kind != Kind::AlwaysOn)
        .map(|node| {
            let child = content(node).prop_map(|content| (node.name, Tree::new(content)));
            if node.required {
                child.prop_map(Some).boxed()
            } else {
                proptest::option::weighted(0.3, child).boxed()
            }
        })
        .collect();
    children
        .prop_map(move |children| {
            let mut children: BTreeMap<_, _> = children.into_iter().flatten().collect();
            for node in nodes {
                let named = |path: &&&str| children.contains_key(path.split(' ').next().unwrap());
                if node.excludes.iter().any(|path| named(&path)) {
                    children.remove(node.name);
                }
            }
            Tree::new(Content::Table(children))
        })
        .boxed()
}

fn content(node: &'static Node) -> BoxedStrategy<Content> {
    let entries = |key, children, most| {
        btree_map(value(key), table(children), 0..=most).prop_map(Content::Named)
    };
    match node.kind {
        Kind::Leaf(kind) => value(kind).prop_map(Content::Leaf).boxed(),
        Kind::Multi(kind) => vec(value(kind), 0..4)
            .prop_map(|mut values| {
                values.sort();
                values.dedup();
                Content::List(values)
            })
            .boxed(),
        Kind::Flag { .. } | Kind::AlwaysOn => any::<bool>().prop_map(Content::Flag).boxed(),
        Kind::Group(children) | Kind::Presence(children) => {
            table(children).prop_map(|tree| tree.content).boxed()
        }
        Kind::Named(key, children) => entries(key, children, 2).boxed(),
        Kind::Single(key, children) => entries(key, children, 1).boxed(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The walk alone: cross-checks may refuse a random configuration, the syntax may not.
    #[test]
    fn what_is_written_is_read_back(tree in table(ROOT)) {
        let config = build::config(&tree);
        let text = render(&config);
        let outcome = read::read(&text);
        prop_assert_eq!(&outcome.problems, &[], "\n{}", text);
        prop_assert_eq!(build::config(&outcome.tree), config, "\n{}", text);
        let _ = parse(&text);
    }

    #[test]
    fn any_text_is_answered(text in "(\\PC|[\\[\\]={}\\.\"\n]){0,80}") {
        let _ = parse(&text);
    }
}
