//! The difference between two installed states.

use crate::fib::op::{FibOp, Installed};

/// The operations that lead from `installed` to `desired`.
pub fn plan(desired: &Installed, installed: &Installed) -> Vec<FibOp> {
    if desired == installed {
        return Vec::new();
    }
    todo!()
}
