//! A configuration as the schema sees it: nodes and valid values, each with its place in the text. It holds
//! what was written and nothing else; defaults are the model's business.

use std::collections::BTreeMap;

use crate::config::problem::Position;
use crate::config::value::Value;

/// Two trees are equal when they say the same, wherever it was written.
#[derive(Clone, Debug)]
pub struct Tree {
    pub position: Option<Position>,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Leaf(Value),
    Flag(bool),
    /// Values of a multi leaf, in the order in which they were written.
    List(Vec<Value>),
    /// Groups and presence nodes: children by their names in the schema.
    Table(BTreeMap<&'static str, Tree>),
    /// Named nodes: one table a key.
    Named(BTreeMap<Value, Tree>),
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl Eq for Tree {}

impl Default for Tree {
    fn default() -> Self {
        Self::table()
    }
}

impl Tree {
    pub fn new(content: Content) -> Self {
        Self {
            position: None,
            content,
        }
    }

    pub fn table() -> Self {
        Self::new(Content::Table(BTreeMap::new()))
    }

    /// A child of a table.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match &self.content {
            Content::Table(children) => children.get(name),
            Content::Leaf(_) | Content::Flag(_) | Content::List(_) | Content::Named(_) => None,
        }
    }

    /// The value of a leaf.
    pub fn value(&self, name: &str) -> Option<&Value> {
        match &self.get(name)?.content {
            Content::Leaf(value) => Some(value),
            Content::Flag(_) | Content::List(_) | Content::Table(_) | Content::Named(_) => None,
        }
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)?.content {
            Content::Flag(on) => Some(on),
            Content::Leaf(_) | Content::List(_) | Content::Table(_) | Content::Named(_) => None,
        }
    }

    /// The values of a multi leaf.
    pub fn values(&self, name: &str) -> &[Value] {
        match self.get(name).map(|tree| &tree.content) {
            Some(Content::List(values)) => values,
            Some(Content::Leaf(_) | Content::Flag(_) | Content::Table(_) | Content::Named(_))
            | None => &[],
        }
    }

    /// The entries of a named node.
    pub fn entries(&self, name: &str) -> impl Iterator<Item = (&Value, &Self)> {
        let entries = match self.get(name).map(|tree| &tree.content) {
            Some(Content::Named(entries)) => Some(entries.iter()),
            Some(Content::Leaf(_) | Content::Flag(_) | Content::List(_) | Content::Table(_))
            | None => None,
        };
        entries.into_iter().flatten()
    }

    /// Whether a table has no child.
    pub fn is_empty(&self) -> bool {
        match &self.content {
            Content::Table(children) => children.is_empty(),
            Content::Named(entries) => entries.is_empty(),
            Content::List(values) => values.is_empty(),
            Content::Leaf(_) | Content::Flag(_) => false,
        }
    }

    /// Sets a child of a table. Anything else has no children and stays as it is.
    pub fn put(&mut self, name: &'static str, child: Self) {
        if let Content::Table(children) = &mut self.content {
            children.insert(name, child);
        }
    }

    /// Sets a child, unless nothing is in it.
    pub fn put_group(&mut self, name: &'static str, group: Self) {
        if !group.is_empty() {
            self.put(name, group);
        }
    }

    /// Where `path` was written, or the nearest node above it that was.
    pub fn position_of(&self, path: &[String]) -> Option<Position> {
        let here = self.position;
        let Some((word, rest)) = path.split_first() else {
            return here;
        };
        let child = match &self.content {
            Content::Table(children) => children.get(word.as_str()),
            Content::Named(entries) => Value::spelled(word)
                .into_iter()
                .find_map(|key| entries.get(&key)),
            Content::Leaf(_) | Content::Flag(_) | Content::List(_) => None,
        };
        child.and_then(|child| child.position_of(rest)).or(here)
    }
}
