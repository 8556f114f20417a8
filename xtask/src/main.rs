//! `cargo xtask`: everything around the code. Imports none of our crates.
fn main() {}
