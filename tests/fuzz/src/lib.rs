//! The code under test, taken from its sources instead of from the `router-ctl` crate: only what a target
//! exercises is instrumented, a build takes seconds, and a module that is pure proves it by compiling alone.

#[path = "../../../router-ctl/src/bfd/mod.rs"]
pub mod bfd;
#[path = "../../../router-ctl/src/bgp/mod.rs"]
pub mod bgp;
#[path = "../../../router-ctl/src/host.rs"]
pub mod host;
