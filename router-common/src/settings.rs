//! What holds for the whole program. Fields that change under traffic are single aligned words.

use bytemuck::{Pod, Zeroable};

/// `hash_seed` seeds the flow hash; random at first start, then kept for as long as the maps are pinned.
/// `engine` is the FIB engine in use.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Settings {
    pub hash_seed: u32,
    pub engine: u32,
}

impl Settings {
    pub const ENGINE_LPM_TRIE: u32 = 0;
    pub const ENGINE_FLAT: u32 = 1;
}

const _: () = assert!(size_of::<Settings>() == 8);

#[cfg(feature = "user")]
// SAFETY: `Pod` is derived above.
unsafe impl aya::Pod for Settings {}
