//! What somebody may have meant.

use crate::config::problem::path_text;
use crate::config::schema::{Kind, Node, ROOT};

/// What a leaf that is missing would look like.
pub(super) fn example(node: &Node) -> String {
    match node.kind {
        Kind::Leaf(kind) if kind.takes_numbers() => {
            format!("add {} = 65001, for instance", node.name)
        }
        Kind::Leaf(_)
        | Kind::Multi(_)
        | Kind::Flag { .. }
        | Kind::AlwaysOn
        | Kind::Group(_)
        | Kind::Presence(_)
        | Kind::Named(..)
        | Kind::Single(..) => {
            format!("add {} = \"…\"", node.name)
        }
    }
}

/// The path of a node called `word` somewhere else, the nearest to `parents` first.
pub(super) fn elsewhere(word: &str, parents: &[String]) -> Option<String> {
    let mut best: Option<(usize, Vec<String>)> = None;
    let mut stack: Vec<(&'static Node, Vec<String>)> =
        ROOT.iter().rev().map(|node| (node, Vec::new())).collect();
    while let Some((node, above)) = stack.pop() {
        let mut path = above;
        path.push(node.name.to_owned());
        if node.name == word {
            let shared = path.iter().zip(parents).take_while(|(a, b)| a == b).count();
            if best.as_ref().is_none_or(|(most, _)| shared > *most) {
                best = Some((shared, path.clone()));
            }
        }
        if let Kind::Named(..) | Kind::Single(..) = node.kind {
            // The key that we stand under is the one that is meant.
            let key = match parents.get(path.len()) {
                Some(key) if parents.starts_with(&path) => key.clone(),
                Some(_) | None => format!("<{}>", node.name),
            };
            path.push(key);
        }
        let children = node.children().iter().rev();
        stack.extend(children.map(|child| (child, path.clone())));
    }
    best.map(|(_, path)| path_text(&path))
}

/// Edit distance: insertions, deletions and substitutions that turn one word into the other.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
