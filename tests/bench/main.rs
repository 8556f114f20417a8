//! Full-table measurements, ours beside BIRD in one run, and what BIRD is not asked: `cargo xtask bench`.

mod bgp;
mod edge;
mod failover;
mod load;
mod maps;
mod report;
mod resident;
mod speaker;
mod subject;
mod table;
mod upstream;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;

use crate::report::Figure;
use crate::table::Table;
use crate::upstream::Upstream;

#[derive(Parser)]
#[command(about = "Measures the router with a full table beside BIRD 2, interleaved in one run")]
struct Arguments {
    /// What to measure.
    #[arg(default_value = "bgp", value_parser = ["bgp", "failover", "memory", "soak"])]
    bench: String,
    /// Prefix lists (one prefix a line, packed by xz); without any, a table of the same size is generated.
    #[arg(long = "table", value_name = "FILE")]
    tables: Vec<PathBuf>,
    /// Runs of each router.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Feeds that come and go in `soak`.
    #[arg(long, default_value_t = 100)]
    flaps: usize,
    /// IPv4 prefixes of a generated table.
    #[arg(long, default_value_t = 1_042_325)]
    v4: usize,
    /// IPv6 prefixes of a generated table.
    #[arg(long, default_value_t = 246_175)]
    v6: usize,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Also write the table to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args();
    if words.nth(1).is_some_and(|word| word == upstream::NAME) {
        return Upstream::parse_from(std::env::args().skip(1)).run();
    }
    let arguments = Arguments::parse();
    let table = if arguments.tables.is_empty() {
        Table::generate(arguments.v4, arguments.v6)
    } else {
        Table::read(&arguments.tables)?
    };
    let (text, figures) = measure(&table, &arguments)?;
    if arguments.json {
        print(&report::json_lines(&arguments.bench, &figures));
    } else {
        print(&text);
    }
    if let Some(path) = &arguments.out {
        write(path, &text)?;
    }
    Ok(())
}

fn measure(table: &Table, arguments: &Arguments) -> anyhow::Result<(String, Vec<Figure>)> {
    let runs = arguments.runs;
    let ours = |job: &str, figures: &[Figure]| {
        format!(
            "{}\n\n{}",
            heading(table, job, runs),
            report::markdown_of_ours(figures)
        )
    };
    Ok(match arguments.bench.as_str() {
        "failover" => {
            let figures = failover::run(table, runs)?;
            (ours("two feeds in, the first is lost", &figures), figures)
        }
        "memory" => {
            let figures = resident::memory(table, runs)?;
            (
                ours("one feed, then a second, no receiver", &figures),
                figures,
            )
        }
        "soak" => {
            let figures = resident::soak(table, arguments.flaps)?;
            let heading = heading(table, "one feed that comes and goes", 1);
            let text = format!("{heading}\n\n{}", report::markdown_of_ours(&figures));
            (text, figures)
        }
        _ => {
            let figures = bgp::run(table, runs)?;
            let heading = heading(table, "one feed in, one receiver out", runs);
            (
                format!("{heading}\n\n{}", report::markdown(&figures)),
                figures,
            )
        }
    })
}

fn heading(table: &Table, job: &str, runs: usize) -> String {
    use router_ctl::bgp::types::Family;
    format!(
        "Table: {} ({} IPv4 and {} IPv6 prefixes), {job}; {runs} runs each, interleaved; \
         median (minimum–maximum).",
        table.name,
        table.count(Family::Ipv4Unicast),
        table.count(Family::Ipv6Unicast),
    )
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

#[expect(
    clippy::print_stdout,
    reason = "the result is what this program is for"
)]
fn print(text: &str) {
    println!("{text}");
}
