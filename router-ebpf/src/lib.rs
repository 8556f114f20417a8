//! The packet's stations as modules that compile for the host too, where they are fuzzed and unit-tested: what
//! a frame is, what may not pass, which flow it is, which next hop it gets, what is written. The program
//! itself, `main.rs`, adds the maps and the entry.

#![cfg_attr(target_arch = "bpf", no_std, feature(asm_experimental_arch))]

pub mod flow;
pub mod forward;
pub mod guard;
#[cfg(not(target_arch = "bpf"))]
pub mod host;
pub mod packet;
pub mod path;
pub mod rewrite;
pub mod tables;
pub mod verifier;
