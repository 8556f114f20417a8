//! Full-table measurements, ours beside BIRD in one run: `cargo xtask bench`.

mod bgp;
mod maps;
mod report;
mod speaker;
mod subject;
mod table;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;

use crate::table::Table;

#[derive(Parser)]
#[command(about = "Measures the router with a full table beside BIRD 2, interleaved in one run")]
struct Arguments {
    /// What to measure.
    #[arg(default_value = "bgp", value_parser = ["bgp"])]
    bench: String,
    /// Prefix lists (one prefix a line, packed by xz); without any, a table of the same size is generated.
    #[arg(long = "table", value_name = "FILE")]
    tables: Vec<PathBuf>,
    /// Runs of each router.
    #[arg(long, default_value_t = 5)]
    runs: usize,
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
    let arguments = Arguments::parse();
    let table = if arguments.tables.is_empty() {
        Table::generate(arguments.v4, arguments.v6)
    } else {
        Table::read(&arguments.tables)?
    };
    let figures = bgp::run(&table, arguments.runs)?;
    let heading = heading(&table, arguments.runs);
    if arguments.json {
        print(&report::json_lines("bgp", &figures));
    } else {
        print(&format!("{heading}\n\n{}", report::markdown(&figures)));
    }
    if let Some(path) = &arguments.out {
        write(
            path,
            &format!("{heading}\n\n{}", report::markdown(&figures)),
        )?;
    }
    Ok(())
}

fn heading(table: &Table, runs: usize) -> String {
    use router_ctl::bgp::types::Family;
    format!(
        "Table: {} ({} IPv4 and {} IPv6 prefixes), one feed in, one receiver out; {runs} runs each, interleaved; \
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
