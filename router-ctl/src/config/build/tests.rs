use std::collections::BTreeMap;

use super::{config, tree};
use crate::config::schema::{Kind, Node, ROOT};
use crate::config::tree::{Content, Tree};
use crate::config::value::{Type, Value};

/// A value that is no default.
fn sample(kind: Type) -> Value {
    let value = match kind {
        Type::Text(_) | Type::Name | Type::HostName | Type::Interface | Type::Password => {
            kind.text("name0")
        }
        Type::Integer(min, max) => kind.number(7.clamp(min, max).into()),
        Type::HoldTime | Type::Asn | Type::RemoteAs | Type::AsPath | Type::NumberChange => {
            kind.number(7)
        }
        Type::RouterId
        | Type::Address
        | Type::AddressV4
        | Type::Octets
        | Type::Source
        | Type::Neighbor
        | Type::Peer
        | Type::NextHop => kind.text("192.0.2.1"),
        Type::AddressV6 => kind.text("2001:db8::1"),
        Type::Prefix | Type::PrefixV4 => kind.text("192.0.2.0/24"),
        Type::PrefixV6 => kind.text("2001:db8::/32"),
        Type::Community => kind.text("65001:1"),
        Type::CommunityRange => kind.text("65001:1-9"),
        Type::LargeCommunity => kind.text("65001:1:2"),
        Type::RouteTarget => kind.text("65001:1"),
        Type::Choice(choices) => kind.text(choices[0].name),
    };
    value.unwrap()
}

/// The node, and below it what is required or, when `chosen` goes on, what leads there.
fn with(node: &Node, chosen: &[&'static Node]) -> Tree {
    let table = |children: &'static [Node]| {
        let mut table = Tree::table();
        let next = chosen.first();
        for child in children.iter().filter(|child| child.required) {
            table.put(child.name, with(child, &[]));
        }
        if let Some(next) = next {
            table.put(next.name, with(next, &chosen[1..]));
        }
        table
    };
    Tree::new(match node.kind {
        Kind::Leaf(kind) => Content::Leaf(sample(kind)),
        Kind::Multi(kind) => Content::List(vec![sample(kind)]),
        Kind::Flag { default } => Content::Flag(!default),
        Kind::AlwaysOn => Content::Flag(true),
        Kind::Group(children) | Kind::Presence(children) => table(children).content,
        Kind::Named(key, children) | Kind::Single(key, children) => {
            Content::Named(BTreeMap::from([(sample(key), table(children))]))
        }
    })
}

/// The paths of all nodes that can be set.
fn paths(nodes: &'static [Node], above: &[&'static Node], out: &mut Vec<Vec<&'static Node>>) {
    for node in nodes {
        let mut path = above.to_vec();
        path.push(node);
        if !matches!(node.kind, Kind::Group(_) | Kind::AlwaysOn) {
            out.push(path.clone());
        }
        paths(node.children(), &path, out);
    }
}

#[test]
fn every_node_of_the_schema_reaches_the_model_and_comes_back() {
    let mut all = Vec::new();
    paths(ROOT, &[], &mut all);
    assert!(all.len() > 400, "{} nodes", all.len());
    for path in all {
        let mut root = Tree::table();
        root.put(path[0].name, with(path[0], &path[1..]));
        let names: Vec<_> = path.iter().map(|node| node.name).collect();
        assert_eq!(tree(&config(&root)), root, "{}", names.join(" "));
    }
}

/// Leaves whose absence the model can tell from their default: it is inherited, or the reader's business.
const INHERITED: [&str; 2] = ["enforce-first-as", "extended-message"];

#[test]
fn the_defaults_of_the_schema_are_those_of_the_model() {
    let mut all = Vec::new();
    paths(ROOT, &[], &mut all);
    let mut leaves = 0;
    for path in all {
        let (node, above) = path.split_last().unwrap();
        let content = match (node.kind, node.default.parse::<u32>()) {
            (Kind::Flag { default }, _) if !INHERITED.contains(&node.name) => {
                Content::Flag(default)
            }
            (Kind::Leaf(_), Ok(number)) if is_number_of_the_model(above, node) => {
                leaves += 1;
                Content::Leaf(Value::Number(number))
            }
            _ => continue,
        };
        let names: Vec<_> = path.iter().map(|node| node.name).collect();
        let mut set = Tree::table();
        set.put(path[0].name, with(path[0], &path[1..]));
        put_at(&mut set, &names, Tree::new(content));
        let mut unset = Tree::table();
        if let Some((first, rest)) = above.split_first() {
            unset.put(first.name, with(first, rest));
        }
        assert_eq!(config(&set), config(&unset), "{}", names.join(" "));
    }
    assert!(leaves > 20, "{leaves} leaves");
}

/// Whether the model holds the default itself instead of nothing.
fn is_number_of_the_model(above: &[&Node], leaf: &Node) -> bool {
    let below = |name: &str| above.iter().any(|node| node.name == name);
    below("parameters")
        || below("bfd") && below("profile")
        || below("maximum-paths")
        || leaf.name == "number"
}

/// Replaces a leaf; keys are those that are there.
fn put_at(tree: &mut Tree, names: &[&'static str], leaf: Tree) {
    match (&mut tree.content, names) {
        (Content::Named(entries), _) => {
            for entry in entries.values_mut() {
                put_at(entry, names, leaf.clone());
            }
        }
        (Content::Table(children), [name]) => {
            children.insert(name, leaf);
        }
        (Content::Table(children), [name, rest @ ..]) => {
            if let Some(child) = children.get_mut(name) {
                put_at(child, rest, leaf);
            }
        }
        (Content::Leaf(_) | Content::Flag(_) | Content::List(_) | Content::Table(_), _) => {}
    }
}

/// The tree of a text, written back.
fn normal(text: &str) -> String {
    let (config, _) = crate::config::toml::parse(text).unwrap_or_else(|problems| {
        panic!("{problems:#?}");
    });
    crate::config::toml::render(&config)
}

#[test]
fn what_equals_the_default_is_not_written_back() {
    assert_eq!(
        normal(
            "[protocols.bgp]\nsystem-as = 1\n[protocols.bgp.parameters]\ndeterministic-med = true\n\
             ebgp-requires-policy = true\nalways-compare-med = false\ndefault.local-pref = 100\n\
             [protocols.bfd.profile.fast]\ninterval.transmit = 300"
        ),
        "[protocols.bgp]\nsystem-as = 1\n\n[protocols.bfd.profile.fast]\n"
    );
}

#[test]
fn an_unnumbered_neighbor_is_written_in_one_way() {
    for text in [
        "remote-as = 2",
        "interface.v6only = {}\nremote-as = 2",
        "interface.v6only.remote-as = 2",
    ] {
        let family = "address-family.ipv6-unicast = {}";
        assert_eq!(
            normal(&format!(
                "[protocols.bgp]\nsystem-as = 1\n[protocols.bgp.neighbor.eth0]\n{text}\n{family}\n"
            )),
            "[protocols.bgp]\nsystem-as = 1\n\n[protocols.bgp.neighbor.eth0]\n\
             interface.v6only.remote-as = 2\n\n\
             [protocols.bgp.neighbor.eth0.address-family.ipv6-unicast]\n",
            "{text}"
        );
    }
}
