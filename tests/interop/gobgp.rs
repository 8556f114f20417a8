//! GoBGP.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::process::Command;

use anyhow::Result;
use lab::Node;
use lab::config::Carries;
use lab::peer::GoBgp;
use serde_json::Value;

use crate::peer::{Announced, Extra, Manner, Opens, Peer, Reflected, Route, Setup, said};

pub(crate) struct GoBgpPeer {
    gobgp: GoBgp,
    setup: Setup,
}

fn config(setup: &Setup) -> String {
    let mut text = format!(
        "[global.config]\nas = {}\nrouter-id = \"{}\"\n",
        setup.asn, setup.router_id
    );
    let graceful = matches!(setup.manner, Manner::Graceful | Manner::Returned);
    for source in &setup.sources {
        write!(
            text,
            "[[neighbors]]
[neighbors.config]
peer-as = {}
neighbor-address = \"{}\"
[neighbors.transport.config]
passive-mode = true
",
            source.asn, source.address
        )
        .ok();
    }
    let password = setup
        .password()
        .map(|key| format!("auth-password = \"{key}\""))
        .unwrap_or_default();
    for session in &setup.sessions {
        write!(
            text,
            "[[neighbors]]
[neighbors.config]
peer-as = {}
neighbor-address = \"{}\"
{password}
[neighbors.timers.config]
connect-retry = 1
[neighbors.transport.config]
local-address = \"{}\"
passive-mode = {}
[neighbors.graceful-restart.config]
enabled = {graceful}
restart-time = 60
",
            setup.router_as,
            session.router,
            session.local,
            setup.opens == Opens::Router
        )
        .ok();
        if setup.has(Extra::TtlSecurity) {
            text.push_str("[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255\n");
        }
        for (family, other) in [
            ("ipv4-unicast", Carries::Ipv6),
            ("ipv6-unicast", Carries::Ipv4),
        ] {
            if session.carries != other {
                write!(
                    text,
                    "[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = \"{family}\"
[neighbors.afi-safis.mp-graceful-restart.config]
enabled = {graceful}
"
                )
                .ok();
                if setup.has(Extra::SendsAllPaths) {
                    text.push_str("[neighbors.afi-safis.add-paths.config]\nsend-max = 8\n");
                }
                if setup.has(Extra::TakesPaths) {
                    text.push_str("[neighbors.afi-safis.add-paths.config]\nreceive = true\n");
                }
            }
        }
    }
    text
}

impl GoBgpPeer {
    fn add(&self, one: &Announced) -> Result<()> {
        let setup = &self.setup;
        let own = if one.is_ipv6() || setup.has(Extra::ExtendedNextHop) {
            setup.address_v6
        } else {
            setup.address_v4
        };
        let mut attributes = format!("origin igp nexthop {own}");
        for (what, all) in [
            ("community", &one.communities),
            ("large-community", &one.large_communities),
        ] {
            if !all.is_empty() {
                write!(attributes, " {what} {}", all.join(",")).ok();
            }
        }
        self.gobgp.announce(&one.prefix, &attributes)
    }
}

/// The value of an attribute, by its code.
fn attribute(path: &Value, code: u64) -> Option<&Value> {
    let mut all = path["attrs"].as_array()?.iter();
    all.find(|one| one["type"].as_u64() == Some(code))
}

fn as_path(path: &Value) -> Option<Vec<u32>> {
    let segments = attribute(path, 2)?["as_paths"].as_array()?.iter();
    let ases = segments.flat_map(|segment| segment["asns"].as_array().into_iter().flatten());
    Some(
        ases.filter_map(|asn| u32::try_from(asn.as_u64()?).ok())
            .collect(),
    )
}

impl Peer for GoBgpPeer {
    const NAME: &'static str = "GoBGP";

    fn start(node: &Node, setup: &Setup) -> Result<Self> {
        let options: &[&str] = match setup.manner {
            Manner::Returned => &["--graceful-restart"],
            Manner::Plain | Manner::Graceful | Manner::TwoOctets | Manner::ExtendedMessages => &[],
        };
        let peer = Self {
            gobgp: GoBgp::start_with(node, &config(setup), options)?,
            setup: setup.clone(),
        };
        for one in &setup.announced {
            peer.add(one)?;
        }
        Ok(peer)
    }

    fn announce(&mut self, setup: &Setup) -> Result<()> {
        for gone in &self.setup.announced {
            if !setup.announced.contains(gone) {
                self.gobgp.withdraw(&gone.prefix)?;
            }
        }
        for new in &setup.announced {
            if !self.setup.announced.contains(new) {
                self.add(new)?;
            }
        }
        self.setup = setup.clone();
        Ok(())
    }

    fn is_established(&self, router: IpAddr) -> bool {
        self.gobgp
            .is_established(&router.to_string())
            .unwrap_or(false)
    }

    fn route(&self, prefix: &str) -> Option<Route> {
        let paths = self.gobgp.paths(prefix).ok()?;
        let best = paths.first()?;
        let as_path = as_path(best)?;
        let next_hop = attribute(best, 3).or_else(|| attribute(best, 14))?;
        let list = |code: u64, key: &str| {
            let value = attribute(best, code).map(|found| &found[key]);
            value.and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let mut communities: Vec<String> = list(8, "communities")
            .iter()
            .filter_map(Value::as_u64)
            .map(|both| format!("{}:{}", both >> 16, both & 0xffff))
            .collect();
        communities.sort();
        let mut large_communities: Vec<String> = list(32, "value")
            .iter()
            .map(|one| format!("{}:{}:{}", one["ASN"], one["LocalData1"], one["LocalData2"]))
            .collect();
        large_communities.sort();
        Some(Route {
            as_path,
            next_hop: next_hop["nexthop"].as_str()?.parse().ok()?,
            communities,
            large_communities,
        })
    }

    fn as_paths(&self, prefix: &str) -> Vec<Vec<u32>> {
        let paths = self.gobgp.paths(prefix).unwrap_or_default();
        paths.iter().filter_map(as_path).collect()
    }

    fn reflected(&self, prefix: &str) -> Option<Reflected> {
        let best = self.gobgp.paths(prefix).ok()?.into_iter().next()?;
        let clusters = attribute(&best, 10)?["value"].as_array()?.iter();
        Some(Reflected {
            originator: attribute(&best, 9)?["value"].as_str()?.to_owned(),
            clusters: clusters
                .filter_map(|one| Some(one.as_str()?.to_owned()))
                .collect(),
        })
    }

    fn count(&self, ipv6: bool) -> Option<usize> {
        let family = if ipv6 { "ipv6" } else { "ipv4" };
        let all = self.gobgp.json(&["global", "rib", "-a", family]).ok()?;
        all.as_object().map(serde_json::Map::len)
    }

    fn ask_for_routes(&self, router: IpAddr) -> Result<()> {
        let router = router.to_string();
        self.gobgp
            .query(&["neighbor", &router, "softresetin"])
            .map(|_| ())
    }

    fn updates(&self, router: IpAddr) -> Option<u64> {
        let found = self.gobgp.neighbor(&router.to_string()).ok()?;
        found["state"]["messages"]["received"]["update"].as_u64()
    }

    fn kill(&mut self) -> Result<()> {
        self.gobgp.kill()
    }

    fn version(node: &Node) -> Result<String> {
        // "gobgpd version 3.10.0"
        let mut command = Command::new("/usr/bin/gobgpd");
        command.arg("--version");
        Ok(said(&node.output(command)?)?.replace("gobgpd", Self::NAME))
    }
}
