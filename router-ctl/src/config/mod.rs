//! One typed model of the configuration, and the TOML rendering of it.

pub mod model;
pub mod problem;
pub mod toml;
