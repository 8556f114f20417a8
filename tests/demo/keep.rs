//! A lab that is left up: how to look around in it, and how it is taken away.

use std::env;

use anyhow::{Context as _, Result, bail};
use lab::leftovers;

use crate::network::{SERVICE_V4, Target};
use crate::play::Play;

/// Leaves the lab up, and says how to look around.
pub(crate) fn keep(play: &Play<'_>) -> Result<String> {
    let network = &play.network;
    network.lab.keep()?;
    let inside = |target: Target| {
        let path = network.link(target).node.netns_path();
        format!("nsenter --net={}", path.display())
    };
    let router = format!("nsenter --net={}", network.router.netns_path().display());
    let router_ctl = play.inquirer.binary().display().to_string();
    let socket = play.inquirer.socket().display();
    let asked = |words: &str| format!("  {router_ctl} {words} --socket {socket}");
    let this = env::current_exe().context("the path of this program")?;
    let mut lines = vec![
        "The lab stays up. The router:".to_owned(),
        asked("show bgp summary"),
        asked(&format!("show route {SERVICE_V4}")),
        asked("show dataplane accounting"),
        asked("stats --watch"),
        format!("  {router} ip -brief address"),
        format!(
            "  its log: {}/router.log",
            network.router.directory().display()
        ),
        "Its neighbours, two upstreams and four nodes:".to_owned(),
    ];
    for speaker in [Target::UP1, Target::NODE4].map(|target| &play.speakers[target.0]) {
        lines.push(format!("  {}", speaker.how_to_ask(&router_ctl)));
    }
    lines.extend([
        format!("  {} tcpdump -ni eth0", inside(Target::NODE4)),
        format!("  {} ip link set eth0 down", inside(Target::NODE4)),
        "To take it away:".to_owned(),
        format!("  {} --remove {}", this.display(), network.lab.id()),
    ]);
    Ok(lines.join("\n"))
}

/// Takes away a lab that was left up.
pub(crate) fn remove(lab: &str) -> Result<()> {
    let kept = leftovers::kept();
    if !kept.iter().any(|id| id == lab) {
        let known = match kept.as_slice() {
            [] => "none is".to_owned(),
            kept => format!("there is {}", kept.join(", ")),
        };
        bail!("no lab {lab} was left up; {known}");
    }
    leftovers::remove(lab)
}
