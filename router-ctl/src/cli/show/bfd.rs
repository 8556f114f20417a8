//! `show bfd peers`.

use std::io::{self, Write};
use std::time::Duration;

use crate::api::frr::bfd::BfdPeer;
use crate::api::frr::uptime;
use crate::cli::check::plural;
use crate::cli::output::{Paint, Style};
use crate::cli::table::{Cell, Column, Table};

/// Intervals are in milliseconds: ours, and what the other side asks for.
pub(super) fn peers(peers: &Vec<BfdPeer>, out: &mut dyn Write, style: Style) -> io::Result<()> {
    if peers.is_empty() {
        return writeln!(out, "No neighbor has a BFD session.");
    }
    let mut table = Table::new([
        Column::left("Peer"),
        Column::left("Hops").optional(4),
        Column::left("State"),
        Column::right("Up/Down"),
        Column::right("Tx/Rx x Mult").optional(7),
        Column::right("Remote").optional(3),
        Column::right("Detect").optional(6),
        Column::left("Reason").cut_to(6),
        Column::left("Desc").optional(1).cut_to(6),
    ]);
    for peer in peers {
        let time = peer.uptime.or(peer.downtime).unwrap_or(0);
        let timers = |transmit, receive, multiplier| match multiplier {
            0 => "-".to_owned(),
            _ => format!("{transmit}/{receive} x {multiplier}"),
        };
        table.row([
            name(peer).into(),
            if peer.multihop { "multi" } else { "1" }.into(),
            state(peer),
            uptime(Duration::from_secs(time)).into(),
            timers(
                peer.transmit_interval,
                peer.receive_interval,
                peer.detect_multiplier,
            )
            .into(),
            timers(
                peer.remote_transmit_interval,
                peer.remote_receive_interval,
                peer.remote_detect_multiplier,
            )
            .into(),
            peer.detection_time
                .map_or_else(|| "-".to_owned(), |time| time.to_string())
                .into(),
            reason(peer).into(),
            peer.description.as_deref().unwrap_or("").into(),
        ]);
    }
    table.write(out, style)?;
    let down = peers.iter().filter(|peer| peer.status != "up").count();
    writeln!(out, "\n{}, {down} not up", plural(peers.len(), "session"))
}

/// An address that is one of many alike comes with its interface.
fn name(peer: &BfdPeer) -> String {
    match &peer.interface {
        Some(interface) => format!("{}%{interface}", peer.peer),
        None => peer.peer.clone(),
    }
}

fn state(peer: &BfdPeer) -> Cell {
    match peer.status.as_str() {
        "up" => Cell::painted("Up", Paint::Good),
        "init" => Cell::painted("Init", Paint::Warn),
        "shutdown" => Cell::painted("(Admin)", Paint::Warn),
        _ if is_stopped_there(peer) => Cell::painted("(Admin)", Paint::Warn),
        _ => Cell::painted("Down", Paint::Bad),
    }
}

fn is_stopped_there(peer: &BfdPeer) -> bool {
    peer.remote_status.as_deref() == Some("shutdown")
}

/// Why it is not up. `refused`: packets come, but from farther away than is allowed or from elsewhere.
fn reason(peer: &BfdPeer) -> &str {
    match peer.status.as_str() {
        "up" => "",
        _ if is_stopped_there(peer) => "neighbor",
        _ => match peer.diagnostic.as_str() {
            "ok" if peer.packets_refused > 0 => "refused",
            "ok" => "",
            "control detection time expired" => "expired",
            "neighbor signaled session down" => "signaled",
            other => other,
        },
    }
}
