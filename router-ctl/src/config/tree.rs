//! A configuration as the schema sees it: nodes and valid values, each with its place in the text. It holds
//! what was written and nothing else; defaults are the model's business.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

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
            Content::Leaf(_) | Content::Flag(_) | Content::Named(_) => None,
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        match &self.get(name)?.content {
            Content::Leaf(value) => Some(value),
            Content::Flag(_) | Content::Table(_) | Content::Named(_) => None,
        }
    }

    /// A leaf that holds a number which fits `T`.
    pub fn number<T: TryFrom<u32>>(&self, name: &str) -> Option<T> {
        match self.value(name)? {
            Value::Number(number) => T::try_from(*number).ok(),
            Value::Word(_) | Value::Address(_) | Value::Prefix(_) => None,
        }
    }

    pub fn word(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Word(word) => Some(word),
            Value::Number(_) | Value::Address(_) | Value::Prefix(_) => None,
        }
    }

    pub fn address(&self, name: &str) -> Option<IpAddr> {
        match self.value(name)? {
            Value::Address(address) => Some(*address),
            Value::Number(_) | Value::Word(_) | Value::Prefix(_) => None,
        }
    }

    pub fn address_v4(&self, name: &str) -> Option<Ipv4Addr> {
        match self.address(name)? {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)?.content {
            Content::Flag(on) => Some(on),
            Content::Leaf(_) | Content::Table(_) | Content::Named(_) => None,
        }
    }

    /// The entries of a named node.
    pub fn entries(&self, name: &str) -> impl Iterator<Item = (&Value, &Self)> {
        let entries = match self.get(name).map(|tree| &tree.content) {
            Some(Content::Named(entries)) => Some(entries.iter()),
            Some(Content::Leaf(_) | Content::Flag(_) | Content::Table(_)) | None => None,
        };
        entries.into_iter().flatten()
    }

    /// The entries of a named node that is called by words.
    pub fn words(&self, name: &str) -> impl Iterator<Item = (&str, &Self)> {
        self.entries(name).filter_map(|(key, tree)| match key {
            Value::Word(word) => Some((word.as_str(), tree)),
            Value::Number(_) | Value::Address(_) | Value::Prefix(_) => None,
        })
    }

    /// The entries of a named node that is called by addresses.
    pub fn addresses(&self, name: &str) -> impl Iterator<Item = (IpAddr, &Self)> {
        self.entries(name).filter_map(|(key, tree)| match key {
            Value::Address(address) => Some((*address, tree)),
            Value::Number(_) | Value::Word(_) | Value::Prefix(_) => None,
        })
    }

    /// The entries of a named node that is called by prefixes.
    pub fn prefixes(&self, name: &str) -> impl Iterator<Item = (IpNet, &Self)> {
        self.entries(name).filter_map(|(key, tree)| match key {
            Value::Prefix(prefix) => Some((*prefix, tree)),
            Value::Number(_) | Value::Word(_) | Value::Address(_) => None,
        })
    }

    /// Whether a table has no child.
    pub fn is_empty(&self) -> bool {
        match &self.content {
            Content::Table(children) => children.is_empty(),
            Content::Named(entries) => entries.is_empty(),
            Content::Leaf(_) | Content::Flag(_) => false,
        }
    }

    /// Sets a child of a table. Anything else has no children and stays as it is.
    pub fn put(&mut self, name: &'static str, child: Self) {
        if let Content::Table(children) = &mut self.content {
            children.insert(name, child);
        }
    }

    pub fn put_leaf(&mut self, name: &'static str, value: Value) {
        self.put(name, Self::new(Content::Leaf(value)));
    }

    pub fn put_number(&mut self, name: &'static str, number: Option<impl Into<u32>>) {
        if let Some(number) = number {
            self.put_leaf(name, Value::Number(number.into()));
        }
    }

    pub fn put_word(&mut self, name: &'static str, word: Option<&str>) {
        if let Some(word) = word {
            self.put_leaf(name, Value::Word(word.to_owned()));
        }
    }

    pub fn put_address(&mut self, name: &'static str, address: Option<impl Into<IpAddr>>) {
        if let Some(address) = address {
            self.put_leaf(name, Value::Address(address.into()));
        }
    }

    /// Sets a flag that differs from its default.
    pub fn put_flag(&mut self, name: &'static str, on: bool, default: bool) {
        if on != default {
            self.put(name, Self::new(Content::Flag(on)));
        }
    }

    /// Sets a group, unless nothing is in it.
    pub fn put_group(&mut self, name: &'static str, group: Self) {
        if !group.is_empty() {
            self.put(name, group);
        }
    }

    /// Sets the entries of a named node, unless there are none.
    pub fn put_named(
        &mut self,
        name: &'static str,
        entries: impl IntoIterator<Item = (Value, Self)>,
    ) {
        let entries = entries.into_iter().collect();
        self.put_group(name, Self::new(Content::Named(entries)));
    }

    /// Where `path` was written, or the nearest node above it that was.
    pub fn position_of(&self, path: &[String]) -> Option<Position> {
        let here = self.position;
        let Some((word, rest)) = path.split_first() else {
            return here;
        };
        let child = match &self.content {
            Content::Table(children) => children.get(word.as_str()),
            Content::Named(entries) => entries
                .iter()
                .find(|(key, _)| key.to_string() == *word)
                .map(|(_, tree)| tree),
            Content::Leaf(_) | Content::Flag(_) => None,
        };
        child.and_then(|child| child.position_of(rest)).or(here)
    }
}
