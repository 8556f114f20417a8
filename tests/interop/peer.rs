//! What the matrix asks of another router, whichever it is.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use lab::config::Carries;
use lab::topology::Spoke;
use lab::{Node, wait};

pub(crate) const DEADLINE: Duration = Duration::from_secs(40);
pub(crate) const ROUTER_AS: u32 = 65000;

/// A route as the other router has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) as_path: Vec<u32>,
    pub(crate) next_hop: IpAddr,
}

/// Who opens the TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    Peer,
    Router,
    Both,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) local: IpAddr,
    pub(crate) router: IpAddr,
    pub(crate) carries: Carries,
}

/// How a peer is to be configured.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) asn: u32,
    pub(crate) router_id: String,
    pub(crate) sessions: Vec<Session>,
    pub(crate) opens: Opens,
    pub(crate) announced: Vec<String>,
    /// Its IPv6 address, for routes over an IPv4 session.
    pub(crate) next_hop_v6: IpAddr,
}

impl Setup {
    pub(crate) fn new(spoke: &Spoke, carried: &[Carried]) -> Self {
        let session = |carried: &Carried| Session {
            local: carried.peer(spoke),
            router: carried.router(spoke),
            carries: carried.families,
        };
        Self {
            asn: asn(spoke),
            router_id: format!("10.255.1.{}", spoke.number),
            sessions: carried.iter().map(session).collect(),
            opens: Opens::Both,
            announced: Vec::new(),
            next_hop_v6: spoke.peer_v6().into(),
        }
    }

    pub(crate) fn announce(mut self, prefixes: &[&str]) -> Self {
        self.announced = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
        self
    }

    pub(crate) fn of_family(&self, ipv6: bool) -> impl Iterator<Item = &str> {
        self.announced
            .iter()
            .map(String::as_str)
            .filter(move |prefix| prefix.contains(':') == ipv6)
    }
}

pub(crate) fn asn(spoke: &Spoke) -> u32 {
    65001 + u32::from(spoke.number)
}

/// What a session carries, and over which protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried {
    pub(crate) families: Carries,
    pub(crate) over_ipv6: bool,
}

impl Carried {
    pub(crate) const V4: Self = Self {
        families: Carries::Ipv4,
        over_ipv6: false,
    };
    pub(crate) const V6: Self = Self {
        families: Carries::Ipv6,
        over_ipv6: true,
    };
    pub(crate) const BOTH_OVER_V4: Self = Self {
        families: Carries::Both,
        over_ipv6: false,
    };

    pub(crate) fn peer(self, spoke: &Spoke) -> IpAddr {
        if self.over_ipv6 {
            spoke.peer_v6().into()
        } else {
            spoke.peer_v4().into()
        }
    }

    pub(crate) fn router(self, spoke: &Spoke) -> IpAddr {
        if self.over_ipv6 {
            spoke.router_v6().into()
        } else {
            spoke.router_v4().into()
        }
    }
}

/// Another router that runs. Dropping it kills it.
pub(crate) trait Peer: Sized {
    const NAME: &'static str;

    fn start(node: &Node, setup: &Setup) -> Result<Self>;

    /// Changes what is announced, while it runs.
    fn announce(&mut self, setup: &Setup) -> Result<()>;

    fn is_established(&self, router: IpAddr) -> bool;

    /// Its best route to exactly this prefix.
    fn route(&self, prefix: &str) -> Option<Route>;

    /// Asks the router for its routes again (RFC 2918).
    fn ask_for_routes(&self, router: IpAddr) -> Result<()>;

    /// Prefixes or UPDATEs that came from the router so far: grows when routes are sent again.
    fn updates(&self, router: IpAddr) -> Option<u64>;

    /// SIGKILL.
    fn kill(&mut self) -> Result<()>;

    #[track_caller]
    fn wait_established(&self, router: IpAddr) {
        let what = format!("{}'s session with {router} to be established", Self::NAME);
        wait::until(&what, DEADLINE, || {
            self.is_established(router).then_some(())
        });
    }

    #[track_caller]
    fn wait_route(&self, prefix: &str, wanted: &Route) {
        let what = format!("{} to have {prefix} as {wanted:?}", Self::NAME);
        let mut last = None;
        let found = wait::try_until(&what, DEADLINE, || {
            last = self.route(prefix);
            (last.as_ref() == Some(wanted)).then_some(())
        });
        if let Err(error) = found {
            panic!("{error}; it has {last:?}");
        }
    }

    #[track_caller]
    fn wait_no_route(&self, prefix: &str) {
        let what = format!("{} to lose {prefix}", Self::NAME);
        wait::until(&what, DEADLINE, || {
            self.route(prefix).is_none().then_some(())
        });
    }
}
