//! Peers: other people's routing daemons, and a speaker that says what a test tells it to.

mod bird;
mod exabgp;
mod frr;
mod gobgp;
mod openbgpd;
mod speaker;

pub use bird::Bird;
pub use exabgp::ExaBgp;
pub use frr::Frr;
pub use gobgp::GoBgp;
pub use openbgpd::OpenBgpd;
pub use speaker::{Restart, Speaker, SpeakerOptions};

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// A program of a Debian package, or what to install.
fn program(path: &str, package: &str) -> Result<PathBuf> {
    let path = Path::new(path);
    if !path.is_file() {
        bail!(
            "{} is missing; install it: apt-get install {package}",
            path.display()
        );
    }
    Ok(path.to_owned())
}
