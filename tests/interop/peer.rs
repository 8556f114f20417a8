//! What the matrix asks of another router, whichever it is.

use std::net::IpAddr;
use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lab::config::Carries;
use lab::topology::Spoke;
use lab::{Node, wait};

/// Some peers do not speak for half a minute after a session was lost.
pub(crate) const DEADLINE: Duration = Duration::from_secs(50);
pub(crate) const ROUTER_AS: u32 = 65000;

/// A route as the other router has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) as_path: Vec<u32>,
    pub(crate) next_hop: IpAddr,
    /// As `65001:7`, in order.
    pub(crate) communities: Vec<String>,
    /// As `65001:1:2`, in order.
    pub(crate) large_communities: Vec<String>,
}

impl Route {
    pub(crate) fn plain(as_path: Vec<u32>, next_hop: impl Into<IpAddr>) -> Self {
        Self {
            as_path,
            next_hop: next_hop.into(),
            communities: Vec::new(),
            large_communities: Vec::new(),
        }
    }
}

/// A prefix that a peer announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) prefix: String,
    pub(crate) communities: Vec<String>,
    pub(crate) large_communities: Vec<String>,
}

impl Announced {
    pub(crate) fn is_ipv6(&self) -> bool {
        self.prefix.contains(':')
    }
}

/// What a peer can do and does not do by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Plain,
    /// RFC 4724: restarts gracefully, and helps us to.
    Graceful,
    /// The same, back from a restart with its forwarding state kept.
    Returned,
    /// No capability 65.
    TwoOctets,
    /// RFC 8654.
    ExtendedMessages,
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

/// One more thing that a peer is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    /// RFC 2385.
    Password(&'static str),
    /// RFC 5082.
    TtlSecurity,
    /// Sends all its paths (RFC 7911).
    SendsAllPaths,
    /// Takes several paths.
    TakesPaths,
    Bfd,
    /// IPv4 routes with IPv6 next hops (RFC 8950).
    ExtendedNextHop,
    /// The session is between the link-local addresses of `eth0`.
    Unnumbered,
}

/// Somebody else whose routes the peer passes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) address: IpAddr,
    pub(crate) asn: u32,
}

/// What a route reflector leaves on a route (RFC 4456 §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reflected {
    pub(crate) originator: String,
    pub(crate) clusters: Vec<String>,
}

/// How a peer is to be configured.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) asn: u32,
    pub(crate) router_id: String,
    pub(crate) sessions: Vec<Session>,
    pub(crate) opens: Opens,
    pub(crate) manner: Manner,
    /// Our AS as the peer is to know it.
    pub(crate) router_as: u32,
    /// Its own addresses, for next hops of the family that is not the session's.
    pub(crate) address_v4: IpAddr,
    pub(crate) address_v6: IpAddr,
    pub(crate) announced: Vec<Announced>,
    pub(crate) extras: Vec<Extra>,
    pub(crate) sources: Vec<Source>,
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
            manner: Manner::Plain,
            router_as: ROUTER_AS,
            address_v4: spoke.peer_v4().into(),
            address_v6: spoke.peer_v6().into(),
            announced: Vec::new(),
            extras: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// Announces these and nothing else.
    pub(crate) fn announce(mut self, prefixes: &[&str]) -> Self {
        self.announced.clear();
        for prefix in prefixes {
            self = self.announce_with(prefix, &[], &[]);
        }
        self
    }

    pub(crate) fn announce_with(mut self, prefix: &str, some: &[&str], large: &[&str]) -> Self {
        let owned = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        self.announced.push(Announced {
            prefix: prefix.to_owned(),
            communities: owned(some),
            large_communities: owned(large),
        });
        self
    }

    pub(crate) fn mannered(self, manner: Manner) -> Self {
        Self { manner, ..self }
    }

    pub(crate) fn extra(mut self, extra: Extra) -> Self {
        self.extras.push(extra);
        self
    }

    pub(crate) fn has(&self, extra: Extra) -> bool {
        self.extras.contains(&extra)
    }

    pub(crate) fn password(&self) -> Option<&'static str> {
        let mut extras = self.extras.iter();
        extras.find_map(|extra| {
            if let Extra::Password(key) = extra {
                Some(*key)
            } else {
                None
            }
        })
    }

    pub(crate) fn of_family(&self, ipv6: bool) -> impl Iterator<Item = &Announced> {
        let all = self.announced.iter();
        all.filter(move |one| one.is_ipv6() == ipv6)
    }
}

pub(crate) fn asn(spoke: &Spoke) -> u32 {
    65001 + u32::from(spoke.number)
}

/// What a session carries, and over which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// Without capability 65 of its own it puts AS_PATH and AS4_PATH together (RFC 6793 §4.2.3).
    const MERGES_AS4_PATH: bool = true;

    fn start(node: &Node, setup: &Setup) -> Result<Self>;

    /// Changes what is announced, while it runs.
    fn announce(&mut self, setup: &Setup) -> Result<()>;

    fn is_established(&self, router: IpAddr) -> bool;

    /// Its best route to exactly this prefix.
    fn route(&self, prefix: &str) -> Option<Route>;

    /// The AS paths of all its routes to exactly this prefix.
    fn as_paths(&self, prefix: &str) -> Vec<Vec<u32>>;

    /// What a reflector left on its best route.
    fn reflected(&self, prefix: &str) -> Option<Reflected>;

    /// SIGSTOP: its connections stay, and nothing comes over them any more.
    fn freeze(&mut self) -> Result<()> {
        bail!("{} is never frozen", Self::NAME)
    }

    /// How many prefixes of a family it has, whoever announced them.
    fn count(&self, ipv6: bool) -> Option<usize>;

    /// Asks the router for its routes again (RFC 2918).
    fn ask_for_routes(&self, router: IpAddr) -> Result<()>;

    /// Prefixes or UPDATEs that came from the router so far: grows when routes are sent again.
    fn updates(&self, router: IpAddr) -> Option<u64>;

    /// SIGKILL.
    fn kill(&mut self) -> Result<()>;

    /// Its own words about itself: the version.
    fn version(node: &Node) -> Result<String>;

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

/// The first line that a command said, wherever it said it.
pub(crate) fn said(output: &Output) -> Result<String> {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next().context("it said nothing")?;
    Ok(line.trim().to_owned())
}
