//! Bytes ↔ messages. Nothing in here panics on any input, and nothing in here keeps state.

pub mod as_path;
pub mod attribute;
pub mod error;
pub mod header;
pub mod nlri;
pub mod notification;
mod reader;
pub mod route_refresh;
pub mod update;
mod writer;
