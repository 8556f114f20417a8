//! The command line, as clap reads it. The family of a command (how much it disturbs) is in its help.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ipnet::IpNet;

#[derive(Debug, Parser)]
#[command(
    name = "router-ctl",
    version,
    about = "A BGP router that forwards in XDP",
    max_term_width = 100
)]
pub(super) struct Cli {
    /// Socket of the daemon's API
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        default_value = "/run/router/api.sock"
    )]
    pub(super) socket: PathBuf,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon. It forwards on after it is stopped; `unload` ends that
    Run(Run),
    /// Say everything that is wrong with a configuration file
    Check(Check),
    /// Show state. Disturbs nothing
    #[command(subcommand)]
    Show(Show),
    /// Show traffic by prefix. Disturbs nothing
    Stats(Stats),
    /// What would happen, and why; changes nothing
    #[command(subcommand)]
    Explain(Explain),
    /// End or renew one session, or several
    #[command(subcommand)]
    Reset(Reset),
    /// Take the fast path away: detach the XDP programs and remove the pinned maps
    Unload(Unload),
    /// Print completions for a shell
    Completions { shell: Shell },
}

#[derive(Args, Debug)]
pub(super) struct Bpffs {
    /// Directory of the pinned maps and programs, one for each router on a host
    #[arg(
        long = "bpffs",
        value_name = "DIR",
        default_value = "/sys/fs/bpf/router"
    )]
    pub(super) path: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct Run {
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    #[command(flatten)]
    pub(super) bpffs: Bpffs,
}

#[derive(Args, Debug)]
pub(super) struct Check {
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Print the problems as a JSON array
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Unload {
    #[command(flatten)]
    pub(super) bpffs: Bpffs,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
}

/// How an answer is printed.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct Print {
    /// Print the body of the API's answer
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Show {
    /// BGP sessions and table
    #[command(subcommand)]
    Bgp(Bgp),
    /// Routes of all protocols and where they lead
    #[command(visible_alias = "routes")]
    Route(RouteArgs),
    /// The same as `show route`
    #[command(subcommand, hide = true)]
    Ip(Ip),
    /// The same as `show route -6`
    #[command(subcommand, hide = true)]
    Ipv6(Ip),
    /// Interfaces, their addresses and how the fast path is attached
    Interfaces(Print),
    /// What is installed in the data plane, and how full it is
    Fib(Print),
    /// BFD sessions
    #[command(subcommand)]
    Bfd(Bfd),
    /// Counters of the data plane
    #[command(subcommand)]
    Dataplane(Dataplane),
    /// Packets that were dropped or passed to the kernel, by reason
    Drops(Print),
    /// The daemon
    #[command(subcommand)]
    System(System),
    /// Version of the daemon
    Version(Print),
}

#[derive(Debug, Subcommand)]
pub(super) enum Bgp {
    /// One line for each neighbor
    Summary(Print),
    /// Neighbors in full
    Neighbors {
        /// Address or description, or the beginning of one
        neighbor: Option<String>,
        /// A table of the neighbor instead
        #[arg(value_enum, requires = "neighbor")]
        table: Option<NeighborTable>,
        /// Its IPv6 routes instead of the IPv4 ones
        #[arg(short = '6', long = "ipv6", requires = "table")]
        ipv6: bool,
        #[command(flatten)]
        print: Print,
    },
    /// IPv4 table, or one prefix of it
    Ipv4(TableArgs),
    /// IPv6 table, or one prefix of it
    Ipv6(TableArgs),
}

/// What of a neighbor is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum NeighborTable {
    /// What it sent, as it came
    ReceivedRoutes,
    /// What of that may be used, as it is used
    Routes,
    /// What may not be used, and why
    FilteredRoutes,
    /// What it was told
    AdvertisedRoutes,
}

impl NeighborTable {
    /// The last part of its path in the API.
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::ReceivedRoutes => "received",
            Self::Routes => "accepted",
            Self::FilteredRoutes => "filtered",
            Self::AdvertisedRoutes => "advertised",
        }
    }
}

/// What would happen, and why; changes nothing.
#[derive(Debug, Subcommand)]
pub(super) enum Explain {
    /// What a route map would make of the routes that neighbors sent
    Policy(ExplainPolicy),
}

#[derive(Args, Debug)]
pub(super) struct ExplainPolicy {
    /// Name of the route map
    pub(super) route_map: String,
    /// Prefixes; an address stands for itself alone
    #[arg(required = true, value_name = "PREFIX")]
    pub(super) prefixes: Vec<String>,
    #[command(flatten)]
    pub(super) print: Print,
}

#[derive(Debug, Subcommand)]
pub(super) enum Bfd {
    /// One line for each session
    Peers(Print),
}

#[derive(Args, Debug)]
pub(super) struct TableArgs {
    /// A prefix, or an address for its longest match; or `summary`
    #[arg(value_name = "PREFIX|summary", value_parser = parse_part)]
    pub(super) prefix: Option<TablePart>,
    /// The prefix and all inside of it
    #[arg(long, requires = "prefix")]
    pub(super) longer: bool,
    #[command(flatten)]
    pub(super) print: Print,
}

