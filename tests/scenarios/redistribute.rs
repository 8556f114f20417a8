//! Routes that somebody else put into the kernel's main table, told to neighbours.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::world::{ROUTER_AS, World, neighbors, speaker};

const REDISTRIBUTE: &str = "
[protocols.bgp.address-family.ipv4-unicast.redistribute]
kernel = {}
[protocols.bgp.address-family.ipv6-unicast.redistribute]
kernel = {}
";

/// `ip` in the router's namespace.
fn ip(world: &World, words: &str) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(words.split(' '));
    let output = world.star.router.output(command)?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "ip {words}: {complaint}");
    Ok(())
}

#[test]
fn a_route_of_the_kernel_is_announced_while_it_is_there() -> Result<()> {
    let world = World::start("redistribute", 2, |config, star| {
        neighbors(config, star).with(REDISTRIBUTE)
    })?;
    let (near, far) = (world.spoke(0), world.spoke(1));
    let listener = speaker(near);
    listener.wait_up();
    let routes = [
        ("203.0.113.0/24", far.peer_v4().to_string()),
        ("2001:db8:113::/48", far.peer_v6().to_string()),
    ];
    for (net, gateway) in &routes {
        ip(&world, &format!("route add {net} via {gateway}"))?;
        assert_eq!(listener.wait_received(net).0, [ROUTER_AS]);
    }
    assert!(
        listener.received("10.0.1.0/24").is_none(),
        "a connected subnet is the kernel's own route"
    );
    for (net, gateway) in &routes {
        let second = format!("route add {net} via {gateway} metric 4000");
        ip(&world, &second)?;
        ip(&world, &format!("route del {net} metric 4000"))?;
        assert!(listener.received(net).is_some());
        ip(&world, &format!("route del {net}"))?;
        listener.wait_withdrawn(net);
    }
    // The interface takes the route along, and the kernel does not say so.
    let (net, gateway) = &routes[0];
    ip(&world, &format!("route add {net} via {gateway}"))?;
    listener.wait_received(net);
    far.router_port.down()?;
    listener.wait_withdrawn(net);
    Ok(())
}
