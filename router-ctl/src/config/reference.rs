//! The reference document, `docs/configuration.md`, written from the schema.

use std::fmt::Write as _;

use crate::config::schema::{Kind, Node, ROOT};
use crate::config::value::Type;

/// The whole document.
pub fn document() -> String {
    let mut out = format!("{INTRODUCTION}```toml\n{EXAMPLE}```\n{NOTES}");
    for node in ROOT {
        section(&mut out, node, &[]);
    }
    out
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Written from router-ctl/src/config/schema.rs; a test compares. To write it again:
     WRITE_REFERENCE=1 cargo test -p router-ctl --no-default-features reference -->

One TOML file. The table path is the path of VyOS's `set` command: `set protocols bgp system-as 65010` is
`system-as = 65010` below `[protocols.bgp]`. What is absent has its default. `router-ctl check --config FILE`
reads a file and lists everything that is wrong with it.

";

/// What a file looks like; a test reads it.
const EXAMPLE: &str = r#"[interfaces.ethernet.eth0]
xdp = "native"

[protocols.bgp]
system-as = 65000
listen.range."10.1.0.0/24".peer-group = "K8S"

[protocols.bgp.parameters]
router-id = "10.0.0.1"

[protocols.bgp.address-family.ipv4-unicast]
maximum-paths.ebgp = 64
network."203.0.113.0/24" = {}

[protocols.bgp.neighbor."10.0.0.2"]
remote-as = 65001
password = "without-blanks"

[protocols.bgp.neighbor."10.0.0.2".address-family.ipv4-unicast]
maximum-prefix = 1000000
route-map.import = "UPSTREAM"
route-map.export = "OWN"

[protocols.bgp.peer-group.K8S]
remote-as = "external"
bfd.profile = "fast"

[protocols.bgp.peer-group.K8S.address-family.ipv4-unicast]
maximum-prefix = 1000
prefix-list.import = "POOLS"
prefix-list.export = "NONE"

[protocols.bfd.profile.fast]
interval = { transmit = 100, receive = 100, multiplier = 5 }

[protocols.static.route."203.0.113.0/24"]
blackhole = {}

[policy.prefix-list.NONE]
rule.10 = { action = "deny", prefix = "0.0.0.0/0", le = 32 }

[policy.prefix-list.OWN]
rule.10 = { action = "permit", prefix = "203.0.113.0/24" }

[policy.prefix-list.POOLS]
rule.10 = { action = "permit", prefix = "198.51.100.0/24", ge = 32 }

[policy.route-map.OWN.rule.10]
action = "permit"
match.ip.address.prefix-list = "OWN"

[policy.route-map.UPSTREAM.rule.10]
action = "permit"
set.local-preference = 90
"#;

const NOTES: &str = "
* A node with a key, like `neighbor`, is a table for each key. Addresses are written compressed, prefixes
  without host bits; anything else is accepted and shown that way.
* A node whose presence says all, like `blackhole`, is an empty table: `blackhole = {}`.
* A node with several values is an array; one value may stand alone.
* A neighbor has what its peer group has, and what it says itself wins. A flag of the group is on.
* *Change* tells what a new value does: **live** takes effect at once, **re-evaluate** judges stored paths
  again, **next session** waits for it, **session reset** resets the sessions concerned.
";

/// One table of leaves for each node that has any, then its tables.
fn section(out: &mut String, node: &'static Node, above: &[&str]) {
    let mut path = above.to_vec();
    path.push(node.name);
    if let Kind::Named(key, _) | Kind::Single(key, _) = node.kind {
        path.push(key_word(key));
    }
    let mut rows = Vec::new();
    collect(&mut rows, node.children(), "");
    if !rows.is_empty() || !matches!(node.kind, Kind::Group(_)) {
        let _ = write!(out, "\n## `{}`\n\n{}.\n", path.join(" "), node.help);
    }
    if !node.like.is_empty() {
        let _ = write!(out, "\nSee `{}`.\n", node.like);
        return;
    }
    if !rows.is_empty() {
        out.push_str("\n| Key | Value | Default | Change | Meaning |\n|---|---|---|---|---|\n");
        for row in rows {
            out.push_str(&row);
        }
    }
    for child in node.children().iter().filter(|child| is_table(child)) {
        section(out, child, &path);
    }
}

/// Whether a node has a section of its own.
fn is_table(node: &Node) -> bool {
    match node.kind {
        Kind::Leaf(_) | Kind::Multi(_) | Kind::Flag { .. } | Kind::AlwaysOn => false,
        Kind::Group(_) | Kind::Presence(_) | Kind::Named(..) | Kind::Single(..) => !node.dotted,
    }
}

/// Rows of the leaves, and of what is written as dotted keys.
fn collect(rows: &mut Vec<String>, nodes: &'static [Node], prefix: &str) {
    for node in nodes.iter().filter(|node| !is_table(node)) {
        let name = format!("{prefix}{}", node.name);
        match node.kind {
            Kind::Leaf(kind) => rows.push(row(&name, &values(kind, node.unit), node)),
            Kind::Multi(kind) => {
                let values = format!("array of {}", values(kind, node.unit));
                rows.push(row(&name, &values, node));
            }
            Kind::Flag { .. } => rows.push(row(&name, "true, false", node)),
            Kind::AlwaysOn => rows.push(row(&name, "true", node)),
            Kind::Group(children) => collect(rows, children, &format!("{name}.")),
            Kind::Presence(children) => {
                rows.push(row(&name, "`{}`", node));
                collect(rows, children, &format!("{name}."));
            }
            Kind::Named(key, children) | Kind::Single(key, children) => {
                let name = format!("{name}.\"{}\"", key_word(key));
                rows.push(row(&name, "`{}`", node));
                collect(rows, children, &format!("{name}."));
            }
        }
    }
}

fn row(name: &str, value: &str, node: &Node) -> String {
    let default = if node.required {
        "required"
    } else {
        node.default
    };
    format!(
        "| `{name}` | {value} | {default} | {} | {} |\n",
        node.change.name(),
        node.help
    )
}

fn values(kind: Type, unit: &str) -> String {
    let text = if let Type::Choice(choices) = kind {
        let choices: Vec<_> = choices
            .iter()
            .map(|choice| format!("`{}` ({})", choice.name, choice.help))
            .collect();
        choices.join(", ")
    } else if let Type::Text(max) = kind {
        format!("text, at most {max} octets")
    } else {
        kind.to_string()
    };
    if unit.is_empty() {
        text
    } else {
        format!("{text} {unit}")
    }
}

/// What stands for the key of a named node.
fn key_word(kind: Type) -> &'static str {
    const WORDS: [(Type, &str); 9] = [
        (Type::Interface, "<interface>"),
        (Type::Neighbor, "<neighbor>"),
        (Type::Address, "<address>"),
        (Type::AddressV6, "<address>"),
        (Type::Prefix, "<prefix>"),
        (Type::PrefixV4, "<prefix>"),
        (Type::PrefixV6, "<prefix>"),
        (Type::Asn, "<asn>"),
        (Type::CommunityRange, "<range>"),
    ];
    match WORDS.iter().find(|(each, _)| *each == kind) {
        Some((_, word)) => word,
        None if kind.takes_numbers() => "<number>",
        None => "<name>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::toml;

    #[test]
    fn the_example_is_valid_and_earns_no_warning() {
        assert_eq!(
            toml::parse(EXAMPLE).map(|(_, warnings)| warnings),
            Ok(vec![])
        );
    }

    #[test]
    fn the_reference_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        if std::env::var_os("WRITE_REFERENCE").is_some() {
            std::fs::write(path, document()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == document(),
            "docs/configuration.md differs from the schema; write it again with WRITE_REFERENCE=1"
        );
    }
}
