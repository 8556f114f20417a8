//! A host that cannot carry the router as it is: one sentence each, and what to do about it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::Result;
use lab::config::Config;
use lab::topology::Star;
use lab::{Daemon, Lab, daemon};

use super::{assert_nothing_applied, assert_sentence, refused, run_command};
use crate::world::{Carries, World, neighbors, speaker};

/// A star of one spoke, and a daemon that is not started.
struct Bench {
    daemon: Daemon,
    star: Star,
    _lab: Lab,
}

fn bench(name: &str, config: &str) -> Result<Bench> {
    let mut lab = Lab::new(name)?;
    let star = Star::build(&mut lab, 1)?;
    let daemon = Daemon::prepare(&star.router, config)?;
    Ok(Bench {
        daemon,
        star,
        _lab: lab,
    })
}

fn bgp() -> Config {
    Config::new(65000, "10.255.0.1").neighbor([10, 0, 0, 2], 65001, Carries::Ipv4)
}

const XDP: &str = "[interfaces.ethernet.eth0]\nxdp = \"native\"\n";

#[test]
fn an_interface_that_does_not_exist_is_named_with_those_that_do() -> Result<()> {
    let text = format!("{XDP}[interfaces.ethernet.eth9]\nxdp = \"native\"\n");
    let bench = bench("nointerface", &text)?;
    let outcome = refused(&bench.star.router, run_command(&bench.daemon)?)?;
    assert_sentence(&outcome, &["eth9", "no such interface", "eth0"]);
    assert_nothing_applied(&bench.daemon)
}

#[test]
fn a_taken_bgp_port_is_told_with_what_to_do() -> Result<()> {
    let bench = bench("port179", &bgp().ports(1).text())?;
    let taken = bench.star.router.run(|| TcpListener::bind("0.0.0.0:179"))?;
    let outcome = refused(&bench.star.router, run_command(&bench.daemon)?)?;
    assert_sentence(
        &outcome,
        &["0.0.0.0:179", "another BGP speaker", "listen port"],
    );
    assert_nothing_applied(&bench.daemon)?;
    drop(taken);
    Ok(())
}

#[test]
fn a_pin_directory_elsewhere_is_refused_with_what_to_do() -> Result<()> {
    let bench = bench("nobpffs", XDP)?;
    let mut command = Command::new(daemon::binary()?);
    let directory = bench.star.router.directory().join("pins");
    command
        .arg("run")
        .arg("--config")
        .arg(bench.daemon.config())
        .arg("--socket")
        .arg(bench.daemon.socket())
        .arg("--bpffs")
        .arg(&directory);
    let outcome = refused(&bench.star.router, command)?;
    assert_sentence(&outcome, &["not on a BPF file system", "mount -t bpf"]);
    assert_nothing_applied(&bench.daemon)
}

#[test]
fn native_xdp_that_the_driver_lacks_is_refused_and_never_replaced() -> Result<()> {
    let text = format!("{XDP}[interfaces.ethernet.virtual0]\nxdp = \"native\"\n");
    let bench = bench("nonative", &text)?;
    // macvlan has no XDP in its driver.
    let mut add = Command::new("ip");
    add.args([
        "link", "add", "link", "eth0", "name", "virtual0", "type", "macvlan",
    ]);
    assert!(bench.star.router.output(add)?.status.success());
    let outcome = refused(&bench.star.router, run_command(&bench.daemon)?)?;
    assert_sentence(&outcome, &["virtual0", "native XDP", "generic"]);
    // The first interface was attached already, and is not any more.
    assert_nothing_applied(&bench.daemon)
}

