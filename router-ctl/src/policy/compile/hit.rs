//! The rule of a list that decides.

use std::sync::Arc;

use crate::policy::model::Action;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Hit {
    pub(in crate::policy) rule: u32,
    pub(in crate::policy) action: Action,
}

/// The end of a list denies.
pub(in crate::policy) fn permits(hit: Option<Hit>) -> bool {
    hit.is_some_and(|hit| hit.action == Action::Permit)
}

/// An object with a name: to say which one decided.
pub(in crate::policy) trait Named {
    fn name(&self) -> &Arc<str>;
}
