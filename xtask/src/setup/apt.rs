//! Debian packages. Some of them are daemons that are wanted as test peers in namespaces, not as services of
//! this host: while packages are installed, `policy-rc.d` forbids every start, and a service that came with a
//! package installed here is disabled, so that the next boot does not start it either. A `policy-rc.d` that is
//! there already is the administrator's word and stays as it is. Ours is removed however the installation
//! ends; one that a killed run left behind carries our mark and is removed by the next.

use std::fs;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail};

use crate::machine;
use crate::run::{capture, command, run, run_as};

const POLICY: &str = "/usr/sbin/policy-rc.d";
const MARK: &str = "written by cargo xtask setup";

/// Those of `packages` that are not installed.
pub(super) fn missing<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let installed = |package: &str| {
        capture(command("dpkg-query").args(["-W", "-f=${Status}", package]))
            .is_ok_and(|status| status == "install ok installed")
    };
    let absent = packages.iter().filter(|package| !installed(package));
    absent.copied().collect()
}

/// Installs what is missing of `packages`; `services` are units that come with them and must not run here.
///
/// # Errors
/// Without root, without apt, or when apt fails.
pub(super) fn install(packages: &[&str], services: &[&str]) -> Result<()> {
    let wanted = missing(packages);
    if !machine::is_root() {
        bail!("only root may run apt-get install {}", wanted.join(" "));
    }
    remove_leftover_policy();
    update_lists()?;
    // A shell, because its trap runs when the terminal interrupts the installation.
    let script = format!(
        r#"if [ ! -e {POLICY} ]; then
             trap 'rm -f {POLICY}' EXIT; trap 'exit 130' INT TERM HUP
             printf '#!/bin/sh\n# {MARK}: remove it\nexit 101\n' >{POLICY} && chmod 755 {POLICY} || exit 1
           fi
           apt-get install -y -q --no-install-recommends "$@""#
    );
    let mut install = command("sh");
    install
        .args(["-c", &script, "apt-get install"])
        .args(&wanted)
        .env("DEBIAN_FRONTEND", "noninteractive");
    let shown = format!(
        "apt-get install --no-install-recommends {}",
        wanted.join(" ")
    );
    run_as(&mut install, &shown)?;
    if machine::runs_systemd() && !services.is_empty() {
        run(command("systemctl")
            .args(["disable", "--now"])
            .args(services))?;
    }
    Ok(())
}

/// Once in a run is enough.
fn update_lists() -> Result<()> {
    static UPDATED: OnceLock<()> = OnceLock::new();
    if UPDATED.get().is_none() {
        run(command("apt-get").args(["update", "-q"])).context("the package lists")?;
        UPDATED.get_or_init(|| ());
    }
    Ok(())
}

fn remove_leftover_policy() {
    let ours = fs::read_to_string(POLICY).is_ok_and(|policy| policy.contains(MARK));
    if ours {
        eprintln!("removing {POLICY}, left by an interrupted run");
        if let Err(error) = fs::remove_file(POLICY) {
            eprintln!("cannot remove {POLICY}: {error}");
        }
    }
}
