//! The router beside other people's daemons: one table of features and peers, and BFD. Needs root and their packages.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bfd;
mod bird;
mod decision;
mod exabgp;
mod feature;
mod frr;
mod gobgp;
mod openbgpd;
mod peer;
mod shapes;
mod table;
mod world;
