//! The router beside BIRD 2 and FRR: the same matrix with each, and BFD. Needs root and both packages.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bfd;
mod bird;
mod frr;
mod matrix;
mod peer;
