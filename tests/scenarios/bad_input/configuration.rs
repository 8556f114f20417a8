//! Wrong configurations: file, line, column, path, what is wrong, a hint; exit code 2; nothing applied.

use std::process::Command;

use anyhow::Result;
use lab::maps::wait_leads_to;
use lab::topology::Star;
use lab::{Daemon, Lab, daemon};
use serde_json::Value;

use super::{assert_nothing_applied, refused, run_command};
use crate::world::{Packet, World, assert_forwarded};

/// A text, where its mistake is, the path it is at, and what the message must say.
struct Case {
    text: &'static str,
    place: &'static str,
    path: &'static str,
    words: &'static [&'static str],
}

const CASES: [Case; 7] = [
    Case {
        text: "[protocols.bgp]\nsystem-as = 65000\n\n[protocols.bgp\n",
        place: ":4:",
        path: "",
        words: &["error"],
    },
    Case {
        text: "[protocols.bgp]\nsystem-sa = 65000\n",
        place: ":2:1",
        path: "protocols bgp",
        words: &["system-sa", "hint", "system-as"],
    },
    Case {
        text: "[interfaces.ethernet.eth0]\nxdp = \"nativ\"\n",
        place: ":2:7",
        path: "interfaces ethernet eth0 xdp",
        words: &["nativ", "native"],
    },
    Case {
        text: "[protocols.bgp]\nsystem-as = 65000\n[protocols.bgp.neighbor.\"10.0.0.2\"]\npassive = true\n",
        place: ":3:",
        path: "protocols bgp neighbor 10.0.0.2 remote-as",
        words: &["required", "hint"],
    },
    Case {
        text: "[protocols.bgp]\nsystem-as = 65000\ntimers.holdtime = 2\n",
        place: ":3:",
        path: "protocols bgp timers holdtime",
        words: &["2"],
    },
    Case {
        text: "[protocols.bgp]\nsystem-as = 4294967296\n",
        place: ":2:13",
        path: "protocols bgp system-as",
        words: &["4294967296"],
    },
    Case {
        text: "[protocols.static.route.\"203.0.113.0/33\"]\nblackhole = {}\n",
        place: ":1:",
        path: "protocols static route",
        words: &["203.0.113.0/33"],
    },
];

#[test]
fn a_wrong_configuration_is_told_with_its_place_and_nothing_is_applied() -> Result<()> {
    let mut lab = Lab::new("config")?;
    let star = Star::build(&mut lab, 1)?;
    let daemon = Daemon::prepare(&star.router, "")?;
    for case in CASES {
        // The rest of the file is right, and must not be applied either.
        let text = format!(
            "{}\n[interfaces.ethernet.eth9]\nxdp = \"native\"\n",
            case.text
        );
        daemon.write_config(&text)?;
        let file = daemon.config().display().to_string();
        let run = refused(&star.router, run_command(&daemon)?)?;
        let mut check = Command::new(daemon::binary()?);
        check.arg("check").arg("--config").arg(daemon.config());
        let check = refused(&star.router, check)?;
        for outcome in [run, check] {
            let words = &outcome.words;
            assert_eq!(outcome.status.code(), Some(2), "{}: {words}", case.text);
            let place = format!("{file}{}", case.place);
            assert!(words.contains(&place), "no {place} in: {words}");
            assert!(words.contains(case.path), "no {} in: {words}", case.path);
            for part in case.words {
                assert!(words.contains(part), "no {part} in: {words}");
            }
        }
        assert_nothing_applied(&daemon)?;
    }
    Ok(())
}

#[test]
fn programs_read_the_problems_as_json() -> Result<()> {
    let mut lab = Lab::new("json")?;
    let node = lab.node("router")?;
    let text = "[protocols.bgp]\nsystem-as = \"x\"\nnonsense = 1\n";
    let daemon = Daemon::prepare(&node, text)?;
    let mut check = Command::new(daemon::binary()?);
    check
        .args(["check", "--json", "--config"])
        .arg(daemon.config());
    let output = node.output(check)?;
    assert_eq!(output.status.code(), Some(2));
    let problems: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    assert_eq!(problems.len(), 2, "{problems:?}");
    for (problem, line) in problems.iter().zip([2, 3]) {
        assert_eq!(problem["severity"], "error", "{problem}");
        assert_eq!(problem["source"]["line"], line, "{problem}");
        assert!(problem["path"].is_array() && problem["message"].is_string());
    }
    Ok(())
}

#[test]
fn a_configuration_that_is_not_there_is_one_sentence() -> Result<()> {
    let mut lab = Lab::new("nofile")?;
    let node = lab.node("router")?;
    let daemon = Daemon::prepare(&node, "")?;
    std::fs::remove_file(daemon.config())?;
    let outcome = refused(&node, run_command(&daemon)?)?;
    super::assert_sentence(&outcome, &["router.toml", "No such file"]);
    Ok(())
}

#[test]
fn forwarding_goes_on_while_a_wrong_configuration_keeps_the_daemon_from_starting() -> Result<()> {
    let statics = "[protocols.static.route.\"203.0.113.0/24\"]\nnext-hop.\"10.0.1.2\" = {}\n";
    let mut world = World::start("keeps", 2, |config, _| config.with(statics))?;
    wait_leads_to(&world.router, "203.0.113.0/24", &[world.spoke(1)]);
    let right = std::fs::read_to_string(world.router.config())?;
    world.router.stop()?;
    world
        .router
        .write_config("[protocols.bgp]\nsystem-as = -1\n")?;
    let outcome = refused(&world.star.router, run_command(&world.router)?)?;
    assert_eq!(outcome.status.code(), Some(2), "{}", outcome.words);
    let packets: Vec<Packet> = (0..50)
        .map(|number| Packet::new(world.spoke(0), "203.0.113.9", number))
        .collect();
    assert_forwarded(world.spoke(0), world.spoke(1), &packets)?;
    world.router.write_config(&right)?;
    world.router.launch()?;
    world.router.wait_settled();
    assert_forwarded(world.spoke(0), world.spoke(1), &packets)?;
    world.router.assert_accounting();
    Ok(())
}
