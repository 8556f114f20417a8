//! One typed model of the configuration, and the TOML rendering of it.
//!
//! A description of every node ([`schema`]) drives the walk over a text ([`toml`]), which yields a [`tree`]
//! of values that are valid by themselves, each with its place in the text. [`build`] turns the tree into
//! the [`model`] that the router consumes, and back; [`check`] holds what only the whole can tell. All
//! [`problem`]s of a text come in one pass. [`reference`] writes the documentation from the schema.
//!
//! A new path is a field of the model, a node of the schema, and a line in `build/` that binds one to the other.
//! The tests there walk the schema, so a node that reaches no field does not go unnoticed.

pub mod build;
pub mod check;
pub mod model;
pub mod problem;
pub mod reference;
pub mod schema;
pub mod toml;
pub mod tree;
pub mod value;
