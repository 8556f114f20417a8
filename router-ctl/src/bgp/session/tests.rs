//! Two sessions, or one and a script, over connections in memory and in virtual time.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one kind of action among all"
)]

mod collision;
mod establish;
mod exchange;
mod recover;
mod world;
