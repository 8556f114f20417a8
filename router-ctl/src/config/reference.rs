//! The reference document, `docs/configuration.md`, written from the schema.

use std::fmt::Write as _;

use crate::config::schema::{Kind, Node, ROOT};
use crate::config::value::Type;

/// The whole document.
pub fn document() -> String {
    let mut out = String::from(INTRODUCTION);
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

```toml
[interfaces.ethernet.eth0]
xdp = \"native\"

[protocols.bgp]
system-as = 65000

[protocols.bgp.parameters]
router-id = \"10.0.0.1\"
ebgp-requires-policy = false

[protocols.bgp.address-family.ipv4-unicast]
maximum-paths.ebgp = 64
network.\"203.0.113.0/24\" = {}

[protocols.bgp.neighbor.\"10.0.0.2\"]
remote-as = 65001

[protocols.bgp.neighbor.\"10.0.0.2\".address-family.ipv4-unicast]

[protocols.static.route.\"203.0.113.0/24\"]
blackhole = {}
```

* A node with a key, like `neighbor`, is a table for each key. Addresses are written compressed, prefixes
  without host bits; anything else is accepted and shown that way.
* A node whose presence says all, like `blackhole`, is an empty table: `blackhole = {}`.
* *Change* tells what a new value does: **live** takes effect at once, **re-evaluate** judges stored paths
  again, **next session** waits for it, **session reset** resets the sessions concerned.
";

/// One table of leaves for each node that has any, then its tables.
fn section(out: &mut String, node: &'static Node, above: &[&str]) {
    let mut path = above.to_vec();
    path.push(node.name);
    if let Kind::Named(key, _) = node.kind {
        path.push(key_word(key));
    }
    let mut rows = Vec::new();
    collect(&mut rows, node.children(), "");
    if !rows.is_empty() || !matches!(node.kind, Kind::Group(_)) {
        let _ = write!(out, "\n## `{}`\n\n{}.\n", path.join(" "), node.help);
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
        Kind::Leaf(_) | Kind::Flag { .. } => false,
        Kind::Group(_) | Kind::Presence(_) | Kind::Named(..) => !node.dotted,
    }
}

/// Rows of the leaves, and of what is written as dotted keys.
fn collect(rows: &mut Vec<String>, nodes: &'static [Node], prefix: &str) {
    for node in nodes.iter().filter(|node| !is_table(node)) {
        let name = format!("{prefix}{}", node.name);
        match node.kind {
            Kind::Leaf(kind) => rows.push(row(&name, &values(kind, node.unit), node)),
            Kind::Flag { .. } => rows.push(row(&name, "true, false", node)),
            Kind::Group(children) => collect(rows, children, &format!("{name}.")),
            Kind::Presence(children) => {
                rows.push(row(&name, "`{}`", node));
                collect(rows, children, &format!("{name}."));
            }
            Kind::Named(key, children) => {
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
    let text = match kind {
        Type::Choice(choices) => {
            let choices: Vec<_> = choices
                .iter()
                .map(|choice| format!("`{}` ({})", choice.name, choice.help))
                .collect();
            choices.join(", ")
        }
        Type::Text(max) => format!("text, at most {max} octets"),
        Type::HostName
        | Type::Interface
        | Type::Integer(..)
        | Type::HoldTime
        | Type::Asn
        | Type::RemoteAs
        | Type::RouterId
        | Type::Address
        | Type::AddressV6
        | Type::PrefixV4
        | Type::PrefixV6 => kind.to_string(),
    };
    if unit.is_empty() {
        text
    } else {
        format!("{text} {unit}")
    }
}

fn key_word(kind: Type) -> &'static str {
    match kind {
        Type::Interface => "<interface>",
        Type::Address | Type::AddressV6 => "<address>",
        Type::PrefixV4 | Type::PrefixV6 => "<prefix>",
        Type::Text(_)
        | Type::HostName
        | Type::Integer(..)
        | Type::HoldTime
        | Type::Asn
        | Type::RemoteAs
        | Type::RouterId
        | Type::Choice(_) => "<name>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
