//! The router beside BIRD 2 and FRR: the same matrix with each. Needs root and both packages.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bird;
mod frr;
mod matrix;
mod peer;
mod shapes;
