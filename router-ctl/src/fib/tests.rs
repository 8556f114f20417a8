//! The FIB with the in-memory data plane as its judge.

mod adoption;
mod host;
mod random;
mod routes;
mod world;
