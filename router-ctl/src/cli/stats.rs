//! `stats`: traffic by prefix, once or again and again.

use std::io::{self, Write};
use std::time::Duration;

use crate::api::view::{PrefixRow, PrefixStats};
use crate::cli::args::Stats;
use crate::cli::check::plural;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::Style;
use crate::cli::show::print_body;
use crate::cli::table::{Cell, Column, Table};

/// What the output is shown on.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    pub(super) style: Style,
    /// A terminal that is cleared for each new table.
    pub(super) clear: bool,
}

pub(super) fn stats(
    client: &Client,
    stats: &Stats,
    out: &mut dyn Write,
    screen: Screen,
) -> Result<(), Failure> {
    let path = path(stats);
    let rounds = if stats.watch {
        stats.count.unwrap_or(u64::MAX)
    } else {
        1
    };
    for round in 0..rounds {
        // The daemon takes the interval to answer; without rates the wait is here.
        if round > 0 && stats.interval.is_zero() {
            std::thread::sleep(Duration::from_secs(1));
        }
        if stats.json {
            print_body(client, &path, out)?;
        } else {
            let view: PrefixStats = client.json(&path)?;
            if stats.csv {
                csv(&view, round == 0, out)?;
            } else {
                if screen.clear {
                    write!(out, "\x1b[H\x1b[2J")?;
                } else if round > 0 {
                    writeln!(out)?;
                }
                table(&view, out, screen.style)?;
            }
        }
        out.flush()?;
    }
    Ok(())
}

fn path(stats: &Stats) -> String {
    let mut path = format!(
        "/stats/prefixes?top={}&sort={}&interval={}ms",
        stats.top,
        stats.sort.name(),
        stats.interval.as_millis()
    );
    if let Some(prefix) = stats.prefix {
        path.push_str(&format!("&prefix={prefix}&longer={}", stats.longer));
    }
    match (stats.ipv4, stats.ipv6) {
        (true, _) => path.push_str("&family=ipv4"),
        (false, true) => path.push_str("&family=ipv6"),
        (false, false) => {}
    }
    path
}

pub(super) fn table(stats: &PrefixStats, out: &mut dyn Write, style: Style) -> io::Result<()> {
    // Without a window there are no rates to show.
    let rate = |title| match stats.window_seconds {
        Some(_) => Column::right(title),
        None => Column::right(title).absent(),
    };
    let mut table = Table::new([
        Column::left("PREFIX"),
        Column::left("NEXT-HOPS").cut_to(12),
        Column::left("OUT-IF").optional(4),
        Column::right("ORIGIN-AS").optional(5),
        Column::left("PEER").optional(1),
        Column::right("PKTS").optional(3),
        Column::right("BYTES"),
        rate("PPS"),
        rate("BPS"),
        Column::right("AVG-SIZE").optional(2),
    ]);
    let or_dash = |text: Option<String>| Cell::from(text.unwrap_or_else(|| "-".to_owned()));
    for row in &stats.rows {
        table.row([
            row.prefix.as_str().into(),
            several(&row.next_hops).into(),
            several(&row.interfaces).into(),
            or_dash(row.origin_as.map(|asn| asn.to_string())),
            or_dash(row.peer.clone()),
            short(row.packets).into(),
            short(row.bytes).into(),
            or_dash(row.pps.map(short_rate)),
            or_dash(row.bps.map(short_rate)),
            or_dash(row.average_size.map(|size| size.to_string())),
        ]);
    }
    table.write(out, style)?;
    writeln!(out)?;
    totals(stats).write(out, style)?;
    writeln!(out)?;
    if stats.rows.len() < stats.prefixes {
        writeln!(
            out,
            "{} of {} prefixes are shown; --top N shows more",
            stats.rows.len(),
            stats.prefixes
        )?;
    }
    if let Some(window) = stats.window_seconds {
        writeln!(out, "Rates are of the last {window:.1} s.")?;
    }
    match share(stats) {
        Some(share) => writeln!(out, "Prefixes account for {share} of the bytes received."),
        None => Ok(()),
    }
}

fn totals(stats: &PrefixStats) -> Table {
    let mut totals = Table::new([
        Column::left("TOTAL"),
        Column::right("PKTS"),
        Column::right("BYTES"),
    ]);
    for (name, count) in [
        (plural(stats.prefixes, "selected prefix"), stats.selected),
        ("withdrawn prefixes".to_owned(), stats.withdrawn),
        ("all prefixes, withdrawn ones too".to_owned(), stats.total),
        ("received by all ports".to_owned(), stats.received),
    ] {
        totals.row([
            name.into(),
            count.packets.to_string().into(),
            count.bytes.to_string().into(),
        ]);
    }
    totals
}

/// The part of the received bytes that a prefix accounts for; `None` when nothing was received.
fn share(stats: &PrefixStats) -> Option<String> {
    let permille = u128::from(stats.total.bytes) * 1000;
    let permille = permille.checked_div(u128::from(stats.received.bytes))?;
    Some(format!("{}.{} %", permille / 10, permille % 10))
}

/// The first, and how many more there are.
fn several(words: &[String]) -> String {
    match words {
        [] => "-".to_owned(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn short(number: u64) -> String {
    if number < 10_000 {
        return number.to_string();
    }
    short_rate(number as f64)
}

/// Three digits and a unit: `12.3M`.
fn short_rate(mut number: f64) -> String {
    const UNITS: [&str; 6] = ["", "k", "M", "G", "T", "P"];
    let mut unit = 0;
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1000.0;
        unit += 1;
    }
    let digits = match number {
        _ if unit == 0 => 0,
        number if number < 9.995 => 2,
        number if number < 99.95 => 1,
        _ => 0,
    };
    format!("{number:.digits$}{}", UNITS[unit])
}

pub(super) fn csv(stats: &PrefixStats, head: bool, out: &mut dyn Write) -> io::Result<()> {
    if head {
        writeln!(
            out,
            "prefix,next_hops,interfaces,origin_as,peer,packets,bytes,pps,bps,average_size"
        )?;
    }
    for row in &stats.rows {
        writeln!(out, "{}", csv_row(row))?;
    }
    Ok(())
}

/// No field holds a comma or a quote: they are numbers, addresses and interface names.
fn csv_row(row: &PrefixRow) -> String {
    let optional = |value: Option<String>| value.unwrap_or_default();
    [
        row.prefix.clone(),
        row.next_hops.join(" "),
        row.interfaces.join(" "),
        optional(row.origin_as.map(|asn| asn.to_string())),
        optional(row.peer.clone()),
        row.packets.to_string(),
        row.bytes.to_string(),
        optional(row.pps.map(|rate| rate.to_string())),
        optional(row.bps.map(|rate| rate.to_string())),
        optional(row.average_size.map(|size| size.to_string())),
    ]
    .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        for (number, text) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10.0k"),
            (123_456, "123k"),
            (999_499, "999k"),
            (999_500, "1.00M"),
            (12_345_678, "12.3M"),
            (u64::MAX, "18447P"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!(short_rate(0.4), "0");
        assert_eq!(short_rate(1_500.0), "1.50k");
    }
}
