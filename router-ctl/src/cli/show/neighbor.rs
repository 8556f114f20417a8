//! `show bgp neighbors`.

use std::io::{self, Write};

use serde_json::Value;

use crate::api::frr::neighbor::capabilities::in_force;
use crate::api::frr::neighbor::family::{FamilyInfo, PrefixStats};
use crate::api::frr::neighbor::{MessageStats, Neighbor, Neighbors};
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
    write_identity(neighbor, out, style)?;
    write_state(neighbor, out, style)?;
    write_timers(neighbor, out)?;
    write_abilities(neighbor, out, style)?;
    write_messages(&neighbor.message_stats, out)?;
    write_connections(neighbor, out, style)?;
    write_unused(&neighbor.prefix_stats, out, style)?;
    for (family, info) in &neighbor.address_family_info {
        write_family(neighbor, (family, info), out, style)?;
    }
    Ok(())
}

fn write_identity(neighbor: &Neighbor, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let link = if neighbor.nbr_internal_link {
        "internal"
    } else {
        "external"
    };
    let remote = match neighbor.remote_as {
        0 => "any".to_owned(),
        asn => asn.to_string(),
    };
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
    if let Some(name) = &neighbor.hostname {
        writeln!(
            out,
            "  {}",
            wrap(&format!("Host name: {name}"), style.width, 2, 4)
        )?;
    }
    if let Some(group) = &neighbor.peer_group {
        writeln!(out, "  Member of peer group {group}")?;
    }
    if let Some(range) = &neighbor.peer_subnet_range_group {
        writeln!(out, "  Dynamic neighbor of the listen range {range}")?;
    }
    writeln!(
        out,
        "  BGP version 4, remote router ID {}, local router ID {}",
        neighbor.remote_router_id, neighbor.local_router_id
    )
}

fn write_state(neighbor: &Neighbor, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let state = &neighbor.bgp_state;
    let (paint, note) = match &neighbor.timers.bgp_timer_up_string {
        Some(time) => (Paint::Good, format!(", up for {time}")),
        None if neighbor.admin_shut_down => {
            (Paint::Warn, " (administratively shut down)".to_owned())
        }
        None if neighbor.above_maximum_prefix => (
            Paint::Warn,
            " (sent more than the maximum of prefixes)".to_owned(),
        ),
        None if neighbor.passive => (Paint::Bad, " (waits for the neighbor)".to_owned()),
        None => (Paint::Bad, String::new()),
    };
    writeln!(out, "  BGP state = {}{note}", style.paint(state, paint))
}

fn write_timers(neighbor: &Neighbor, out: &mut dyn Write) -> io::Result<()> {
    let configured = (
        neighbor.timers.bgp_timer_configured_hold_time_msecs,
        neighbor
            .timers
            .bgp_timer_configured_keep_alive_interval_msecs,
    );
    let in_use = (
        neighbor.timers.bgp_timer_hold_time_msecs,
        neighbor.timers.bgp_timer_keep_alive_interval_msecs,
    );
    let up = neighbor.timers.bgp_timer_up_msec.is_some();
    let mut line = |word: &str, (hold, keepalive): (u64, u64)| {
        writeln!(
            out,
            "  {word} is {} seconds, keepalive interval is {} seconds",
            hold / 1000,
            keepalive / 1000
        )
    };
    if up {
        line("Hold time", in_use)?;
    }
    if !up || in_use != configured {
        line("Configured hold time", configured)?;
    }
    let ago = |at: Option<u64>| at.map_or_else(|| "never".to_owned(), time);
    if up {
        writeln!(
            out,
            "  Last read {}, last write {}, last update received {}",
            ago(neighbor.timers.bgp_timer_last_read),
            ago(neighbor.timers.bgp_timer_last_write),
            ago(neighbor.timers.bgp_in_update_elapsed_time_msecs)
        )?;
    }
    Ok(())
}

/// Milliseconds as FRR writes times.
fn time(milliseconds: u64) -> String {
    uptime(std::time::Duration::from_millis(milliseconds))
}

fn write_abilities(neighbor: &Neighbor, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let Some(capabilities) = &neighbor.neighbor_capabilities else {
        return Ok(());
    };
    let both = capabilities.iter().filter(|(_, value)| in_force(value));
    let names: Vec<_> = both.map(capability).collect();
    let text = format!("Capabilities of both sides: {}", names.join(", "));
    writeln!(out, "  {}", wrap(&text, style.width, 2, 4))?;
    let restart = &neighbor.graceful_restart_info;
    let mode = |name: &str| name.trim_end_matches('*').to_lowercase();
    let text = format!(
        "Graceful restart: mode {} here, {} there; restart time {} s here, {} s there",
        mode(&restart.local_gr_mode),
        mode(&restart.remote_gr_mode),
        restart.timers.configured_restart_timer,
        restart.timers.received_restart_timer
    );
    writeln!(out, "  {}", wrap(&text, style.width, 2, 4))
}

fn write_messages(stats: &MessageStats, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {:<18}{:>12} {:>12}", "Messages", "Sent", "Received")?;
    for (name, sent, received) in [
        ("Opens", stats.opens_sent, stats.opens_recv),
        (
            "Notifications",
            stats.notifications_sent,
            stats.notifications_recv,
        ),
        ("Updates", stats.updates_sent, stats.updates_recv),
        ("Keepalives", stats.keepalives_sent, stats.keepalives_recv),
        (
            "Route refreshes",
            stats.route_refresh_sent,
            stats.route_refresh_recv,
        ),
        ("Total", stats.total_sent, stats.total_recv),
    ] {
        writeln!(out, "    {name:<16}{sent:>12} {received:>12}")?;
    }
    writeln!(out, "  {} octets wait to be sent", stats.depth_outq)
}

