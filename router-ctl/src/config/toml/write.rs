//! [`Tree`] → text: leaves of a table first, small groups as dotted keys, then the tables below it.

use std::fmt::Write as _;

use crate::config::schema::{Kind, Node, ROOT};
use crate::config::tree::{Content, Tree};
use crate::config::value::Value;

pub(super) fn write(tree: &Tree) -> String {
    let mut out = String::new();
    tables(&mut out, "", ROOT, tree);
    out
}

/// The leaves of a table, as `prefix.name = value`.
fn leaves(out: &mut String, prefix: &str, nodes: &[Node], tree: &Tree) {
    for node in nodes {
        let Some(child) = tree.get(node.name) else {
            continue;
        };
        let name = join(prefix, node.name);
        match (&child.content, node.kind) {
            (Content::Leaf(value), _) => line(out, &name, &scalar(value)),
            (Content::Flag(on), _) => line(out, &name, &on.to_string()),
            (Content::List(values), _) => {
                let values: Vec<_> = values.iter().map(scalar).collect();
                line(out, &name, &format!("[{}]", values.join(", ")));
            }
            (Content::Table(_), Kind::Presence(_)) if node.dotted && child.is_empty() => {
                line(out, &name, "{}");
            }
            (Content::Table(_), _) if node.dotted => leaves(out, &name, node.children(), child),
            (Content::Named(entries), _) if node.dotted => {
                for (key, entry) in entries {
                    let name = join(&name, &key.to_string());
                    if entry.is_empty() {
                        line(out, &name, "{}");
                    } else {
                        leaves(out, &name, node.children(), entry);
                    }
                }
            }
            (Content::Table(_) | Content::Named(_), _) => {}
        }
    }
}

/// The tables below a table, each with its header.
fn tables(out: &mut String, prefix: &str, nodes: &[Node], tree: &Tree) {
    for node in nodes.iter().filter(|node| !node.dotted) {
        let Some(child) = tree.get(node.name) else {
            continue;
        };
        let name = join(prefix, node.name);
        match &child.content {
            Content::Leaf(_) | Content::Flag(_) | Content::List(_) => {}
            Content::Table(_) => {
                let presence = matches!(node.kind, Kind::Presence(_));
                table(out, &name, node.children(), child, presence);
            }
            Content::Named(entries) => {
                for (key, entry) in entries {
                    let name = join(&name, &key.to_string());
                    table(out, &name, node.children(), entry, true);
                }
            }
        }
    }
}

fn table(out: &mut String, name: &str, nodes: &[Node], tree: &Tree, always: bool) {
    let mut own = String::new();
    leaves(&mut own, "", nodes, tree);
    if always || !own.is_empty() {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "[{name}]");
        out.push_str(&own);
    }
    tables(out, name, nodes, tree);
}

fn line(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name} = {value}");
}

fn join(prefix: &str, word: &str) -> String {
    let bare = !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let word = if bare { word.to_owned() } else { quoted(word) };
    if prefix.is_empty() {
        word
    } else {
        format!("{prefix}.{word}")
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Word(_) | Value::Address(_) | Value::Prefix(_) => quoted(&value.to_string()),
    }
}

/// A basic string. Values hold no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
