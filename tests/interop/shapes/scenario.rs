//! The scenario: who is around the router, and what it is told about them. Spoke 0 and 1 are one provider, spoke 2
//! is internal, spoke 3 is what goes wrong.

use anyhow::Result;
use lab::config::{Carries, Config};
use lab::peer::Bird;
use lab::topology::Star;

pub(super) const SPOKES: u8 = 4;

/// Who counts the prefixes that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    ByUs,
    ByFrr,
}

/// Where a neighbour ends up.
pub(super) struct Row {
    pub(super) family: &'static str,
    pub(super) peer: &'static str,
    pub(super) established: bool,
    pub(super) dropped: u64,
    pub(super) received: u64,
    pub(super) sent_by_us: u64,
    /// FRR sends the provider's own routes back to it.
    pub(super) sent_by_frr: u64,
}

const fn up(
    family: &'static str,
    peer: &'static str,
    received: u64,
    sent_by_us: u64,
    sent_by_frr: u64,
) -> Row {
    Row {
        family,
        peer,
        established: true,
        dropped: 0,
        received,
        sent_by_us,
        sent_by_frr,
    }
}

const fn down(family: &'static str, peer: &'static str, dropped: u64) -> Row {
    Row {
        family,
        peer,
        established: false,
        dropped,
        received: 0,
        sent_by_us: 0,
        sent_by_frr: 0,
    }
}

pub(super) const SUMMARY: [Row; 9] = [
    up("ipv4Unicast", "10.0.0.2", 2, 2, 3),
    up("ipv4Unicast", "10.0.1.2", 2, 3, 3),
    up("ipv4Unicast", "10.0.2.2", 2, 3, 3),
    down("ipv4Unicast", "10.0.3.2", 0),
    down("ipv4Unicast", "10.0.3.3", 0),
    down("ipv4Unicast", "10.0.3.4", 0),
    down("ipv4Unicast", "10.0.3.5", 0),
    up("ipv6Unicast", "fd00::2", 1, 1, 2),
    down("ipv6Unicast", "fd00:0:0:3::2", 1),
];

pub(super) fn ours() -> String {
    let spoke = |text: &str| text.parse::<std::net::IpAddr>().unwrap();
    Config::new(65000, "10.255.0.1")
        .ports(usize::from(SPOKES))
        .parameter("network-import-check = false")
        .network("10.100.0.0/16")
        .network("2001:db8:51::/48")
        .neighbor_with(
            spoke("10.0.0.2"),
            65001,
            Carries::Ipv4,
            "description = \"transit A\"",
        )
        .neighbor(spoke("10.0.1.2"), 65001, Carries::Ipv4)
        .neighbor(spoke("10.0.2.2"), 65000, Carries::Ipv4)
        .neighbor(spoke("10.0.3.2"), 65013, Carries::Ipv4)
        .neighbor_with(spoke("10.0.3.3"), 65010, Carries::Ipv4, "ebgp-multihop = 3")
        .neighbor_with(spoke("10.0.3.4"), 65011, Carries::Ipv4, "shutdown = true")
        .neighbor_with(spoke("10.0.3.5"), 65012, Carries::Ipv4, "passive = true")
        .neighbor(spoke("fd00::2"), 65001, Carries::Ipv6)
        .neighbor(spoke("fd00:0:0:3::2"), 65003, Carries::Ipv6)
        .with("[system]\nhost-name = \"router\"")
        .text()
}

pub(super) fn frr() -> String {
    let mut text = "hostname router
log stdout
router bgp 65000
 bgp router-id 10.255.0.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 bgp graceful-restart
 timers bgp 30 90
 neighbor 10.0.0.2 remote-as 65001
 neighbor 10.0.0.2 description transit A
 neighbor 10.0.1.2 remote-as 65001
 neighbor 10.0.2.2 remote-as 65000
 neighbor 10.0.3.2 remote-as 65013
 neighbor 10.0.3.3 remote-as 65010
 neighbor 10.0.3.3 ebgp-multihop 3
 neighbor 10.0.3.4 remote-as 65011
 neighbor 10.0.3.4 shutdown
 neighbor 10.0.3.5 remote-as 65012
 neighbor 10.0.3.5 passive
 neighbor fd00::2 remote-as 65001
 neighbor fd00:0:0:3::2 remote-as 65003
"
    .to_owned();
    for row in &SUMMARY {
        text += &format!(" neighbor {} timers connect 1\n", row.peer);
    }
    for (family, key, network) in [
        ("ipv4", "ipv4Unicast", "10.100.0.0/16"),
        ("ipv6", "ipv6Unicast", "2001:db8:51::/48"),
    ] {
        text += &format!(" address-family {family} unicast\n  network {network}\n");
        for row in SUMMARY.iter().filter(|row| row.family == key) {
            text += &format!("  neighbor {} activate\n", row.peer);
        }
        text += " exit-address-family\n";
    }
    text
}

