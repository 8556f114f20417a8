//! `show route`, as FRR prints it.

use std::io::{self, Write};

use crate::api::frr::route::{NextHop, Route, Routes};
use crate::cli::check::plural;
use crate::cli::client::parse;
use crate::cli::failure::Failure;
use crate::cli::output::{Paint, Style};
use crate::cli::show::Lines;

/// The table, line by line.
#[derive(Default)]
pub(super) struct Listing {
    routes: usize,
}

impl Lines for Listing {
    fn line(&mut self, line: &[u8], out: &mut dyn Write, style: Style) -> Result<(), Failure> {
        let entry: Routes = parse(line)?;
        for route in entry.0.iter().flat_map(|(_, routes)| routes) {
            if self.routes == 0 {
                writeln!(out, "Codes: L - local, C - connected, S - static, B - BGP,")?;
                writeln!(
                    out,
                    "       > - selected route, * - in the data plane, q - on its way there\n"
                )?;
            }
            self.routes += 1;
            write_route(route, out, style)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.routes == 0 {
            return writeln!(out, "No routes.");
        }
        writeln!(out, "\n{}", plural(self.routes, "route"))
    }
}

/// `B>* 203.0.113.0/24 [20/0] via 10.0.0.2, eth0`, one line for each next hop.
fn write_route(route: &Route, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let letter = match route.protocol.as_str() {
        "local" => "L",
        "connected" => "C",
        "static" => "S",
        "bgp" => "B",
        _ => "?",
    };
    let selected = if route.selected { ">" } else { " " };
    let state = match (route.installed, route.queued) {
        (true, _) => "*",
        (false, true) => "q",
        (false, false) => " ",
    };
    let own = matches!(route.protocol.as_str(), "local" | "connected");
    let distance = if own {
        String::new()
    } else {
        format!(" [{}/{}]", route.distance, route.metric)
    };
    let head = format!("{letter}{selected}{state} {}{distance}", route.prefix);
    let Some((first, rest)) = route.nexthops.split_first() else {
        return writeln!(out, "{head}");
    };
    let paint = if route.selected {
        Paint::Plain
    } else {
        Paint::Warn
    };
    writeln!(
        out,
        "{}{}",
        style.paint(&head, paint),
        leads_to(first, route, style, head.len())
    )?;
    for next_hop in rest {
        // The star of a further next hop stands below that of the first.
        let star = if next_hop.fib { "*" } else { " " };
        let blank = " ".repeat(head.len() - 3);
        writeln!(
            out,
            "  {star}{blank}{}",
            leads_to(next_hop, route, style, head.len())
        )?;
    }
    Ok(())
}

fn leads_to(next_hop: &NextHop, route: &Route, style: Style, column: usize) -> String {
    let mut text = match &next_hop.ip {
        Some(ip) => format!(" via {ip}"),
        None if next_hop.blackhole => " unreachable (blackhole)".to_owned(),
        None if next_hop.reject => " unreachable (ICMP unreachable)".to_owned(),
        None if route.protocol == "local" => " is local".to_owned(),
        None => " is directly connected".to_owned(),
    };
    if let Some(interface) = &next_hop.interface_name {
        text.push_str(&format!(", {interface}"));
    }
    if next_hop.recursive {
        text.push_str(" (recursive)");
    }
    if !next_hop.active {
        text.push_str(", inactive");
    }
    if let Some(share) = share(next_hop).filter(|_| route.nexthops.len() > 1)
        && column + text.len() + share.len() + 2 <= style.width
    {
        text.push_str(&format!(", {share}"));
    }
    text
}

/// The part of the traffic that goes this way.
fn share(next_hop: &NextHop) -> Option<String> {
    let (held, total) = (next_hop.buckets?, next_hop.buckets_total?);
    let percent = (u64::from(held) * 1000).checked_div(u64::from(total))?;
    Some(format!("{}.{} %", percent / 10, percent % 10))
}

/// `show route PREFIX|ADDRESS`.
pub(super) fn detail(routes: &Routes, out: &mut dyn Write, style: Style) -> io::Result<()> {
    for (at, route) in routes.0.iter().flat_map(|(_, routes)| routes).enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        writeln!(
            out,
            "Routing entry for {}",
            style.paint(&route.prefix, Paint::Bold)
        )?;
        let kind = route
            .bgp_type
            .as_ref()
            .map_or_else(String::new, |kind| format!(" ({kind})"));
        let best = if route.selected { ", best" } else { "" };
        writeln!(
            out,
            "  Known via \"{}\"{kind}, distance {}, metric {}{best}",
            route.protocol, route.distance, route.metric
        )?;
        match (route.installed, route.queued) {
            (true, _) => writeln!(out, "  In the data plane")?,
            (false, true) => writeln!(
                out,
                "  {}",
                style.paint("On its way to the data plane", Paint::Warn)
            )?,
            (false, false) => writeln!(out, "  Not in the data plane: another route is better")?,
        }
        for next_hop in &route.nexthops {
            write_next_hop(next_hop, route, out)?;
        }
    }
    Ok(())
}

fn write_next_hop(next_hop: &NextHop, route: &Route, out: &mut dyn Write) -> io::Result<()> {
    let star = if next_hop.fib { "*" } else { " " };
    let mut text = match &next_hop.ip {
        Some(ip) => ip.clone(),
        None if next_hop.blackhole => "blackhole".to_owned(),
        None if next_hop.reject => "unreachable".to_owned(),
        None if route.protocol == "local" => "local".to_owned(),
        None => "directly connected".to_owned(),
    };
    if let Some(interface) = &next_hop.interface_name {
        text.push_str(&format!(", via {interface}"));
    }
    if next_hop.ip.is_some() {
        text.push_str(&format!(", weight {}", next_hop.weight));
    }
    if next_hop.recursive {
        text.push_str(", recursive");
    }
    if !next_hop.active {
        text.push_str(", inactive");
    }
    if let (Some(held), Some(total), Some(share)) =
        (next_hop.buckets, next_hop.buckets_total, share(next_hop))
    {
        text.push_str(&format!(", {held} of {total} buckets ({share})"));
    }
    writeln!(out, "  {star} {text}")
}
