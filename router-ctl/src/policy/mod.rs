//! What a neighbour may tell us and what we may tell it.
//!
//! [`model`] is `policy …` of the configuration as plain data. [`Policies::compile`] makes typed, immutable objects
//! of it: names resolved, expressions compiled, prefix lists searchable. All that is wrong is found there; a
//! compiled policy cannot fail. An object that is the same as before stays the same object, so the address of a
//! [`Chain`] says whether the routes it judged must be judged again.
//!
//! A [`Chain`] is what one neighbour applies in one family and direction: distribute-list, prefix-list,
//! filter-list, route-map, in this order. It looks at a [`Subject`] and gives an [`Outcome`]: permitted with
//! [`Edits`], or denied with the rule that did. The lists that match are in `compile/`, one file a noun; the
//! rules of a route-map are run in `evaluate.rs`, `explain.rs` writes down the way it takes.
//!
//! Without a policy, `default.rs` says what holds.

mod chain;
mod change;
mod compile;
mod condition;
mod default;
mod evaluate;
mod explain;
#[cfg(test)]
mod fixture;
pub mod model;
mod outcome;
mod problem;
mod subject;

pub use self::chain::{Chain, ChainNames};
pub use self::compile::Policies;
pub use self::default::{DefaultPolicy, EbgpRequiresPolicy, Session, without_policy};
pub use self::explain::{Explanation, Step};
pub use self::outcome::{Denial, Edits, NextHopEdit, Outcome};
pub use self::problem::{ListKind, PolicyProblem, ProblemKind, Reference};
pub use self::subject::{Direction, Scratch, Source, Subject};
