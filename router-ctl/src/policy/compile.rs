//! From configuration to objects that judge routes.

use crate::bgp::types::Family;
use crate::policy::chain::{Chain, ChainNames};
use crate::policy::model::PolicyConfig;
use crate::policy::problem::PolicyProblem;

/// Everything below `policy`, compiled.
#[derive(Clone, Debug, Default)]
pub struct Policies {}

impl Policies {
    /// All problems, or objects of which those that say the same as in `previous` are those of `previous`.
    pub fn compile(
        _config: &PolicyConfig,
        _previous: Option<&Self>,
    ) -> Result<Self, Vec<PolicyProblem>> {
        Ok(Self {})
    }

    /// The chain of these names; `None` without any. The same names give the same chain until a content changes.
    pub fn chain(&mut self, _family: Family, _names: &ChainNames) -> Option<Chain> {
        None
    }

    /// A route-map alone.
    pub fn route_map(&self, _name: &str) -> Option<Chain> {
        None
    }
}
