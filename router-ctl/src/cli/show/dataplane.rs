//! `show dataplane accounting` and `show drops`.

use std::io::{self, Write};

use crate::api::view::{Accounting, Balance, PortAccount, VerdictRow};
use crate::cli::output::{Paint, Style};
use crate::cli::table::{Cell, Column, Table};

pub(super) fn accounting(
    accounting: &Accounting,
    out: &mut dyn Write,
    style: Style,
) -> io::Result<()> {
    if accounting.ports.is_empty() {
        return writeln!(out, "No port has received a packet.");
    }
    let mut table = Table::new([
        Column::left("Port"),
        Column::right("Received"),
        Column::right("Forwarded"),
        Column::right("Passed"),
        Column::right("Dropped"),
        Column::right("Unaccounted"),
    ]);
    for port in &accounting.ports {
        table.row(balance(name(port), &port.balance));
    }
    if accounting.ports.len() > 1 {
        table.row(balance("all".to_owned(), &accounting.total));
    }
    table.write(out, style)?;
    writeln!(out)?;
    verdicts(accounting, &["forward", "pass", "drop"], out, style)?;
    let verdict = if accounting.balanced {
        style.paint("holds for every port", Paint::Good)
    } else {
        style.paint("DOES NOT HOLD", Paint::Bad)
    };
    writeln!(out, "\nreceived = forwarded + passed + dropped: {verdict}")
}

fn name(port: &PortAccount) -> String {
    match (&port.interface, port.ifindex) {
        (Some(name), _) => name.clone(),
        (None, Some(index)) => format!("if{index}"),
        (None, None) => "unknown".to_owned(),
    }
}

fn balance(name: String, balance: &Balance) -> [Cell; 6] {
    let paint = if balance.unaccounted == 0 {
        Paint::Plain
    } else {
        Paint::Bad
    };
    [
        name.into(),
        balance.received.packets.to_string().into(),
        balance.forwarded.packets.to_string().into(),
        balance.passed.packets.to_string().into(),
        balance.dropped.packets.to_string().into(),
        Cell::painted(balance.unaccounted.to_string(), paint),
    ]
}

/// A row for each verdict and port, for the actions that are asked for. True when there was one.
fn verdicts(
    accounting: &Accounting,
    actions: &[&str],
    out: &mut dyn Write,
    style: Style,
) -> io::Result<bool> {
    let mut table = Table::new([
        Column::left("Verdict"),
        Column::left("Cause"),
        Column::left("Port"),
        Column::right("Packets"),
        Column::right("Bytes"),
    ]);
    let mut rows: Vec<(&VerdictRow, String)> = Vec::new();
    for port in &accounting.ports {
        let wanted = |row: &&VerdictRow| actions.contains(&row.action.as_str());
        rows.extend(
            port.verdicts
                .iter()
                .filter(wanted)
                .map(|row| (row, name(port))),
        );
    }
    let rank = |row: &VerdictRow| actions.iter().position(|action| *action == row.action);
    rows.sort_by(|(a, _), (b, _)| {
        let (a, b) = ((rank(a), b.count.packets), (rank(b), a.count.packets));
        a.cmp(&b)
    });
    let any = !rows.is_empty();
    for (row, port) in rows {
        table.row([
            Cell::painted(
                row.verdict.as_str(),
                match row.action.as_str() {
                    "drop" => Paint::Warn,
                    _ => Paint::Plain,
                },
            ),
            row.cause.as_deref().unwrap_or("-").into(),
            port.into(),
            row.count.packets.to_string().into(),
            row.count.bytes.to_string().into(),
        ]);
    }
    if any {
        table.write(out, style)?;
    }
    Ok(any)
}

pub(super) fn drops(accounting: &Accounting, out: &mut dyn Write, style: Style) -> io::Result<()> {
    for (at, (title, action)) in [("Dropped", "drop"), ("Passed to the kernel", "pass")]
        .into_iter()
        .enumerate()
    {
        if at > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", style.paint(title, Paint::Bold))?;
        if !verdicts(accounting, &[action], out, style)? {
            writeln!(out, "No packets.")?;
        }
    }
    Ok(())
}
