//! `show bgp summary`, `show bgp ipv4|ipv6` and one prefix, as FRR prints them.

use std::io::{self, Write};

use crate::api::frr::path::{PathRow, TableHead};
use crate::api::frr::summary::{FamilySummary, Peer, Summary};
use crate::api::ordered::Ordered;
use crate::cli::check::plural;
use crate::cli::client::parse;
use crate::cli::failure::Failure;
use crate::cli::output::{Paint, Style};
use crate::cli::show::Lines;
use crate::cli::table::{Cell, Column, Table, wrap};

pub(super) fn summary(summary: &Summary, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let families = [
        ("IPv4", &summary.ipv4_unicast),
        ("IPv6", &summary.ipv6_unicast),
    ];
    let mut first = true;
    for (name, family) in families {
        let Some(family) = family else { continue };
        if !first {
            writeln!(out)?;
        }
        first = false;
        family_summary(name, family, out, style)?;
    }
    if first {
        writeln!(out, "No BGP neighbors are configured.")?;
    }
    Ok(())
}

pub(super) fn summary_ipv4(
    summary: &FamilySummary,
    out: &mut dyn Write,
    style: Style,
) -> io::Result<()> {
    family_summary("IPv4", summary, out, style)
}

pub(super) fn summary_ipv6(
    summary: &FamilySummary,
    out: &mut dyn Write,
    style: Style,
) -> io::Result<()> {
    family_summary("IPv6", summary, out, style)
}

fn family_summary(
    name: &str,
    summary: &FamilySummary,
    out: &mut dyn Write,
    style: Style,
) -> io::Result<()> {
    writeln!(out, "{name} Unicast Summary:")?;
    writeln!(
        out,
        "BGP router identifier {}, local AS number {}",
        summary.router_id, summary.local_as
    )?;
    writeln!(out, "BGP table version {}", summary.table_version)?;
    writeln!(
        out,
        "{}, {}, {} of memory",
        plural(summary.rib_count, "prefix"),
        plural(summary.path_count, "path"),
        octets(summary.rib_memory)
    )?;
    writeln!(out)?;
    let mut table = Table::new([
        Column::left("Neighbor"),
        Column::right("V").optional(4),
        Column::right("AS"),
        Column::right("MsgRcvd").optional(5),
        Column::right("MsgSent").optional(5),
        Column::right("TblVer").optional(1),
        Column::right("InQ").optional(2),
        Column::right("OutQ").optional(3),
        Column::right("Up/Down"),
        Column::right("State/PfxRcd"),
        Column::right("PfxSnt"),
        Column::left("Desc").optional(6).cut_to(6),
    ]);
    for (name, peer) in &summary.peers.0 {
        let mark = if peer.dynamic_peer { "*" } else { "" };
        let up = peer.state == "Established";
        table.row([
            format!("{mark}{name}").into(),
            peer.version.to_string().into(),
            match peer.remote_as {
                0 => "-".into(),
                asn => asn.to_string().into(),
            },
            peer.msg_rcvd.to_string().into(),
            peer.msg_sent.to_string().into(),
            peer.table_version.to_string().into(),
            peer.inq.to_string().into(),
            peer.outq.to_string().into(),
            peer.peer_uptime.as_str().into(),
            state(peer, up),
            sent(peer, up).into(),
            peer.desc.as_deref().unwrap_or("").into(),
        ]);
    }
    table.write(out, style)?;
    writeln!(
        out,
        "\n{}, {} not established",
        plural(summary.total_peers, "neighbor"),
        summary.failed_peers
    )?;
    if summary.dynamic_peers > 0 {
        let dynamic = plural(summary.dynamic_peers, "dynamic neighbor");
        writeln!(out, "* - {dynamic}")?;
    }
    Ok(())
}

/// Prefixes accepted, or why there are none.
fn state(peer: &Peer, up: bool) -> Cell {
    if peer.peer_state == "Admin" {
        return Cell::painted("(Admin)", Paint::Warn);
    }
    if peer.peer_state == "PfxCt" {
        return Cell::painted("(MaxPfx)", Paint::Warn);
    }
    if !up {
        return Cell::painted(peer.state.as_str(), Paint::Bad);
    }
    if !peer.negotiated {
        return Cell::painted("(NoAF)", Paint::Warn);
    }
    if peer.peer_state == "Policy" {
        return Cell::painted("(Policy)", Paint::Warn);
    }
    Cell::painted(peer.pfx_rcd.to_string(), Paint::Good)
}

fn sent(peer: &Peer, up: bool) -> String {
    match (up && peer.negotiated, peer.peer_state.as_str()) {
        (true, "Policy") => "(Policy)".to_owned(),
        (true, _) => peer.pfx_snt.to_string(),
        (false, _) => "-".to_owned(),
    }
}

/// `12 B`, `34.5 KiB`, `6.7 MiB`.
#[expect(
    clippy::cast_precision_loss,
    reason = "shown with one digit behind the point"
)]
pub(super) fn octets(octets: usize) -> String {
    match octets {
        0..1024 => format!("{octets} B"),
        1024..1_048_576 => format!("{:.1} KiB", octets as f64 / 1024.0),
        _ => format!("{:.1} MiB", octets as f64 / 1_048_576.0),
    }
}

