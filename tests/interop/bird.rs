//! BIRD 2.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::process::Command;

use anyhow::Result;
use lab::Node;
use lab::config::Carries;
use lab::peer::Bird;

use crate::peer::{Announced, Extra, Manner, Opens, Peer, Reflected, Route, Session, Setup, said};

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
    let export = if setup.sources.is_empty() {
        "where source = RTS_STATIC"
    } else {
        "all"
    };
    let mut channel = format!("import all; export {export};");
    for (extra, words) in [
        (Extra::SendsAllPaths, " add paths tx;"),
        (Extra::TakesPaths, " add paths rx;"),
        (Extra::ExtendedNextHop, " extended next hop on;"),
    ] {
        if setup.has(extra) {
            channel += words;
        }
    }
    if setup.has(Extra::Bfd) {
        text.push_str("protocol bfd { interface \"*\" { interval 100 ms; multiplier 3; }; }\n");
    }
    if setup.has(Extra::Unnumbered) {
        // It does not look for neighbours, and does not speak of itself either unless it is told to.
        text.push_str(
            "protocol radv { interface \"eth0\" { min ra interval 3; max ra interval 4; }; }\n",
        );
    }
    sources(&mut text, setup);
    for (number, session) in setup.sessions.iter().enumerate() {
        let passive = if setup.opens == Opens::Router {
            "on"
        } else {
            "off"
        };
        let mut channels = String::new();
        if session.carries != Carries::Ipv6 {
            channels += &format!("  ipv4 {{ {channel} }};\n");
        }
        if session.carries != Carries::Ipv4 {
            channels += &format!("  ipv6 {{ {channel} }};\n");
        }
        let manner = match setup.manner {
            Manner::Plain => "",
            Manner::Graceful | Manner::Returned => "graceful restart on;",
            Manner::TwoOctets => "enable as4 off;",
            Manner::ExtendedMessages => "enable extended messages on;",
        };
        let extras = extras(setup);
        write!(
            text,
            "protocol bgp router{number} {{
  local {} as {};
  neighbor {} {};
  {manner}
  {extras}
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

/// Those whose routes it passes on.
fn sources(text: &mut String, setup: &Setup) {
    for (number, source) in setup.sources.iter().enumerate() {
        write!(
            text,
            "protocol bgp source{number} {{
  local as {};
  neighbor {} as {};
  passive on;
  ipv4 {{ import all; export none; }};
}}
",
            setup.asn, source.address, source.asn
        )
        .ok();
    }
}

/// More lines of a session.
fn extras(setup: &Setup) -> String {
    let mut extras = String::new();
    if let Some(key) = setup.password() {
        extras += &format!("password \"{key}\";");
    }
    if setup.has(Extra::TtlSecurity) {
        extras += "ttl security on;";
    }
    if setup.has(Extra::Bfd) {
        extras += "bfd on;";
    }
    if setup.has(Extra::Unnumbered) {
        extras += "interface \"eth0\";";
    }
    extras
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

/// Each value of an attribute, over all the paths of an answer. One that is too long for a line goes on in others,
/// deeper indented.
fn values(answer: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = answer.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.trim().starts_with(name) {
            continue;
        }
        let Some((_, first)) = line.split_once(':') else {
            continue;
        };
        let mut value = first.trim().to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with("\t\t")) {
            value = value + " " + more.trim();
        }
        found.push(value);
    }
    found
}

fn numbers(text: &str) -> Option<Vec<u32>> {
    let words = text.split_whitespace();
    words.map(str::parse).collect::<Result<_, _>>().ok()
}

impl BirdPeer {
    fn show(&self, prefix: &str, which: &str) -> Option<String> {
        self.bird
            .query(&format!("show route {prefix} all {which}"))
            .ok()
    }

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
        let answer = self.show(prefix, "primary")?;
        let value = |name: &str| values(&answer, name).into_iter().next();
        let as_path = value("BGP.as_path")?;
        let next_hop = value("BGP.next_hop")?;
        Some(Route {
            as_path: numbers(&as_path)?,
            // A link-local address may follow the global one.
            next_hop: next_hop.split_whitespace().next()?.parse().ok()?,
            communities: communities(value("BGP.community")),
            large_communities: communities(value("BGP.large_community")),
        })
    }

    fn as_paths(&self, prefix: &str) -> Vec<Vec<u32>> {
        let answer = self.show(prefix, "").unwrap_or_default();
        let all = values(&answer, "BGP.as_path");
        all.iter().filter_map(|path| numbers(path)).collect()
    }

    fn reflected(&self, prefix: &str) -> Option<Reflected> {
        let answer = self.show(prefix, "primary")?;
        let words = |name: &str| -> Vec<String> {
            let all = values(&answer, name);
            let all = all.iter().flat_map(|value| value.split_whitespace());
            all.map(str::to_owned).collect()
        };
        Some(Reflected {
            originator: words("BGP.originator_id").pop()?,
            clusters: words("BGP.cluster_list"),
        })
    }

    fn freeze(&mut self) -> Result<()> {
        self.bird.freeze()
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
