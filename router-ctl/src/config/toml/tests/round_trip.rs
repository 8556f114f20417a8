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
fn value(kind: Type) -> BoxedStrategy<Value> {
    let written = |text: BoxedStrategy<String>| -> BoxedStrategy<Value> {
        text.prop_map(move |text| {
            kind.text(&text)
                .unwrap_or_else(|refused| panic!("{refused:?}"))
        })
        .boxed()
    };
    let number = |numbers: BoxedStrategy<u32>| -> BoxedStrategy<Value> {
        numbers
            .prop_map(move |number| kind.number(number.into()).unwrap())
            .boxed()
    };
    let words = |words: &'static [&'static str]| select(words).prop_map(str::to_owned).boxed();
    let interface = || "[a-z]{1,6}[0-9]{1,3}(\\.[0-9]{1,3})?".boxed();
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
    let prefix_v4 = || (v4(), 0..=32u8).prop_map(|(net, length)| format!("{net}/{length}"));
    let prefix_v6 = || (v6(), 0..=128u8).prop_map(|(net, length)| format!("{net}/{length}"));
    match kind {
        Type::Text(max) => written(
            "[ -~äß€\"\\\\]{1,40}"
                .prop_filter("too long", move |text: &String| text.len() <= max)
                .boxed(),
        ),
        Type::Name => written("[A-Za-z0-9_.-]{1,12}".boxed()),
        Type::HostName => written("[a-z][a-z0-9-]{0,8}[a-z0-9]".boxed()),
        Type::Interface => written(interface()),
        Type::Password => written("[!-~]{1,80}".boxed()),
        Type::Integer(min, max) => number((min..=max).boxed()),
        Type::HoldTime => number(prop_oneof![Just(0u32), 3..=65535u32].boxed()),
        Type::Asn => number(asn()),
        Type::RemoteAs => {
            prop_oneof![number(asn()), written(words(&["internal", "external"]))].boxed()
        }
        Type::AsPath => written(
            vec(asn(), 1..4)
                .prop_map(|path| {
                    path.iter()
                        .map(u32::to_string)
                        .collect::<Vec<_>>()
                        .join("  ")
                })
                .boxed(),
        ),
        Type::NumberChange => written("[+-]?[0-9]{1,9}".boxed()),
        Type::RouterId | Type::AddressV4 => written(v4()),
        Type::Octets => written(
            any::<u32>()
                .prop_map(|bits| std::net::Ipv4Addr::from(bits).to_string())
                .boxed(),
        ),
        Type::Address => written(prop_oneof![v4(), v6()].boxed()),
        Type::AddressV6 => written(v6()),
        Type::Source => written(prop_oneof![v4(), v6(), interface()].boxed()),
        Type::Neighbor => {
            let link_local = ("fe80::[1-9a-f]{1,4}", interface())
                .prop_map(|(address, interface)| format!("{address}%{interface}"));
            written(prop_oneof![v4(), v6(), link_local, interface()].boxed())
        }
        Type::Peer => written(prop_oneof![v4(), v6(), words(&["local"])].boxed()),
        Type::NextHop => written(prop_oneof![v4(), words(&["peer-address", "unchanged"])].boxed()),
        Type::Prefix => written(prop_oneof![prefix_v4(), prefix_v6()].boxed()),
        Type::PrefixV4 => written(prefix_v4().boxed()),
        Type::PrefixV6 => written(prefix_v6().boxed()),
        Type::Community => written(
            prop_oneof![
                "[1-9][0-9]{0,3}:[1-9][0-9]{0,3}",
                words(&["no-export", "blackhole"])
            ]
            .boxed(),
        ),
        Type::LargeCommunity => written("[1-9][0-9]{0,8}:[0-9]{1,9}:[0-9]{1,9}".boxed()),
        Type::RouteTarget => {
            written("([1-9][0-9]{0,3}|[1-9][0-9]{5,8}|10\\.0\\.0\\.[1-9]):[0-9]{1,4}".boxed())
        }
        Type::Choice(choices) => written(
            select(
                choices
                    .iter()
                    .map(|choice| choice.name.to_owned())
                    .collect::<Vec<_>>(),
            )
            .boxed(),
        ),
    }
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