#[test]
fn an_interface_of_another_router_is_refused_in_either_mode() -> Result<()> {
    let world = World::start("busy", 1, |config, _| config)?;
    for mode in ["native", "generic"] {
        let other = world.star.router.directory().join("other");
        fs::create_dir_all(&other)?;
        let config = other.join("router.toml");
        fs::write(
            &config,
            format!("[interfaces.ethernet.eth0]\nxdp = \"{mode}\"\n"),
        )?;
        let bpffs = world
            .router
            .bpffs()
            .with_extension("")
            .display()
            .to_string()
            + "-other";
        let mut command = Command::new(daemon::binary()?);
        command
            .arg("run")
            .arg("--config")
            .arg(&config)
            .arg("--socket")
            .arg(other.join("router.sock"))
            .arg("--bpffs")
            .arg(&bpffs);
        let outcome = refused(&world.star.router, command)?;
        assert_sentence(&outcome, &["eth0", "another router", "unload"]);
        let left = std::path::Path::new(&bpffs).exists();
        assert!(!left, "{bpffs} is left");
    }
    world.router.wait_attached(&["eth0"]);
    world.router.assert_accounting();
    Ok(())
}

#[test]
fn a_second_router_on_the_same_socket_or_pins_is_refused() -> Result<()> {
    let world = World::start("second", 1, neighbors)?;
    let speaker = speaker(world.spoke(0));
    speaker.wait_up();
    let outcome = refused(&world.star.router, run_command(&world.router)?)?;
    assert_sentence(&outcome, &["router.sock", "another router", "--socket"]);

    let other = world.star.router.directory().join("other.toml");
    fs::write(&other, XDP)?;
    let mut command = Command::new(daemon::binary()?);
    command
        .arg("run")
        .arg("--config")
        .arg(&other)
        .arg("--socket")
        .arg(world.star.router.directory().join("other.sock"))
        .arg("--bpffs")
        .arg(world.router.bpffs());
    let outcome = refused(&world.star.router, command)?;
    assert_sentence(&outcome, &["another router-ctl runs on", "--bpffs"]);

    assert_eq!(speaker.sessions(), 1, "the first router's session suffered");
    world.router.wait_established(world.spoke(0).peer_v4());
    world.router.assert_accounting();
    Ok(())
}

#[test]
fn without_capabilities_the_right_is_named() -> Result<()> {
    for (name, config, wanted) in [
        ("nocaps-bgp", bgp().ports(1).text(), "CAP_NET_BIND_SERVICE"),
        ("nocaps-fast", XDP.to_owned(), "CAP_BPF"),
    ] {
        let bench = bench(name, &config)?;
        let inner = run_command(&bench.daemon)?;
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all"]);
        command.arg(inner.get_program()).args(inner.get_args());
        let outcome = refused(&bench.star.router, command)?;
        assert_sentence(&outcome, &["root", wanted]);
        assert_nothing_applied(&bench.daemon)?;
    }
    Ok(())
}

#[test]
fn an_ordinary_user_is_told_to_be_root() -> Result<()> {
    let bench = bench("nobody", XDP)?;
    // Where anybody may read and run it.
    let place = tempfile::tempdir()?;
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755))?;
    let (program, config) = (
        place.path().join("router-ctl"),
        place.path().join("router.toml"),
    );
    fs::copy(daemon::binary()?, &program)?;
    fs::copy(bench.daemon.config(), &config)?;
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=-all",
        ])
        .arg(&program)
        .arg("run")
        .arg("--config")
        .arg(&config)
        .arg("--socket")
        .arg(place.path().join("router.sock"))
        .arg("--bpffs")
        .arg(bench.daemon.bpffs());
    let outcome = refused(&bench.star.router, command)?;
    assert_sentence(&outcome, &["run as root", "CAP_BPF"]);
    assert_nothing_applied(&bench.daemon)
}

#[test]
fn a_question_without_a_daemon_says_that_nobody_answers() -> Result<()> {
    let bench = bench("nodaemon", "")?;
    let output = bench.daemon.command(&["show", "bgp", "summary"])?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{words}");
    let socket = bench.daemon.socket().display().to_string();
    assert!(words.contains(&socket), "{words}");
    assert_eq!(words.lines().count(), 1, "{words}");
    Ok(())
}
