//! Configurations of our router for star-shaped labs, put together from what a test wants.

use std::fmt::Write as _;
use std::net::IpAddr;

/// A configuration in the making. Timers are short, RFC 8212 is off.
#[derive(Clone, Debug)]
pub struct Config {
    asn: u32,
    router_id: String,
    interfaces: Vec<String>,
    requires_policy: bool,
    parameters: String,
    networks: [Vec<String>; 2],
    neighbors: String,
    rest: String,
}

/// What a session carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    Ipv4,
    Ipv6,
    Both,
}

impl Config {
    pub fn new(asn: u32, router_id: &str) -> Self {
        Self {
            asn,
            router_id: router_id.to_owned(),
            interfaces: Vec::new(),
            requires_policy: false,
            parameters: String::new(),
            networks: [Vec::new(), Vec::new()],
            neighbors: String::new(),
            rest: String::new(),
        }
    }

    /// XDP on `eth0` to `eth<count - 1>`.
    pub fn ports(mut self, count: usize) -> Self {
        self.interfaces = (0..count).map(|number| format!("eth{number}")).collect();
        self
    }

    /// A line below `[protocols.bgp.parameters]`.
    pub fn parameter(mut self, line: &str) -> Self {
        self.parameters.push_str(line);
        self.parameters.push('\n');
        self
    }

    /// RFC 8212, which is the router's default.
    pub fn policy_required(self) -> Self {
        Self {
            requires_policy: true,
            ..self
        }
    }

    pub fn network(mut self, prefix: &str) -> Self {
        let [v4, v6] = &mut self.networks;
        if prefix.contains(':') {
            v6.push(prefix.to_owned());
        } else {
            v4.push(prefix.to_owned());
        }
        self
    }

    pub fn neighbor(self, address: impl Into<IpAddr>, asn: u32, carries: Carries) -> Self {
        self.neighbor_with(address, asn, carries, "")
    }

    /// `lines` stand below `[protocols.bgp.neighbor."…"]`.
    pub fn neighbor_with(
        mut self,
        address: impl Into<IpAddr>,
        asn: u32,
        carries: Carries,
        lines: &str,
    ) -> Self {
        let table = self.begin_neighbor(address.into(), asn, lines);
        for (family, other) in [
            ("ipv4-unicast", Carries::Ipv6),
            ("ipv6-unicast", Carries::Ipv4),
        ] {
            if carries != other {
                self.neighbors += &format!("[{table}.address-family.{family}]\n");
            }
        }
        self
    }

    /// IPv4 routes alone; `exchange` stands below their address family.
    pub fn neighbor_exchanging(
        mut self,
        address: impl Into<IpAddr>,
        asn: u32,
        lines: &str,
        exchange: &str,
    ) -> Self {
        let table = self.begin_neighbor(address.into(), asn, lines);
        self.neighbors += &format!("[{table}.address-family.ipv4-unicast]\n{exchange}\n");
        self
    }

    /// Returns the name of its table.
    fn begin_neighbor(&mut self, address: IpAddr, asn: u32, lines: &str) -> String {
        let table = format!("protocols.bgp.neighbor.\"{address}\"");
        self.neighbors += &format!("\n[{table}]\nremote-as = {asn}\n{lines}\n");
        table
    }

    /// More tables, as they are.
    pub fn with(mut self, text: &str) -> Self {
        self.rest.push_str(text);
        self.rest.push('\n');
        self
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for interface in &self.interfaces {
            write!(
                text,
                "[interfaces.ethernet.{interface}]\nxdp = \"native\"\n"
            )
            .ok();
        }
        write!(
            text,
            "
[protocols.bgp]
system-as = {}
timers.connect = 1
[protocols.bgp.parameters]
router-id = \"{}\"
ebgp-requires-policy = {}
{}",
            self.asn, self.router_id, self.requires_policy, self.parameters
        )
        .ok();
        for (family, networks) in ["ipv4-unicast", "ipv6-unicast"].iter().zip(&self.networks) {
            writeln!(text, "[protocols.bgp.address-family.{family}]").ok();
            for prefix in networks {
                writeln!(text, "network.\"{prefix}\" = {{}}").ok();
            }
        }
        text + &self.neighbors + &self.rest
    }
}