fn write_connections(neighbor: &Neighbor, out: &mut dyn Write, style: Style) -> io::Result<()> {
    writeln!(
        out,
        "  Connections established {}; dropped {}",
        neighbor.connections_established, neighbor.connections_dropped
    )?;
    if neighbor.timers.bgp_timer_up_msec.is_some() {
        let text = format!(
            "Local host: {}, port {}; foreign host: {}, port {}",
            neighbor.connection.host_local,
            neighbor.connection.port_local,
            neighbor.connection.host_foreign,
            neighbor.connection.port_foreign
        );
        writeln!(out, "  {}", wrap(&text, style.width, 2, 4))?;
        let own = [
            &neighbor.connection.nexthop,
            &neighbor.connection.nexthop_global,
            &neighbor.connection.nexthop_local,
        ];
        let own: Vec<_> = own.into_iter().flatten().map(String::as_str).collect();
        if !own.is_empty() {
            let text = format!("Next hops told: {}", own.join(", "));
            writeln!(out, "  {}", wrap(&text, style.width, 2, 4))?;
        }
    }
    if let Some(reason) = &neighbor.last.last_reset_due_to {
        let ago = neighbor
            .last
            .last_reset_timer_msecs
            .map_or_else(String::new, |ago| format!(" {} ago", time(ago)));
        let text = format!("Last reset{ago}: {reason}");
        writeln!(out, "  {}", wrap(&text, style.width, 2, 4))?;
    }
    if let Some(error) = &neighbor.last.connect_error {
        let text = format!("Cannot connect: {error}");
        writeln!(out, "  {}", wrap(&text, style.width, 2, 4))?;
    }
    match neighbor.connection.next_connect_timer_due_in_msecs {
        Some(due) => writeln!(out, "  Next attempt to connect in {} s", due.div_ceil(1000)),
        None => Ok(()),
    }
}

/// Paths that are here and not used.
fn write_unused(stats: &PrefixStats, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let reasons = [
        (stats.inbound_filtered, "by policy"),
        (stats.aspath_loop, "with our AS in the path"),
        (stats.originator_loop, "originated here"),
        (stats.cluster_loop, "of our own cluster"),
        (stats.invalid_next_hop, "with our own address as next hop"),
        (stats.above_maximum, "above the maximum"),
    ];
    let words: Vec<_> = reasons
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, reason)| format!("{count} {reason}"))
        .collect();
    if !words.is_empty() {
        let text = format!("Paths not used: {}", words.join(", "));
        writeln!(out, "  {}", wrap(&text, style.width, 2, 4))?;
    }
    if stats.withdrawn + stats.attributes_discarded > 0 {
        let text = format!(
            "Errors in updates: {} withdrew routes, {} lost an attribute",
            stats.withdrawn, stats.attributes_discarded
        );
        writeln!(out, "  {}", style.paint(&text, Paint::Warn))?;
    }
    Ok(())
}

/// The name of a capability; that of multiprotocol with the families.
fn capability((name, value): (&String, &Value)) -> String {
    match (name.as_str(), value.as_object()) {
        ("4byteAs", _) => "4-octet AS".to_owned(),
        ("multiprotocolExtensions", Some(families)) => {
            let both = families.iter().filter(|(_, value)| in_force(value));
            let families: Vec<_> = both.map(|(family, _)| family_name(family)).collect();
            families.join(", ")
        }
        (name, Some(_)) => words(name),
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
        let why = if neighbor.timers.bgp_timer_up_msec.is_some() {
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
    write_settings(info, out, style)?;
    let restart = &neighbor.graceful_restart_info;
    if restart.families.contains_key(family) {
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

/// What is configured for a family and stands out.
fn write_settings(info: &FamilyInfo, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let mut settings = Vec::new();
    if let Some(name) = &info.route_map_for_incoming_advertisements {
        settings.push(format!("Route map for what comes in: {name}"));
    }
    if let Some(name) = &info.route_map_for_outgoing_advertisements {
        settings.push(format!("Route map for what goes out: {name}"));
    }
    if let Some(most) = info.prefix_allowed_max {
        let warning = info.prefix_allowed_warning_thresh.unwrap_or(100);
        settings.push(format!(
            "Maximum of prefixes: {most}, warning at {warning} %"
        ));
    }
    for (on, words) in [
        (info.route_reflector_client, "Route reflector client"),
        (info.route_server_client, "Route server client"),
        (
            info.router_always_next_hop,
            "We are the next hop of what it is told",
        ),
    ] {
        if on {
            settings.push(words.to_owned());
        }
    }
    match info.comm_attri_sent_to_nbr.as_deref() {
        Some("extendedAndStandard") => {}
        Some(kind) => settings.push(format!("Communities sent: {kind} ones only")),
        None => settings.push("Standard and extended communities are not sent".to_owned()),
    }
    if let Some(group) = info.update_group_id {
        settings.push(format!("Update group {group}"));
    }
    for line in settings {
        writeln!(out, "  {}", wrap(&line, style.width, 2, 4))?;
    }
    Ok(())
}
