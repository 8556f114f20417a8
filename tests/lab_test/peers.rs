//! BIRD and FRR start, talk to each other and stop.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lab::peer::{Bird, Frr};
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

#[test]
fn a_wrong_configuration_shows_the_daemons_own_words() -> Result<()> {
    let mut lab = Lab::new("wrong")?;
    let node = lab.node("n1")?;
    let error = Bird::start(&node, "protocol nonsense {}")
        .err()
        .context("BIRD started")?;
    assert!(format!("{error:#}").contains("syntax error"), "{error:#}");
    Ok(())
}
