use std::path::Path;

use clap::Parser;

use crate::api::Phase;
use crate::api::tests::fixture::{Fake, Server};
use crate::cli::args::{Cli, Command};
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::Style;
use crate::cli::{check, explain, reset, show, stats};
use crate::config::toml;

/// What a command prints on 80 columns without colour.
fn run(socket: &Path, line: &str) -> (String, Result<(), Failure>) {
    let mut out = Vec::new();
    let cli = Cli::try_parse_from(std::iter::once("router-ctl").chain(line.split(' '))).unwrap();
    let client = Client::new(socket).unwrap();
    let style = Style::plain(80);
    let outcome = match &cli.command {
        Command::Show(command) => show::show(&client, command, &mut out, style),
        Command::Stats(command) => {
            let screen = stats::Screen {
                style,
                clear: false,
            };
            stats::stats(&client, command, &mut out, screen)
        }
        Command::Reset(command) => reset::reset(&client, command, &mut out),
        Command::Explain(command) => explain::explain(&client, command, &mut out, style),
        Command::Run(_) | Command::Check(_) | Command::Unload(_) | Command::Completions { .. } => {
            panic!("{line} asks no router")
        }
    };
    (String::from_utf8(out).unwrap(), outcome)
}

/// Commands whose output is kept in `tests/snapshots`. `WRITE_SNAPSHOTS=1` writes them again.
const SNAPSHOTS: [(&str, &str); 20] = [
    (
        "bgp-filtered-routes",
        "show bgp neighbors 10.0.0.2 filtered-routes",
    ),
    ("bgp-summary", "show bgp summary"),
    ("bgp-ipv6-summary", "show bgp ipv6 summary"),
    ("bgp-neighbor", "show bgp neighbors 10.0.0.2"),
    ("bgp-neighbors", "show bgp neighbors"),
    ("bgp-ipv4", "show bgp ipv4"),
    ("bgp-ipv4-longer", "show bgp ipv4 198.51.100.0/24 --longer"),
    ("bgp-ipv6", "show bgp ipv6"),
    ("bgp-ipv4-prefix", "show bgp ipv4 198.51.100.0/24"),
    ("bgp-ipv4-own", "show bgp ipv4 203.0.113.0/24"),
    ("route", "show route"),
    ("route-ipv6", "show route -6"),
    ("route-prefix", "show route 198.51.100.7"),
    ("interfaces", "show interfaces"),
    ("fib", "show fib"),
    ("accounting", "show dataplane accounting"),
    ("drops", "show drops"),
    ("bfd-peers", "show bfd peers"),
    ("startup", "show system startup"),
    ("version", "show version"),
];

#[test]
fn tables_look_as_they_should() {
    let server = Server::start(Fake::default());
    for (name, line) in SNAPSHOTS {
        let (printed, outcome) = run(&server.socket, line);
        outcome.unwrap();
        compare(name, &printed);
    }
}

/// Rates depend on how long the reading took; the interval of nothing leaves them out.
#[test]
fn stats_look_as_they_should() {
    let server = Server::start(Fake::default());
    for (name, line) in [
        ("stats", "stats --interval 0 --sort bytes"),
        ("stats-top", "stats --interval 0 --sort prefix --top 2 -4"),
        ("stats-csv", "stats --interval 0 --sort pkts --csv"),
    ] {
        let (printed, outcome) = run(&server.socket, line);
        outcome.unwrap();
        compare(name, &printed);
    }
}

fn compare(name: &str, printed: &str) {
    let path = format!(
        "{}/src/cli/tests/snapshots/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("WRITE_SNAPSHOTS").is_some() {
        std::fs::write(&path, printed).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        printed, kept,
        "{path} differs; WRITE_SNAPSHOTS=1 writes it again"
    );
    for line in printed.lines() {
        assert!(
            line.chars().count() <= 80 || name.ends_with("csv"),
            "{name} is too wide: {line}"
        );
        assert_eq!(
            line,
            line.trim_end(),
            "{name} has blanks at the end of a line"
        );
    }
}

