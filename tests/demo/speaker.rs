//! The neighbours' BGP speakers: our own router without an interface to forward on, BIRD or FRR. All announce the
//! same, over one session for each family.

use anyhow::{Context as _, Result};
use lab::peer::{Bird, Frr};
use lab::{Daemon, Node};

use crate::flows::CUSTOMERS;
use crate::network::{Network, ROUTER_AS, Role, SERVICE_V4, SERVICE_V6, Target};
use crate::router::Inquirer;

const ESTABLISHED: &str = "Established";

/// Prefixes that both upstreams announce.
const SHARED_V4: u16 = 2000;
const SHARED_V6: u16 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Implementation {
    /// The router's own speaker
    #[value(name = "self")]
    Own,
    /// BIRD 2
    Bird,
    /// FRR
    Frr,
}

impl Implementation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Bird => "bird",
            Self::Frr => "frr",
        }
    }
}

/// What one neighbour announces.
pub(crate) struct Announced {
    pub(crate) v4: Vec<String>,
    pub(crate) v6: Vec<String>,
}

impl Announced {
    pub(crate) fn by(target: Target) -> Self {
        match target.role() {
            Role::Anycast => Self {
                v4: vec![format!("{SERVICE_V4}/32")],
                v6: vec![format!("{SERVICE_V6}/128")],
            },
            Role::Upstream => {
                let mut announced = Self {
                    v4: vec!["0.0.0.0/0".to_owned()],
                    v6: vec!["::/0".to_owned()],
                };
                let shared = (0..SHARED_V4).map(|number| {
                    let [high, low] = number.to_be_bytes();
                    format!("100.{}.{low}.0/24", 64 + high)
                });
                announced.v4.extend(shared);
                let shared =
                    (0..SHARED_V6).map(|number| format!("2001:db8:{:x}::/48", 0x1000 + number));
                announced.v6.extend(shared);
                if target == Target::UP2 {
                    announced.v4.extend(CUSTOMERS.map(str::to_owned));
                }
                announced
            }
        }
    }
}

pub(crate) struct Speaker {
    target: Target,
    node: Node,
    implementation: Implementation,
    running: Option<Running>,
}

enum Running {
    Own(Daemon),
    Bird(Bird),
    Frr(Frr),
}

impl Speaker {
    pub(crate) fn new(network: &Network, target: Target, implementation: Implementation) -> Self {
        Self {
            target,
            node: network.link(target).node.clone(),
            implementation,
            running: None,
        }
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        let announced = Announced::by(self.target);
        let running = match self.implementation {
            Implementation::Own => Running::Own(Daemon::start(
                &self.node,
                &own_config(self.target, &announced),
            )?),
            Implementation::Bird => Running::Bird(Bird::start(
                &self.node,
                &bird_config(self.target, &announced),
            )?),
            Implementation::Frr => Running::Frr(Frr::start(
                &self.node,
                &frr_config(self.target, &announced),
            )?),
        };
        self.running = Some(running);
        Ok(())
    }

    /// As an operator stops it. The node itself stays.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let mut running = self.running.take();
        let running = running
            .as_mut()
            .with_context(|| format!("{}'s speaker is not running", self.target.name()))?;
        match running {
            Running::Own(daemon) => daemon.stop(),
            Running::Bird(bird) => bird.stop(),
            Running::Frr(frr) => frr.stop(),
        }
        .map(|_| ())
        .with_context(|| format!("stopping {}'s speaker", self.target.name()))
    }

    /// Whether it says itself that both its sessions are up.
    pub(crate) fn is_established(&self) -> Result<bool> {
        let (router_v4, router_v6) = (self.target.router_v4(), self.target.router_v6());
        let both = |state: &dyn Fn(&str) -> Result<String>, names: [&str; 2]| -> Result<bool> {
            Ok(state(names[0])? == ESTABLISHED && state(names[1])? == ESTABLISHED)
        };
        match &self.running {
            None => Ok(false),
            Some(Running::Own(daemon)) => Ok(Inquirer::of(daemon)?.sessions()?.all_established()),
            Some(Running::Bird(bird)) => {
                both(&|name| bird.session_state(name), ["router4", "router6"])
            }
            Some(Running::Frr(frr)) => {
                let names = [router_v4.to_string(), router_v6.to_string()];
                both(&|name| frr.session_state(name), [&names[0], &names[1]])
            }
        }
    }

    /// How to ask it, for people.
    pub(crate) fn how_to_ask(&self, router_ctl: &str) -> String {
        let directory = self.node.directory().display();
        match self.implementation {
            Implementation::Own => {
                format!("{router_ctl} show bgp summary --socket {directory}/router.sock")
            }
            Implementation::Bird => format!("birdc -s {directory}/bird.ctl show protocols"),
            Implementation::Frr => {
                format!("vtysh --vty_socket {directory}/frr -c 'show bgp summary'")
            }
        }
    }
}

