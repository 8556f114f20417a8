//! `Neighbours` against a real kernel: kept entries are resolved, survive, come back, and are let go.

use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use lab::topology::{Spoke, Star};
use lab::{Lab, MacAddress, wait};
use netlink_packet_route::neighbour::NeighbourState;
use router_ctl::host::{IfIndex, NeighbourKey};
use router_ctl::kernel::{KernelError, Neighbours};
use tokio::runtime::{Builder, Runtime};

const DEADLINE: Duration = Duration::from_secs(15);

struct Keeper {
    runtime: Runtime,
    neighbours: Neighbours,
}

impl Keeper {
    fn open(spoke: &Spoke) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let neighbours = spoke.router_port.node().run(|| {
            let _inside = runtime.enter();
            Neighbours::open()
        })?;
        Ok(Self {
            runtime,
            neighbours,
        })
    }

    fn keep(&self, key: NeighbourKey) -> Result<(), KernelError> {
        self.runtime.block_on(self.neighbours.keep(key))
    }

    fn forget(&self, key: NeighbourKey) -> Result<(), KernelError> {
        self.runtime.block_on(self.neighbours.forget(key))
    }

    fn refresh(&self) -> Vec<(NeighbourKey, KernelError)> {
        self.runtime.block_on(self.neighbours.refresh())
    }
}

fn star(name: &str) -> Result<(Lab, Star)> {
    let mut lab = Lab::new(name)?;
    let star = Star::build(&mut lab, 1)?;
    Ok((lab, star))
}

fn key(spoke: &Spoke, address: impl Into<IpAddr>) -> NeighbourKey {
    NeighbourKey {
        link: spoke.router_port.index(),
        address: address.into(),
    }
}

fn wait_resolved(spoke: &Spoke, address: impl Into<IpAddr>) {
    let address = address.into();
    wait::until(&format!("{address} to be resolved"), DEADLINE, || {
        let entry = spoke.router_port.node().neighbour(address).unwrap()?;
        (entry.mac == Some(spoke.peer_port.mac()) && entry.state == NeighbourState::Reachable)
            .then_some(())
    });
}

/// `ip neighbour` names the flags, which the lab's own dump does not read.
fn shown(spoke: &Spoke, address: impl Into<IpAddr>) -> String {
    let mut show = Command::new("ip");
    show.args(["neighbour", "show"])
        .arg(address.into().to_string());
    let output = spoke.router_port.node().output(show).unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_kept_neighbour_is_resolved_and_managed_in_both_families() -> Result<()> {
    let (_lab, star) = star("keep")?;
    let spoke = &star.spokes[0];
    let keeper = Keeper::open(spoke)?;
    for address in [IpAddr::V4(spoke.peer_v4()), IpAddr::V6(spoke.peer_v6())] {
        keeper.keep(key(spoke, address))?;
        wait_resolved(spoke, address);
        assert!(
            shown(spoke, address).contains("managed"),
            "{}",
            shown(spoke, address)
        );

        keeper.forget(key(spoke, address))?;
        assert!(
            !shown(spoke, address).contains("managed"),
            "{}",
            shown(spoke, address)
        );
    }
    Ok(())
}

#[test]
fn a_kept_neighbour_is_reachable_again_after_it_went_stale() -> Result<()> {
    let (_lab, star) = star("stale")?;
    let spoke = &star.spokes[0];
    let node = spoke.router_port.node();
    // Reachable for a quarter to three quarters of a second, then stale; probed half a second later.
    node.sysctl("net/ipv4/neigh/eth0/base_reachable_time_ms", "500")?;
    node.sysctl("net/ipv4/neigh/eth0/delay_first_probe_time", "1")?;
    node.sysctl("net/ipv4/neigh/eth0/interval_probe_time_ms", "1000")?;
    let keeper = Keeper::open(spoke)?;
    keeper.keep(key(spoke, spoke.peer_v4()))?;
    wait_resolved(spoke, spoke.peer_v4());
    for _ in 0..2 {
        wait::until("the entry to leave reachable", DEADLINE, || {
            let entry = node.neighbour(spoke.peer_v4().into()).unwrap()?;
            (entry.state != NeighbourState::Reachable).then_some(())
        });
        wait_resolved(spoke, spoke.peer_v4());
    }
    Ok(())
}

#[test]
fn refresh_brings_back_what_a_link_flap_took() -> Result<()> {
    let (_lab, star) = star("flap")?;
    let spoke = &star.spokes[0];
    let keeper = Keeper::open(spoke)?;
    keeper.keep(key(spoke, spoke.peer_v4()))?;
    wait_resolved(spoke, spoke.peer_v4());

    spoke.router_port.down()?;
    wait::until("the entry to be flushed", DEADLINE, || {
        let entry = spoke.router_port.node().neighbour(spoke.peer_v4().into());
        entry.unwrap().is_none().then_some(())
    });
    spoke.router_port.up()?;
    assert!(keeper.refresh().is_empty());
    wait_resolved(spoke, spoke.peer_v4());
    Ok(())
}

#[test]
fn a_neighbour_that_answers_late_is_resolved_in_the_end() -> Result<()> {
    let (_lab, star) = star("late")?;
    let spoke = &star.spokes[0];
    let node = spoke.router_port.node();
    node.sysctl("net/ipv4/neigh/eth0/retrans_time_ms", "100")?;
    node.sysctl("net/ipv4/neigh/eth0/interval_probe_time_ms", "500")?;
    let late = "10.0.0.77".parse()?;
    let keeper = Keeper::open(spoke)?;
    keeper.keep(key(spoke, late))?;
    wait::until("resolution to fail", DEADLINE, || {
        let entry = node.neighbour(late).unwrap()?;
        (entry.state == NeighbourState::Failed).then_some(())
    });
    spoke.peer_port.add_address("10.0.0.77/24")?;
    wait_resolved(spoke, late);
    Ok(())
}

#[test]
fn a_static_neighbour_stays_static() -> Result<()> {
    let (_lab, star) = star("static")?;
    let spoke = &star.spokes[0];
    let mac = MacAddress([2, 0, 0, 0, 0, 0x55]);
    let address = spoke.peer_v4().into();
    spoke.router_port.add_neighbour(address, mac)?;
    let keeper = Keeper::open(spoke)?;
    keeper.keep(key(spoke, address))?;
    assert!(keeper.refresh().is_empty());
    keeper.forget(key(spoke, address))?;
    let entry = spoke.router_port.node().neighbour(address)?.unwrap();
    assert_eq!(
        (entry.state, entry.mac),
        (NeighbourState::Permanent, Some(mac))
    );
    Ok(())
}

#[test]
fn a_refusal_says_what_and_why() -> Result<()> {
    let (_lab, star) = star("refusal")?;
    let spoke = &star.spokes[0];
    let keeper = Keeper::open(spoke)?;
    let nowhere = NeighbourKey {
        link: IfIndex(9999),
        address: spoke.peer_v4().into(),
    };
    let error = keeper.keep(nowhere).unwrap_err().to_string();
    assert!(
        error.contains("keep neighbour 10.0.0.2 on interface number 9999"),
        "{error}"
    );
    assert_eq!(keeper.refresh().len(), 1);
    keeper.forget(nowhere)?;
    assert!(keeper.refresh().is_empty());
    Ok(())
}
