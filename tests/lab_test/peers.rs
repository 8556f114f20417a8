//! Other people's daemons start, talk to each other and stop.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lab::peer::{Bird, ExaBgp, Frr, GoBgp, OpenBgpd};
use lab::topology::Star;
use lab::{Lab, wait};
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(30);

const BIRD: &str = r#"
log stderr all;
router id 10.0.0.1;
protocol device {}
protocol static {
    ipv4;
    route 198.51.100.0/24 blackhole;
}
protocol bgp up1 {
    local 10.0.0.1 as 65001;
    neighbor 10.0.0.2 as 65002;
    connect delay time 1;
    ipv4 { import all; export where source = RTS_STATIC; };
}
"#;

const FRR: &str = "
hostname frr1
log stdout
router bgp 65002
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.0.0.1 remote-as 65001
 neighbor 10.0.0.1 timers connect 1
 address-family ipv4 unicast
  network 203.0.113.0/24
 exit-address-family
";

#[test]
fn bird_and_frr_exchange_routes_and_stop_when_asked() -> Result<()> {
    let mut lab = Lab::new("peers")?;
    let star = Star::build(&mut lab, 1)?;
    let mut bird = Bird::start(&star.router, BIRD)?;
    let mut frr = Frr::start(&star.spokes[0].peer, FRR)?;
    bird.wait_established("up1", DEADLINE)?;
    frr.wait_established("10.0.0.1", DEADLINE)?;

    wait::until("BIRD to have both routes", DEADLINE, || {
        (bird.route_count("master4").ok()? == 2).then_some(())
    });
    let route = wait::until("FRR to have BIRD's route", DEADLINE, || {
        let routes = frr.json("show bgp ipv4 unicast json").ok()?;
        routes
            .get("routes")?
            .get("198.51.100.0/24")?
            .get(0)
            .cloned()
    });
    assert_eq!(route.get("valid"), Some(&Value::Bool(true)), "{route}");

    frr.configure(&[
        "router bgp 65002",
        "address-family ipv4 unicast",
        "no network 203.0.113.0/24",
    ])?;
    wait::until("BIRD to lose FRR's route", DEADLINE, || {
        (bird.route_count("master4").ok()? == 1).then_some(())
    });

    assert!(bird.stop()?.success());
    wait::until("FRR to see BIRD leave", DEADLINE, || {
        (frr.session_state("10.0.0.1").ok()? != "Established").then_some(())
    });
    frr.stop().context("stopping FRR")?;
    Ok(())
}

const GOBGP: &str = r#"
[global.config]
as = 65001
router-id = "10.0.0.1"
[[neighbors]]
[neighbors.config]
peer-as = 65002
neighbor-address = "10.0.0.2"
[[neighbors]]
[neighbors.config]
peer-as = 65003
neighbor-address = "10.0.1.2"
"#;

const OPENBGPD: &str = "
AS 65002
router-id 10.0.0.2
fib-update no
connect-retry 1
network 203.0.113.0/24
neighbor 10.0.0.1 {
    remote-as 65001
}
allow from any
allow to any
";

const EXABGP: &str = "
  router-id 10.0.1.2;
  local-address 10.0.1.2;
  local-as 65003;
  peer-as 65001;
  family { ipv4 unicast; }
";

#[test]
fn gobgp_openbgpd_and_exabgp_exchange_routes_and_stop_when_asked() -> Result<()> {
    let mut lab = Lab::new("morepeers")?;
    let star = Star::build(&mut lab, 2)?;
    let mut gobgp = GoBgp::start(&star.router, GOBGP)?;
    let mut openbgpd = OpenBgpd::start(&star.spokes[0].peer, OPENBGPD)?;
    let mut exabgp = ExaBgp::start(&star.spokes[1].peer, &[("10.0.1.1", EXABGP)])?;
    gobgp.wait_established("10.0.0.2", DEADLINE)?;
    openbgpd.wait_established("10.0.0.1", DEADLINE)?;
    exabgp.wait_established("10.0.1.1", DEADLINE)?;

    gobgp.announce("198.51.100.0/24", "med 7")?;
    exabgp.say("neighbor 10.0.1.1 announce route 192.0.2.0/24 next-hop 10.0.1.2")?;
    for prefix in ["198.51.100.0/24", "192.0.2.0/24"] {
        wait::until(&format!("OpenBGPD to have {prefix}"), DEADLINE, || {
            (openbgpd.paths(prefix).ok()?.len() == 1).then_some(())
        });
    }
    let heard = wait::until("ExaBGP to hear OpenBGPD's route", DEADLINE, || {
        let mut all = exabgp.received().into_iter();
        all.find(|report| report.to_string().contains("203.0.113.0/24"))
    });
    assert_eq!(heard["type"], "update", "{heard}");

    gobgp.withdraw("198.51.100.0/24")?;
    wait::until("OpenBGPD to lose GoBGP's route", DEADLINE, || {
        openbgpd
            .paths("198.51.100.0/24")
            .ok()?
            .is_empty()
            .then_some(())
    });
    exabgp.kill()?;
    wait::until("GoBGP to lose ExaBGP's route", DEADLINE, || {
        gobgp.paths("192.0.2.0/24").ok()?.is_empty().then_some(())
    });
    openbgpd.stop().context("stopping OpenBGPD")?;
    wait::until("GoBGP to see OpenBGPD leave", DEADLINE, || {
        (!gobgp.is_established("10.0.0.2").ok()?).then_some(())
    });
    gobgp.stop().context("stopping GoBGP")?;
    Ok(())
}

#[test]
fn a_wrong_configuration_shows_the_daemons_own_words() -> Result<()> {
    let mut lab = Lab::new("wrong")?;
    let node = lab.node("n1")?;
    let error = Bird::start(&node, "protocol nonsense {}")
        .err()
        .context("BIRD started")?;
    assert!(format!("{error:#}").contains("syntax error"), "{error:#}");
    let error = OpenBgpd::start(&node, "nonsense")
        .err()
        .context("OpenBGPD started")?;
    assert!(format!("{error:#}").contains("syntax error"), "{error:#}");
    let error = GoBgp::start(&node, "[global.config]\nas = \"nonsense\"\n")
        .err()
        .context("GoBGP started")?;
    assert!(format!("{error:#}").contains("cannot parse"), "{error:#}");
    Ok(())
}
