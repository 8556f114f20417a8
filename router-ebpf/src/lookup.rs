//! Destination → route id, by the engine in use.

pub(crate) mod lpm_trie;
