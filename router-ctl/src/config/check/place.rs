//! Where something is in the configuration.

use crate::config::problem::path_text;

/// A node, by the words of its `set` path.
#[derive(Clone, Debug)]
pub(super) struct Place(Vec<String>);

impl Place {
    /// Words with blanks between them.
    pub(super) fn new(words: &str) -> Self {
        Self(words.split(' ').map(str::to_owned).collect())
    }

    /// A node below this one, called by one word.
    pub(super) fn of(&self, word: impl ToString) -> Self {
        let mut words = self.0.clone();
        words.push(word.to_string());
        Self(words)
    }

    /// The path of a node below this one; the words of `below` have blanks between them.
    pub(super) fn path(&self, below: &str) -> Vec<String> {
        let below = below.split(' ').filter(|word| !word.is_empty());
        self.0
            .iter()
            .cloned()
            .chain(below.map(str::to_owned))
            .collect()
    }

    /// The command that sets something below this node.
    pub(super) fn set(&self, below: &str) -> String {
        format!("set {} {below}", path_text(&self.0))
    }

    /// What of `path` is below this node.
    pub(super) fn below<'p>(&self, path: &'p [String]) -> &'p [String] {
        path.strip_prefix(self.0.as_slice()).unwrap_or(path)
    }
}