/// The table, line by line.
#[derive(Default)]
pub(super) struct Listing {
    head: Option<TableHead>,
    prefixes: usize,
    paths: usize,
    /// Below each path the reason why it is not used.
    reasons: bool,
}

impl Listing {
    pub(super) fn with_reasons() -> Self {
        Self {
            reasons: true,
            ..Self::default()
        }
    }
}

impl Lines for Listing {
    fn line(&mut self, line: &[u8], out: &mut dyn Write, style: Style) -> Result<(), Failure> {
        if self.head.is_none() {
            self.head = Some(parse(line)?);
            return Ok(());
        }
        let entry: Ordered<Vec<PathRow>> = parse(line)?;
        for (prefix, rows) in &entry.0 {
            if self.prefixes == 0 {
                self.write_head(out, style)?;
            }
            self.prefixes += 1;
            for (at, row) in rows.iter().enumerate() {
                self.paths += 1;
                let name = if at == 0 { prefix.as_str() } else { "" };
                write_row(row, name, out, style)?;
                if let Some(reason) = row.reason.as_ref().filter(|_| self.reasons) {
                    writeln!(out, "        {}", wrap(reason, style.width, 8, 10))?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.prefixes == 0 {
            return writeln!(out, "No BGP prefixes displayed, 0 exist");
        }
        writeln!(
            out,
            "\nDisplayed {} and {}",
            plural(self.prefixes, "prefix"),
            plural(self.paths, "path")
        )
    }
}

impl Listing {
    fn write_head(&self, out: &mut dyn Write, style: Style) -> io::Result<()> {
        if let Some(head) = &self.head {
            writeln!(
                out,
                "BGP table version {}, local router ID {}\nDefault local pref {}, local AS {}",
                head.table_version, head.router_id, head.default_loc_prf, head.local_as
            )?;
        }
        writeln!(
            out,
            "Status codes:  * valid, > best, = multipath, i internal, S stale"
        )?;
        writeln!(out, "Origin codes:  i - IGP, e - EGP, ? - incomplete\n")?;
        let titles = format!(
            "    {:<18} {:<15} {:>6} {:>6} {:>6} Path",
            "Network", "Next Hop", "Metric", "LocPrf", "Weight"
        );
        writeln!(out, "{}", style.paint(&titles, Paint::Bold))
    }
}

/// Columns of fixed width, so that lines can be printed before the last one is known. A cell that does not
/// fit pushes the rest to a line of its own.
fn write_row(row: &PathRow, name: &str, out: &mut dyn Write, style: Style) -> io::Result<()> {
    const NETWORK: usize = 18;
    const NEXT_HOP: usize = 15;
    const PATH: usize = 4 + NETWORK + 1 + NEXT_HOP + 1 + 3 * 7;
    let status: String = [
        if row.stale { 'S' } else { ' ' },
        if row.valid { '*' } else { ' ' },
        match (row.bestpath, row.multipath) {
            (true, _) => '>',
            (false, true) => '=',
            (false, false) => ' ',
        },
        if row.path_from == "internal" && row.peer_id != "(unspec)" {
            'i'
        } else {
            ' '
        },
    ]
    .iter()
    .collect();
    write!(
        out,
        "{}",
        style.paint(
            &status,
            if row.bestpath {
                Paint::Good
            } else {
                Paint::Plain
            }
        )
    )?;
    push(out, name, NETWORK, 4 + NETWORK + 1)?;
    let number = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
    let numbers = format!(
        "{:>6} {:>6} {:>6}",
        number(row.metric),
        number(row.loc_prf),
        row.weight
    );
    // A long next hop takes the room of numbers that are not there.
    let next_hop = row
        .nexthops
        .first()
        .map_or("", |next_hop| next_hop.ip.as_str());
    let over = next_hop.chars().count().saturating_sub(NEXT_HOP);
    let blank = numbers.len() - numbers.trim_start().len();
    if over < blank {
        write!(out, "{next_hop:<NEXT_HOP$} {} ", &numbers[over..])?;
    } else {
        push(out, next_hop, NEXT_HOP, 4 + NETWORK + 1 + NEXT_HOP + 1)?;
        write!(out, "{numbers} ")?;
    }
    let origin = match row.origin.as_str() {
        "IGP" => "i",
        "EGP" => "e",
        _ => "?",
    };
    let path = match row.path.as_str() {
        "" => origin.to_owned(),
        path => format!("{path} {origin}"),
    };
    writeln!(out, "{}", wrap(&path, style.width, PATH, PATH))
}

/// A cell and the blank behind it; on overflow a line break and blanks up to `column`.
fn push(out: &mut dyn Write, text: &str, width: usize, column: usize) -> io::Result<()> {
    if text.chars().count() > width {
        write!(out, "{text}\n{:column$}", "")
    } else {
        write!(out, "{text:<width$} ")
    }
}
