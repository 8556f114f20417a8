//! Sessions whose addresses are not those of their routes.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::Result;
use lab::config::Carries;
use lab::maps::wait_leads_to;
use lab::topology::Spoke;
use lab::{MacAddress, wait};

use crate::peer::{Carried, DEADLINE, Extra, Peer, ROUTER_AS, Route, Setup};
use crate::world::{OURS_V4, World, base, peer_v6};

const PREFIX: &str = "203.0.113.0/24";
const V4_OVER_V6: Carried = Carried {
    families: Carries::Ipv4,
    over_ipv6: true,
};

/// IPv4 routes with IPv6 next hops, over an IPv6 session on a link without IPv4 addresses (RFC 8950).
pub(crate) fn ipv4_over_ipv6<P: Peer>() -> Result<()> {
    let lines = "capability.extended-nexthop = true";
    let config = base(1)
        .network(OURS_V4)
        .neighbor_with(peer_v6(0), 65001, Carries::Ipv4, lines);
    let world = World::run(1, &config)?;
    let spoke = world.spoke(0);
    let setup = Setup::new(spoke, &[V4_OVER_V6])
        .announce(&[PREFIX])
        .extra(Extra::ExtendedNextHop);
    without_ipv4(spoke)?;
    let mut peer = P::start(&spoke.peer, &setup)?;
    peer.wait_established(spoke.router_v6().into());
    peer.wait_route(OURS_V4, &Route::plain(vec![ROUTER_AS], spoke.router_v6()));
    world
        .router
        .wait_next_hops(PREFIX, &[spoke.peer_v6().into()]);
    wait_leads_to(&world.router, PREFIX, &[spoke]);
    peer.kill()?;
    wait_leads_to(&world.router, PREFIX, &[]);
    world.router.assert_accounting();
    Ok(())
}

fn without_ipv4(spoke: &Spoke) -> Result<()> {
    for (port, address) in [
        (&spoke.router_port, spoke.router_v4()),
        (&spoke.peer_port, spoke.peer_v4()),
    ] {
        port.remove_address(&format!("{address}/24"))?;
    }
    Ok(())
}

/// What the kernel makes of a MAC (RFC 4291, appendix A).
fn link_local(mac: MacAddress) -> Ipv6Addr {
    let MacAddress([a, b, c, d, e, f]) = mac;
    let bytes = [a ^ 2, b, c, 0xff, 0xfe, d, e, f];
    Ipv6Addr::from((0xfe80_u128 << 112) | u128::from(u64::from_be_bytes(bytes)))
}

/// Nothing but the interface is configured: the neighbour is found by its router advertisements.
pub(crate) fn unnumbered<P: Peer>() -> Result<()> {
    let config = base(1).network(OURS_V4).with(
        "[protocols.bgp.neighbor.eth0]
interface.v6only.remote-as = \"external\"
[protocols.bgp.neighbor.eth0.address-family.ipv4-unicast]",
    );
    let world = World::run(1, &config)?;
    let spoke = world.spoke(0);
    let mut setup = Setup::new(spoke, &[V4_OVER_V6])
        .announce(&[PREFIX])
        .extra(Extra::ExtendedNextHop)
        .extra(Extra::Unnumbered);
    let router: IpAddr = link_local(spoke.router_port.mac()).into();
    for session in &mut setup.sessions {
        session.local = link_local(spoke.peer_port.mac()).into();
        session.router = router;
    }
    without_ipv4(spoke)?;
    let mut peer = P::start(&spoke.peer, &setup)?;
    peer.wait_established(router);
    wait_leads_to(&world.router, PREFIX, &[spoke]);
    let told = wait::until("our route at the peer", DEADLINE, || peer.route(OURS_V4));
    assert_eq!(told.as_path, [ROUTER_AS]);
    peer.kill()?;
    wait_leads_to(&world.router, PREFIX, &[]);
    drop(peer);
    let _peer = P::start(&spoke.peer, &setup)?;
    wait_leads_to(&world.router, PREFIX, &[spoke]);
    world.router.assert_accounting();
    Ok(())
}
