//! Shapes that several tests share.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use crate::{Lab, LinkOptions, Node, Port};

/// One router in the middle, each peer on a link of its own.
///
/// Peer `i` (from 0) is `p<i>`. Its port is `eth0`, the router's is `eth<i>`; the router has 10.0.i.1/24 and
/// fd00:0:0:i::1/64 there, the peer 10.0.i.2/24 and fd00:0:0:i::2/64.
pub struct Star {
    pub router: Node,
    pub spokes: Vec<Spoke>,
}

/// A peer of the router with both ends of the link between them.
pub struct Spoke {
    pub peer: Node,
    pub peer_port: Port,
    pub router_port: Port,
    pub number: u8,
}

impl Star {
    /// Addresses on all ports, no routes anywhere.
    pub fn build(lab: &mut Lab, peers: u8) -> Result<Self> {
        Self::build_with(lab, peers, &LinkOptions::default())
    }

    pub fn build_with(lab: &mut Lab, peers: u8, options: &LinkOptions) -> Result<Self> {
        let router = lab.node("router")?;
        let spokes = (0..peers)
            .map(|number| Spoke::attach(lab, &router, number, options))
            .collect::<Result<_>>()?;
        Ok(Self { router, spokes })
    }
}

impl Spoke {
    fn attach(lab: &mut Lab, router: &Node, number: u8, options: &LinkOptions) -> Result<Self> {
        let peer = lab.node(&format!("p{number}"))?;
        let name = format!("eth{number}");
        let (router_port, peer_port) =
            lab.link_with((router, name.as_str()), (&peer, "eth0"), options)?;
        let spoke = Self {
            peer,
            peer_port,
            router_port,
            number,
        };
        for (port, v4, v6) in [
            (&spoke.router_port, spoke.router_v4(), spoke.router_v6()),
            (&spoke.peer_port, spoke.peer_v4(), spoke.peer_v6()),
        ] {
            port.add_address(&format!("{v4}/24"))?;
            port.add_address(&format!("{v6}/64"))?;
        }
        Ok(spoke)
    }

    pub fn router_v4(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, self.number, 1)
    }

    pub fn peer_v4(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, self.number, 2)
    }

    pub fn router_v6(&self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd00, 0, 0, self.number.into(), 0, 0, 0, 1)
    }

    pub fn peer_v6(&self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd00, 0, 0, self.number.into(), 0, 0, 0, 2)
    }

    /// The peer sends everything it has no route for to the router.
    pub fn set_default_routes(&self) -> Result<()> {
        let peer = &self.peer;
        peer.add_route("0.0.0.0/0", &self.router_v4().to_string())?;
        peer.add_route("::/0", &self.router_v6().to_string())
    }

    /// Permanent neighbour entries on both ends, so that no ARP or ND is seen.
    pub fn pin_neighbours(&self) -> Result<()> {
        let (router, peer) = (&self.router_port, &self.peer_port);
        for address in [IpAddr::V4(self.peer_v4()), IpAddr::V6(self.peer_v6())] {
            router.add_neighbour(address, peer.mac())?;
        }
        for address in [IpAddr::V4(self.router_v4()), IpAddr::V6(self.router_v6())] {
            peer.add_neighbour(address, router.mac())?;
        }
        Ok(())
    }
}