/// A stopped speaker's routes are kept for the restart time, one second, because it may come back.
fn own_config(target: Target, announced: &Announced) -> String {
    let networks = |prefixes: &[String]| -> String {
        let line = |prefix| format!("network.\"{prefix}\" = {{}}\n");
        prefixes.iter().map(line).collect()
    };
    format!(
        r#"
[protocols.bgp]
system-as = {asn}
timers.connect = 1

[protocols.bgp.parameters]
router-id = "{id}"
ebgp-requires-policy = false
network-import-check = false
graceful-restart.restart-time = 1

[protocols.bgp.address-family.ipv4-unicast]
{networks_v4}
[protocols.bgp.address-family.ipv6-unicast]
{networks_v6}
[protocols.bgp.neighbor."{router_v4}"]
remote-as = {ROUTER_AS}
[protocols.bgp.neighbor."{router_v4}".address-family.ipv4-unicast]
maximum-prefix = 1000000

[protocols.bgp.neighbor."{router_v6}"]
remote-as = {ROUTER_AS}
[protocols.bgp.neighbor."{router_v6}".address-family.ipv6-unicast]
maximum-prefix = 1000000
"#,
        asn = target.asn(),
        id = target.v4(),
        networks_v4 = networks(&announced.v4),
        networks_v6 = networks(&announced.v6),
        router_v4 = target.router_v4(),
        router_v6 = target.router_v6(),
    )
}

fn bird_config(target: Target, announced: &Announced) -> String {
    let routes = |prefixes: &[String]| -> String {
        let line = |prefix| format!("    route {prefix} blackhole;\n");
        prefixes.iter().map(line).collect()
    };
    let session = |name: &str, family: &str, local: &str, router: &str| {
        format!(
            "protocol bgp {name} {{
    local {local} as {asn};
    neighbor {router} as {ROUTER_AS};
    connect delay time 1;
    connect retry time 1;
    error wait time 1, 1;
    {family} {{ import all; export where source = RTS_STATIC; }};
}}
",
            asn = target.asn()
        )
    };
    format!(
        "log stderr all;
router id {id};
protocol device {{}}
protocol static static4 {{
    ipv4;
{routes_v4}}}
protocol static static6 {{
    ipv6;
{routes_v6}}}
{session_v4}{session_v6}",
        id = target.v4(),
        routes_v4 = routes(&announced.v4),
        routes_v6 = routes(&announced.v6),
        session_v4 = session(
            "router4",
            "ipv4",
            &target.v4().to_string(),
            &target.router_v4().to_string()
        ),
        session_v6 = session(
            "router6",
            "ipv6",
            &target.v6().to_string(),
            &target.router_v6().to_string()
        ),
    )
}

/// Nothing is installed in the node's kernel, which would answer the traffic if it knew a way back.
fn frr_config(target: Target, announced: &Announced) -> String {
    let networks = |prefixes: &[String]| -> String {
        let line = |prefix| format!("  network {prefix}\n");
        prefixes.iter().map(line).collect()
    };
    format!(
        "hostname {name}
log stdout
route-map NOTHING deny 1
router bgp {asn}
 bgp router-id {id}
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 neighbor {router_v4} remote-as {ROUTER_AS}
 neighbor {router_v4} timers connect 1
 neighbor {router_v6} remote-as {ROUTER_AS}
 neighbor {router_v6} timers connect 1
 address-family ipv4 unicast
  table-map NOTHING
  neighbor {router_v4} activate
{networks_v4} exit-address-family
 address-family ipv6 unicast
  table-map NOTHING
  neighbor {router_v6} activate
{networks_v6} exit-address-family
",
        name = target.name(),
        asn = target.asn(),
        id = target.v4(),
        router_v4 = target.router_v4(),
        router_v6 = target.router_v6(),
        networks_v4 = networks(&announced.v4),
        networks_v6 = networks(&announced.v6),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_configurations_have_no_problem() {
        for target in Target::all() {
            let text = own_config(target, &Announced::by(target));
            let (_, problems) = router_ctl::config::toml::parse(&text).unwrap();
            assert!(problems.is_empty(), "{problems:?}");
        }
    }
}
