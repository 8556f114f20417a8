//! One table of the tree, and the way values go between it and a part of the model.

use std::collections::BTreeMap;

use super::scalar::Scalar;
use crate::config::tree::{Content, Tree};

/// Each method names a child and a field. When reading, what the tree has goes to the field, and a field of which
/// it has nothing stays as it is. When writing, what says something goes to the tree; fields stay as they are.
pub(super) enum Section<'a> {
    Read(&'a Tree),
    Write(&'a mut Tree),
}

impl Section<'_> {
    /// A leaf whose absence means nothing in particular, or what somebody else says.
    pub(super) fn value<T: Scalar>(&mut self, name: &'static str, field: &mut Option<T>) {
        match self {
            Self::Read(tree) => {
                if let Some(value) = tree.value(name) {
                    *field = T::from_value(value);
                }
            }
            Self::Write(tree) => {
                if let Some(value) = field {
                    tree.put(name, Tree::new(Content::Leaf(value.to_value())));
                }
            }
        }
    }

    /// A leaf whose absence means `default`.
    pub(super) fn value_or<T>(&mut self, name: &'static str, field: &mut T, default: T)
    where
        T: Scalar + Clone + PartialEq,
    {
        let mut value = (*field != default).then(|| field.clone());
        self.value(name, &mut value);
        *field = value.unwrap_or(default);
    }

    /// A multi leaf.
    pub(super) fn values<T, C>(&mut self, name: &'static str, field: &mut C)
    where
        T: Scalar,
        C: Extend<T>,
        for<'c> &'c C: IntoIterator<Item = &'c T>,
    {
        match self {
            Self::Read(tree) => field.extend(tree.values(name).iter().filter_map(T::from_value)),
            Self::Write(tree) => {
                let values = (&*field).into_iter().map(Scalar::to_value).collect();
                tree.put_group(name, Tree::new(Content::List(values)));
            }
        }
    }

    /// A flag that is off by default.
    pub(super) fn flag(&mut self, name: &'static str, field: &mut bool) {
        let mut on = field.then_some(true);
        self.switch(name, &mut on);
        *field = on.unwrap_or(false);
    }

    /// A flag that is on by default.
    pub(super) fn flag_on(&mut self, name: &'static str, field: &mut bool) {
        let mut on = (!*field).then_some(false);
        self.switch(name, &mut on);
        *field = on.unwrap_or(true);
    }

    /// A flag that is inherited while it is absent.
    pub(super) fn switch(&mut self, name: &'static str, field: &mut Option<bool>) {
        match self {
            Self::Read(tree) => *field = tree.flag(name).or(*field),
            Self::Write(tree) => {
                if let Some(on) = *field {
                    tree.put(name, Tree::new(Content::Flag(on)));
                }
            }
        }
    }

    /// A table that only groups.
    pub(super) fn group(&mut self, name: &'static str, bind: impl FnOnce(&mut Section<'_>)) {
        match self {
            Self::Read(tree) => {
                if let Some(group) = tree.get(name) {
                    bind(&mut Section::Read(group));
                }
            }
            Self::Write(tree) => {
                let mut group = Tree::table();
                bind(&mut Section::Write(&mut group));
                tree.put_group(name, group);
            }
        }
    }

    /// A table whose presence says that there is a value.
    pub(super) fn presence<T: Default>(
        &mut self,
        name: &'static str,
        field: &mut Option<T>,
        bind: impl FnOnce(&mut Section<'_>, &mut T),
    ) {
        self.presence_of(name, field, T::default(), bind);
    }

    /// The same, with the value that an empty table stands for.
    pub(super) fn presence_of<T>(
        &mut self,
        name: &'static str,
        field: &mut Option<T>,
        new: T,
        bind: impl FnOnce(&mut Section<'_>, &mut T),
    ) {
        match self {
            Self::Read(tree) => {
                if let Some(table) = tree.get(name) {
                    bind(&mut Section::Read(table), field.insert(new));
                }
            }
            Self::Write(tree) => {
                if let Some(value) = field {
                    let mut table = Tree::table();
                    bind(&mut Section::Write(&mut table), value);
                    tree.put(name, table);
                }
            }
        }
    }

    /// A table of tables, each called by a key.
    pub(super) fn named<K: Scalar + Ord, V: Default>(
        &mut self,
        name: &'static str,
        entries: &mut BTreeMap<K, V>,
        bind: impl Fn(&mut Section<'_>, &mut V),
    ) {
        match self {
            Self::Read(tree) => {
                for (key, entry) in tree.entries(name) {
                    if let Some(key) = K::from_value(key) {
                        let value = entries.entry(key).or_default();
                        bind(&mut Section::Read(entry), value);
                    }
                }
            }
            Self::Write(tree) => {
                let write = |(key, value): (&K, &mut V)| {
                    let mut entry = Tree::table();
                    bind(&mut Section::Write(&mut entry), value);
                    (key.to_value(), entry)
                };
                let named = entries.iter_mut().map(write).collect();
                tree.put_group(name, Tree::new(Content::Named(named)));
            }
        }
    }
}