#[derive(Args, Debug)]
pub(super) struct RouteArgs {
    /// A prefix, or an address for its longest match
    #[arg(value_parser = parse_destination)]
    pub(super) prefix: Option<Destination>,
    /// The prefix and all inside of it
    #[arg(long, requires = "prefix")]
    pub(super) longer: bool,
    /// The IPv6 table instead of the IPv4 one
    #[arg(short = '6', long = "ipv6", conflicts_with = "prefix")]
    pub(super) ipv6: bool,
    #[command(flatten)]
    pub(super) print: Print,
}

/// What of a family is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TablePart {
    Summary,
    Destination(Destination),
}

/// `show ip route` and `show ipv6 route`, as FRR has them.
#[derive(Debug, Subcommand)]
pub(super) enum Ip {
    /// Routes of all protocols and where they lead
    Route(RouteArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum Dataplane {
    /// What became of every packet, by port
    Accounting(Print),
}

#[derive(Debug, Subcommand)]
pub(super) enum System {
    /// How long each part of the start took
    Startup(Print),
}

#[derive(Debug, Subcommand)]
pub(super) enum Reset {
    /// Begin sessions anew. With `soft`: look at routes again, and no session ends
    Bgp(ResetBgp),
}

#[derive(Args, Debug)]
pub(super) struct ResetBgp {
    /// Address, interface or description of a neighbor, or the beginning of one; a peer group; or `all`
    pub(super) neighbor: String,
    /// `soft in`: judge or ask for its routes again; `soft out`: send ours again; `message "TEXT"`: for the
    /// neighbor's operator
    #[arg(value_name = "soft in|soft out|message TEXT", num_args = 0..)]
    pub(super) manner: Vec<String>,
    #[command(flatten)]
    pub(super) print: Print,
}

#[derive(Args, Debug)]
pub(super) struct Stats {
    /// Number of prefixes
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) top: usize,
    /// What is largest comes first
    #[arg(long, value_enum, default_value_t = SortBy::Bps)]
    pub(super) sort: SortBy,
    /// Only this prefix
    #[arg(long, value_name = "PREFIX", value_parser = parse_destination)]
    pub(super) prefix: Option<Destination>,
    /// With --prefix: all inside of it too
    #[arg(long, requires = "prefix")]
    pub(super) longer: bool,
    /// Time between the two readings that rates come from; 0 for no rates
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_interval)]
    pub(super) interval: Duration,
    /// Again and again, until stopped
    #[arg(long)]
    pub(super) watch: bool,
    /// With --watch: so many times
    #[arg(long, value_name = "N", requires = "watch")]
    pub(super) count: Option<u64>,
    /// Only IPv4
    #[arg(short = '4', long = "ipv4", conflicts_with = "ipv6")]
    pub(super) ipv4: bool,
    /// Only IPv6
    #[arg(short = '6', long = "ipv6")]
    pub(super) ipv6: bool,
    /// Print the body of the API's answer
    #[arg(long, conflicts_with = "csv")]
    pub(super) json: bool,
    /// Print comma-separated values
    #[arg(long)]
    pub(super) csv: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SortBy {
    Bps,
    Pps,
    Bytes,
    Pkts,
    Prefix,
}

impl SortBy {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bps => "bps",
            Self::Pps => "pps",
            Self::Bytes => "bytes",
            Self::Pkts => "pkts",
            Self::Prefix => "prefix",
        }
    }
}

/// A prefix, or an address that stands for its longest match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Prefix(IpNet),
    Address(IpAddr),
}

impl Destination {
    pub(super) fn is_ipv6(self) -> bool {
        match self {
            Self::Prefix(prefix) => prefix.addr().is_ipv6(),
            Self::Address(address) => address.is_ipv6(),
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

fn parse_destination(text: &str) -> Result<Destination, String> {
    if let Ok(address) = text.parse() {
        return Ok(Destination::Address(address));
    }
    match text.parse::<IpNet>() {
        Ok(prefix) => Ok(Destination::Prefix(prefix.trunc())),
        Err(_) => Err("neither a prefix nor an address".to_owned()),
    }
}

fn parse_part(text: &str) -> Result<TablePart, String> {
    match text {
        "summary" => Ok(TablePart::Summary),
        _ => parse_destination(text).map(TablePart::Destination),
    }
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    crate::api::parse_duration(text).ok_or_else(|| "a time like 1s, 500ms or 2.5".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_of_the_readme_are_understood() {
        for line in [
            "run --config /etc/router/router.toml --socket /tmp/s --bpffs /sys/fs/bpf/x",
            "check --config router.toml --json",
            "show bgp summary --json",
            "show bgp neighbors",
            "show bgp neighbors 10.0.0.2 --socket /tmp/s",
            "show bgp neighbors 10.0.0.2 filtered-routes -6 --json",
            "explain policy IMPORT 10.0.0.0/8 2001:db8::/32",
            "show bgp ipv4",
            "show bgp ipv4 summary",
            "show ip route",
            "show ipv6 route 2001:db8::1",
            "show bgp ipv6 2001:db8::/32 --longer",
            "show route",
            "show route -6",
            "show route 10.1.2.3 --json",
            "show interfaces",
            "show fib",
            "show dataplane accounting",
            "show drops",
            "show bfd peers --json",
            "show system startup",
            "show version",
            "stats --top 5 --sort pps --watch --interval 500ms -4",
            "stats --prefix 10.0.0.0/8 --longer --csv",
            "reset bgp 10.0.0.2",
            "reset bgp all soft in --json",
            "reset bgp transit message maintenance",
            "unload --yes",
            "completions bash",
        ] {
            let words = std::iter::once("router-ctl").chain(line.split(' '));
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
