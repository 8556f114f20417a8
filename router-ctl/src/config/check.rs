//! What only the whole configuration can tell: contradictions are errors, traps are warnings. A hint names the
//! line that is to be added or changed.

mod bgp;
mod family;
mod neighbor;
mod place;
mod policy;
mod settings;
mod static_routes;
#[cfg(test)]
mod tests;

use crate::config::model::Config;
use crate::config::problem::Problem;

/// All findings, in the order of the configuration. They have no positions.
pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(bgp) = &config.protocols.bgp {
        bgp::check(&mut problems, config, bgp);
    }
    static_routes::check(&mut problems, config);
    policy::check(&mut problems, config);
    problems
}
