//! The data plane against the kernel: maps, program and links are created, adopted, written, read back and
//! taken away. Needs root. Every test has a network namespace (its thread's) and a pin directory of its own.

mod adopt;
mod counters;
mod fixture;
mod forward;
mod ops;
mod ports;
mod scale;
mod setup;