#[test]
fn json_is_the_body_of_the_answer() {
    let server = Server::start(Fake::default());
    for (line, path) in [
        ("show bgp summary", "/bgp/summary"),
        ("show bgp neighbors", "/bgp/neighbors"),
        ("show bgp neighbors node-a", "/bgp/neighbors/node-a"),
        ("show bgp ipv4", "/bgp/ipv4/routes"),
        (
            "show bgp ipv6 2001:db8:1234:5678::/64",
            "/bgp/ipv6/routes/2001:db8:1234:5678::/64",
        ),
        (
            "show bgp ipv4 198.51.100.0/24 --longer",
            "/bgp/ipv4/routes/198.51.100.0/24?longer=true",
        ),
        ("show route", "/routes/ipv4"),
        ("show route -6", "/routes/ipv6"),
        ("show route 198.51.100.7", "/routes/ipv4/198.51.100.7"),
        ("show interfaces", "/interfaces"),
        ("show fib", "/fib"),
        ("show dataplane accounting", "/dataplane/accounting"),
        ("show drops", "/dataplane/accounting"),
        ("show bfd peers", "/bfd/peers"),
        ("show system startup", "/system/startup"),
        ("show version", "/version"),
        (
            "stats --interval 0 --top 3",
            "/stats/prefixes?top=3&sort=bps&interval=0ms",
        ),
    ] {
        let (printed, outcome) = run(&server.socket, &format!("{line} --json"));
        outcome.unwrap();
        let client = Client::new(&server.socket).unwrap();
        let body = client.get(path).unwrap().bytes().unwrap();
        assert_eq!(
            printed,
            format!("{}\n", String::from_utf8(body).unwrap()),
            "{line}"
        );
    }
}

/// The exit code and the sentence of a command that fails.
fn failure(socket: &Path, line: &str) -> String {
    let (_, outcome) = run(socket, line);
    let failure = outcome.unwrap_err();
    format!(
        "{:?} {}",
        failure.exit_code(),
        failure.message().unwrap_or("-")
    )
}

#[test]
fn failures_have_a_code_and_a_sentence() {
    let server = Server::start(Fake::default());
    let code = |code: u8| format!("{:?}", std::process::ExitCode::from(code));
    for (line, exit, sentence) in [
        (
            "show bgp ipv4 192.0.2.0/25",
            1,
            "192.0.2.0/25 is not in the BGP table",
        ),
        ("show bgp ipv4 192.0.2.0/25 --json", 1, "-"),
        (
            "show bgp ipv4 ::/0",
            2,
            "::/0 is not ipv4; try show bgp ipv6 ::/0",
        ),
        (
            "show bgp neighbors 10.0.0.99",
            1,
            "no such neighbor: 10.0.0.99",
        ),
        (
            "show bgp neighbors node",
            2,
            "more than one neighbor begins with \"node\"",
        ),
        (
            "show route 2001:db8:ffff::",
            1,
            "no route to 2001:db8:ffff::",
        ),
        ("stats --top 0", 2, "top 0 is outside of 1–100000"),
        (
            "stats --interval 61s",
            2,
            "interval \"61000ms\": 0–60 s, like 1s, 500ms or 2.5",
        ),
    ] {
        assert_eq!(
            failure(&server.socket, line),
            format!("{} {sentence}", code(exit)),
            "{line}"
        );
    }
    let starting = Server::start(Fake {
        phase: Phase::Starting,
        ..Fake::default()
    });
    assert_eq!(
        failure(&starting.socket, "show bgp summary"),
        format!("{} the router is starting; try again in a moment", code(1))
    );
    assert_eq!(
        failure(Path::new("/nowhere/api.sock"), "show version"),
        format!(
            "{} no router is running on /nowhere/api.sock; start it with router-ctl run, or name its socket \
             with --socket",
            code(3)
        )
    );
}

#[test]
fn watching_repeats_the_table() {
    let server = Server::start(Fake::default());
    let (printed, outcome) = run(
        &server.socket,
        "stats --watch --count 2 --interval 20ms --top 1 --csv",
    );
    outcome.unwrap();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    assert!(lines[0].starts_with("prefix,"));
    assert!(lines[1].starts_with("198.51.100.0/24,") && lines[2].starts_with("198.51.100.0/24,"));
}

#[test]
fn check_says_everything_and_counts() {
    let problems = toml::parse(
        "[protocols.bgp]\nsystem-as = 0\n[protocols.static.route.\"10.0.0.1/8\"]\nblackhole = {}\n",
    )
    .unwrap_err();
    let mut out = Vec::new();
    check::report(&mut out, Style::plain(80), &problems, "router.toml").unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "error: protocols bgp system-as: 0 is outside of 1–4294967294
  --> router.toml:2:13

warning: protocols static route 10.0.0.0/8: 10.0.0.1/8 has host bits set
  --> router.toml:3:25
  hint: it stands for 10.0.0.0/8

router.toml: 1 error, 1 warning
"
    );
}
