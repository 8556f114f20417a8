//! Two sessions, or one and a script, over connections in memory and in virtual time.

mod collision;
mod establish;
mod exchange;
mod recover;
mod world;
