//! BIRD 2.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::process::Command;

use anyhow::Result;
use lab::Node;
use lab::config::Carries;
use lab::peer::Bird;

use crate::peer::{Announced, Manner, Opens, Peer, Route, Session, Setup, said};

pub(crate) struct BirdPeer {
    bird: Bird,
    sessions: Vec<Session>,
}

fn config(setup: &Setup) -> String {
    let mut text = format!(
        "log stderr all;\nrouter id {};\nprotocol device {{ scan time 1; }}\n",
        setup.router_id
    );
    for (family, ipv6) in [("ipv4", false), ("ipv6", true)] {
        write!(text, "protocol static static_{family} {{\n  {family};\n").ok();
        for one in setup.of_family(ipv6) {
            let attributes = attributes(one);
            writeln!(text, "  route {} blackhole {{{attributes} }};", one.prefix).ok();
        }
        text.push_str("}\n");
    }
    let channel = "{ import all; export where source = RTS_STATIC; }";
    for (number, session) in setup.sessions.iter().enumerate() {
        let passive = if setup.opens == Opens::Router {
            "on"
        } else {
            "off"
        };
        let mut channels = String::new();
        if session.carries != Carries::Ipv6 {
            channels += &format!("  ipv4 {channel};\n");
        }
        if session.carries != Carries::Ipv4 {
            channels += &format!("  ipv6 {channel};\n");
        }
        let manner = match setup.manner {
            Manner::Plain => "",
            Manner::Graceful | Manner::Returned => "graceful restart on;",
            Manner::TwoOctets => "enable as4 off;",
            Manner::ExtendedMessages => "enable extended messages on;",
        };
        write!(
            text,
            "protocol bgp router{number} {{
  local {} as {};
  neighbor {} {};
  {manner}
  passive {passive};
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
{channels}}}
",
            session.local,
            setup.asn,
            session.router,
            remote_as(setup)
        )
        .ok();
    }
    text
}

/// Without capability 65 it takes no AS number of four octets in its configuration, and yet compares the one in ours.
fn remote_as(setup: &Setup) -> String {
    if setup.manner == Manner::TwoOctets {
        "external".to_owned()
    } else {
        format!("as {}", setup.router_as)
    }
}

/// `-R`: back from a restart in which forwarding went on.
fn options(manner: Manner) -> &'static [&'static str] {
    match manner {
        Manner::Returned => &["-R"],
        Manner::Plain | Manner::Graceful | Manner::TwoOctets | Manner::ExtendedMessages => &[],
    }
}

/// What a static route sets of itself: `bgp_community.add((65001,7));`.
fn attributes(one: &Announced) -> String {
    let mut text = String::new();
    for (name, all) in [
        ("bgp_community", &one.communities),
        ("bgp_large_community", &one.large_communities),
    ] {
        for community in all {
            let pair = community.replace(':', ",");
            write!(text, " {name}.add(({pair}));").ok();
        }
    }
    text
}

/// `(65001,7) (65001,8)`, or of three numbers with blanks between them.
fn communities(text: Option<String>) -> Vec<String> {
    let text = text
        .unwrap_or_default()
        .replace(", ", ":")
        .replace(',', ":");
    let mut all: Vec<String> = text
        .split_whitespace()
        .map(|one| one.trim_matches(['(', ')']).to_owned())
        .collect();
    all.sort();
    all
}

impl BirdPeer {
    fn protocol(&self, router: IpAddr) -> Option<String> {
        let mut sessions = self.sessions.iter();
        let number = sessions.position(|session| session.router == router)?;
        Some(format!("router{number}"))
    }
}

impl Peer for BirdPeer {
    const NAME: &'static str = "BIRD";

    fn start(node: &Node, setup: &Setup) -> Result<Self> {
        Ok(Self {
            bird: Bird::start_with(node, &config(setup), options(setup.manner))?,
            sessions: setup.sessions.clone(),
        })
    }

    fn announce(&mut self, setup: &Setup) -> Result<()> {
        self.bird.reconfigure(&config(setup))
    }

    fn is_established(&self, router: IpAddr) -> bool {
        self.protocol(router)
            .and_then(|protocol| self.bird.session_state(&protocol).ok())
            .is_some_and(|state| state == "Established")
    }

    fn route(&self, prefix: &str) -> Option<Route> {
        let answer = self
            .bird
            .query(&format!("show route {prefix} all primary"))
            .ok()?;
        // A value that is too long for a line goes on in others, deeper indented.
        let value = |name: &str| {
            let mut lines = answer.lines();
            let line = lines.find(|line| line.trim().starts_with(name))?;
            let more = lines.take_while(|line| line.starts_with("\t\t"));
            let first = line.split_once(':')?.1.trim();
            Some(more.fold(first.to_owned(), |all, line| all + " " + line.trim()))
        };
        let as_path = value("BGP.as_path")?;
        let next_hop = value("BGP.next_hop")?;
        Some(Route {
            as_path: as_path
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>()
                .ok()?,
            // A link-local address may follow the global one.
            next_hop: next_hop.split_whitespace().next()?.parse().ok()?,
            communities: communities(value("BGP.community")),
            large_communities: communities(value("BGP.large_community")),
        })
    }

    fn count(&self, ipv6: bool) -> Option<usize> {
        let table = if ipv6 { "master6" } else { "master4" };
        usize::try_from(self.bird.route_count(table).ok()?).ok()
    }

    fn ask_for_routes(&self, router: IpAddr) -> Result<()> {
        let protocol = self.protocol(router).unwrap();
        self.bird
            .query(&format!("reload in {protocol}"))
            .map(|_| ())
    }

    /// The second number of "Import updates: received rejected filtered ignored accepted", over all channels.
    fn updates(&self, router: IpAddr) -> Option<u64> {
        let protocol = self.protocol(router)?;
        let answer = self
            .bird
            .query(&format!("show protocols all {protocol}"))
            .ok()?;
        let counts = answer
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Import updates:"))
            .filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        Some(counts.sum())
    }

    fn kill(&mut self) -> Result<()> {
        self.bird.kill()
    }

    fn version(node: &Node) -> Result<String> {
        // "BIRD version 2.0.12"
        let mut command = Command::new("/usr/sbin/bird");
        command.arg("--version");
        said(&node.output(command)?)
    }
}
