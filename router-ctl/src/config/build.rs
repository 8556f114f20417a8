//! [`Tree`] ↔ [`Config`], section by section. Each leaf is bound to its field in one line that serves both
//! directions: a [`Section`] knows which way values go. Absent leaves leave the model's defaults; what equals the
//! default is not written back.

mod bfd;
mod bgp;
mod interfaces;
mod neighbor;
mod policy;
mod route_map;
mod scalar;
mod section;
mod static_routes;
mod system;
#[cfg(test)]
mod tests;

use self::section::Section;
use crate::config::model::{Config, Protocols};
use crate::config::tree::Tree;

/// The model of a tree. What a tree lacks although it is required is stood in for; the walk that made the
/// tree has reported it as an error, and such a model is only checked, never run.
pub fn config(tree: &Tree) -> Config {
    let mut config = Config::default();
    root(&mut Section::Read(tree), &mut config);
    config
}

/// The tree of a model: what differs from the defaults.
pub fn tree(config: &Config) -> Tree {
    let mut tree = Tree::table();
    root(&mut Section::Write(&mut tree), &mut config.clone());
    tree
}

fn root(at: &mut Section<'_>, config: &mut Config) {
    at.group("system", |at| system::bind(at, &mut config.system));
    at.group("interfaces", |at| {
        interfaces::bind(at, &mut config.interfaces);
    });
    at.group("protocols", |at| protocols(at, &mut config.protocols));
    at.group("policy", |at| policy::bind(at, &mut config.policy));
}

fn protocols(at: &mut Section<'_>, protocols: &mut Protocols) {
    at.presence_of("bgp", &mut protocols.bgp, bgp::empty(), bgp::bind);
    at.group("bfd", |at| bfd::bind(at, &mut protocols.bfd));
    at.group("static", |at| {
        static_routes::bind(at, &mut protocols.static_routes);
    });
}