pub(super) fn without_policy_ours() -> String {
    let provider = std::net::Ipv4Addr::new(10, 0, 0, 2);
    Config::new(65000, "10.255.0.1")
        .ports(1)
        .policy_required()
        .neighbor(provider, 65001, Carries::Ipv4)
        .text()
}

pub(super) fn without_policy_frr() -> String {
    "hostname router
log stdout
router bgp 65000
 bgp router-id 10.255.0.1
 bgp graceful-restart
 timers bgp 30 90
 neighbor 10.0.0.2 remote-as 65001
 neighbor 10.0.0.2 timers connect 1
"
    .to_owned()
}

/// The BIRD on spoke 0 alone.
pub(super) fn provider(star: &Star) -> Result<Bird> {
    let router_id = "router id 10.255.1.0;\n".to_owned();
    Bird::start(&star.spokes[0].peer, &(router_id + COMMON + BIRDS[0]))
}

/// BIRDs on the spokes. They wait for the router to dial: connections that cross would leave their marks.
pub(super) struct Peers {
    birds: Vec<Bird>,
}

/// Text for our operator.
const FISHING: &str = "gone fishing";

impl Peers {
    pub(super) fn start(star: &Star) -> Result<Self> {
        let birds = star.spokes.iter().zip(BIRDS).map(|(spoke, config)| {
            let router_id = format!("router id 10.255.1.{};\n", spoke.number);
            Bird::start(&spoke.peer, &(router_id + COMMON + config))
        });
        Ok(Self {
            birds: birds.collect::<Result<_>>()?,
        })
    }

    /// Ends the IPv6 session of spoke 3, and says why (RFC 9003).
    pub(super) fn go_fishing(&self) -> Result<()> {
        let answer = self.birds[3].query(&format!("disable r6 \"{FISHING}\""))?;
        assert!(answer.contains("disabled"), "{answer}");
        Ok(())
    }
}

const COMMON: &str = "log stderr all;
protocol device { scan time 1; }
template bgp waits { passive on; }
";

/// MED stands first: BIRD 2.0.12 forgets one that follows an extended community.
const BIRDS: [&str; 4] = [
    "protocol static v4 { ipv4;
  route 203.0.113.0/24 blackhole { bgp_med = 10; bgp_community.add((65001,100)); bgp_community.add((65535,65281));
    bgp_large_community.add((65001,1,2)); bgp_ext_community.add((rt,65001,7)); };
  route 198.51.100.0/24 blackhole { bgp_med = 20; };
  route 192.0.2.128/25 blackhole { bgp_path.prepend(65000); };
}
protocol static v6 { ipv6; route 2001:db8:1::/48 blackhole { bgp_large_community.add((65001,1,2)); }; }
protocol bgp r4 from waits { local as 65001; neighbor 10.0.0.1 as 65000; hold time 30; advertise hostname on;
  graceful restart on; ipv4 { import all; export where source = RTS_STATIC; }; }
protocol bgp r6 from waits { local as 65001; neighbor fd00::1 as 65000;
  ipv6 { import all; export where source = RTS_STATIC; }; }
",
    "protocol static v4 { ipv4;
  route 203.0.113.0/24 blackhole { bgp_med = 10; bgp_community.add((65001,100)); bgp_community.add((65535,65281));
    bgp_large_community.add((65001,1,2)); bgp_ext_community.add((rt,65001,7)); };
  route 198.51.100.0/24 blackhole { bgp_med = 30; };
}
protocol bgp r4 from waits { local as 65001; neighbor 10.0.1.1 as 65000;
  ipv4 { import all; export where source = RTS_STATIC; }; }
",
    "protocol static v4 { ipv4;
  route 172.16.0.0/16 blackhole { bgp_local_pref = 150; };
  route 203.0.113.0/24 blackhole { bgp_path.prepend(65009); bgp_path.prepend(65008); bgp_path.prepend(65007); };
}
protocol bgp r4 from waits { local as 65000; neighbor 10.0.2.1 as 65000;
  ipv4 { import all; export where source = RTS_STATIC; }; }
",
    // The router expects another AS over IPv4.
    "protocol bgp r4 from waits { local as 65003; neighbor 10.0.3.1 as 65000; ipv4 { import all; export all; }; }
protocol bgp r6 from waits { local as 65003; neighbor fd00:0:0:3::1 as 65000; ipv6 { import all; export all; }; }
",
];
