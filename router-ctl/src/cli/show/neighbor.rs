//! `show bgp neighbors`.

use std::io::{self, Write};

use serde_json::Value;

use crate::api::frr::neighbor::{FamilyInfo, Neighbor, Neighbors};
use crate::api::frr::uptime;
use crate::cli::output::{Paint, Style};
use crate::cli::table::wrap;

pub(super) fn neighbors(all: &Neighbors, out: &mut dyn Write, style: Style) -> io::Result<()> {
    if all.0.is_empty() {
        return writeln!(out, "No BGP neighbors are configured.");
    }
    for (at, (_, neighbor)) in all.0.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        write_neighbor(neighbor, out, style)?;
    }
    Ok(())
}

fn write_neighbor(neighbor: &Neighbor, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let link = if neighbor.nbr_internal_link {
        "internal"
    } else {
        "external"
    };
    let remote = neighbor
        .remote_as
        .map_or_else(|| "any".to_owned(), |asn| asn.to_string());
    let address = &neighbor.bgp_neighbor_addr;
    let head = format!(
        "BGP neighbor is {address}, remote AS {remote}, local AS {}, {link} link",
        neighbor.local_as
    );
    let head = wrap(&head, style.width, 0, 2);
    writeln!(
        out,
        "{}",
        head.replacen(address.as_str(), &style.paint(address, Paint::Bold), 1)
    )?;
    if let Some(description) = &neighbor.nbr_desc {
        writeln!(out, "  Description: {description}")?;
    }
    writeln!(
        out,
        "  BGP version 4, remote router ID {}, local router ID {}",
        neighbor.remote_router_id, neighbor.local_router_id
    )?;
    write_state(neighbor, out, style)?;
    write_timers(neighbor, out)?;
    if let Some(capabilities) = &neighbor.neighbor_capabilities {
        let names: Vec<_> = capabilities.iter().map(capability).collect();
        let text = format!("Capabilities of both sides: {}", names.join(", "));
        writeln!(out, "  {}", wrap(&text, style.width, 2, 4))?;
    }
    writeln!(
        out,
        "  Messages: {} sent, {} received; {} octets wait to be sent",
        neighbor.message_stats.total_sent,
        neighbor.message_stats.total_recv,
        neighbor.message_stats.depth_outq
    )?;
    writeln!(
        out,
        "  Connections established {}; dropped {}",
        neighbor.connections_established, neighbor.connections_dropped
    )?;
    if let (Some(local), Some(foreign)) = (&neighbor.host_local, &neighbor.host_foreign) {
        writeln!(
            out,
            "  Local host: {local}, port {}; foreign host: {foreign}, port {}",
            neighbor.port_local.unwrap_or(0),
            neighbor.port_foreign.unwrap_or(0)
        )?;
    }
    if let Some(reason) = &neighbor.last_reset_due_to {
        let ago = neighbor
            .last_reset_timer_msecs
            .map_or_else(String::new, |ago| {
                format!(" {} ago", uptime(std::time::Duration::from_millis(ago)))
            });
        writeln!(
            out,
            "  {}",
            wrap(&format!("Last reset{ago}: {reason}"), style.width, 2, 4)
        )?;
    }
    if let Some(error) = &neighbor.connect_error {
        let text = format!("Cannot connect: {error}");
        writeln!(out, "  {}", wrap(&text, style.width, 2, 4))?;
    }
    for (family, info) in &neighbor.address_family_info {
        write_family(neighbor, (family, info), out, style)?;
    }
    Ok(())
}

fn write_state(neighbor: &Neighbor, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let state = &neighbor.bgp_state;
    match &neighbor.bgp_timer_up_string {
        Some(time) => writeln!(
            out,
            "  BGP state = {}, up for {time}",
            style.paint(state, Paint::Good)
        ),
        None if neighbor.admin_shut_down => {
            writeln!(
                out,
                "  BGP state = {} (administratively shut down)",
                style.paint(state, Paint::Warn)
            )
        }
        None if neighbor.passive => {
            writeln!(
                out,
                "  BGP state = {} (waits for the neighbor)",
                style.paint(state, Paint::Bad)
            )
        }
        None => writeln!(out, "  BGP state = {}", style.paint(state, Paint::Bad)),
    }
}

fn write_timers(neighbor: &Neighbor, out: &mut dyn Write) -> io::Result<()> {
    let configured = (
        neighbor.bgp_timer_configured_hold_time_msecs,
        neighbor.bgp_timer_configured_keep_alive_interval_msecs,
    );
    let in_use = neighbor
        .bgp_timer_hold_time_msecs
        .zip(neighbor.bgp_timer_keep_alive_interval_msecs);
    let mut line = |word: &str, (hold, keepalive): (u64, u64)| {
        writeln!(
            out,
            "  {word} is {} seconds, keepalive interval is {} seconds",
            hold / 1000,
            keepalive / 1000
        )
    };
    if let Some(timers) = in_use {
        line("Hold time", timers)?;
    }
    if in_use == Some(configured) {
        return Ok(());
    }
    line("Configured hold time", configured)
}

/// The name of a capability; that of multiprotocol with the families.
fn capability((name, value): (&String, &Value)) -> String {
    match (name.as_str(), value.as_object()) {
        ("4byteAs", _) => "4-octet AS".to_owned(),
        (_, Some(families)) => {
            let families: Vec<_> = families.keys().map(|family| family_name(family)).collect();
            families.join(", ")
        }
        (name, None) => words(name),
    }
}

/// `routeRefresh` → `route refresh`.
fn words(key: &str) -> String {
    let mut words = String::new();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

fn family_name(key: &str) -> &str {
    match key {
        "ipv4Unicast" => "IPv4 Unicast",
        "ipv6Unicast" => "IPv6 Unicast",
        other => other,
    }
}

fn write_family(
    neighbor: &Neighbor,
    (family, info): (&String, &FamilyInfo),
    out: &mut dyn Write,
    style: Style,
) -> io::Result<()> {
    let name = family_name(family);
    writeln!(
        out,
        "\n  For address family: {}",
        style.paint(name, Paint::Bold)
    )?;
    if !info.negotiated {
        let why = if neighbor.bgp_timer_up_msec.is_some() {
            "the neighbor does not offer it"
        } else {
            "no session"
        };
        writeln!(out, "  Not in use: {why}")?;
    }
    for missing in [
        &info.inbound_ebgp_requires_policy,
        &info.outbound_ebgp_requires_policy,
    ]
    .into_iter()
    .flatten()
    {
        writeln!(out, "  {}", style.paint(missing, Paint::Warn))?;
    }
    writeln!(
        out,
        "  Prefixes: {} received, {} accepted, {} sent",
        info.received_prefix_counter, info.accepted_prefix_counter, info.sent_prefix_counter
    )?;
    if let Some(restart) = &neighbor.graceful_restart_info {
        let done = |by: &std::collections::BTreeMap<String, bool>| {
            if by.get(family) == Some(&true) {
                "yes"
            } else {
                "no"
            }
        };
        writeln!(
            out,
            "  End-of-RIB: received {}, sent {}",
            done(&restart.end_of_rib_recv),
            done(&restart.end_of_rib_send)
        )?;
    }
    Ok(())
}
