//! decision
pub enum Step {}
