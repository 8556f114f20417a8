//! What finds a destination's route: one trait, an engine a layout. All engines give the same answers; the
//! word [`Settings::engine`](router_common::settings::Settings) tells the program which one is in use.

pub(super) mod lpm_trie;

use ipnet::IpNet;
use router_common::route::RouteId;

use super::{DataplaneError, OpFailure};

/// A prefix that becomes bound or unbound, with its position in the operations that ask for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<T> {
    pub(super) position: usize,
    pub(super) prefix: IpNet,
    pub(super) change: T,
}

pub(super) type Steps<'a, T> = &'a mut dyn Iterator<Item = Step<T>>;

pub(super) trait Engine: Send {
    /// The operator's word for it.
    fn name(&self) -> &'static str;

    /// Binds each prefix to its route. The last word counts when a prefix is named twice.
    fn bind(&mut self, steps: Steps<'_, RouteId>, failures: &mut Vec<OpFailure>);

    /// Takes each prefix out of the match. One that is not bound is a failure.
    fn unbind(&mut self, steps: Steps<'_, ()>, failures: &mut Vec<OpFailure>);

    /// Every binding, in no order that means anything.
    fn dump(&self) -> Result<Vec<(IpNet, RouteId)>, DataplaneError>;
}
