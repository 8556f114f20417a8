//! One BGP prefix in full: its paths and who was told.

use std::io::{self, Write};

use crate::api::frr::path::{Detail, NextHop, Path};
use crate::cli::output::{Paint, Style};
use crate::cli::table::wrap;

pub(super) fn detail(detail: &Detail, out: &mut dyn Write, style: Style) -> io::Result<()> {
    writeln!(
        out,
        "BGP routing table entry for {}",
        style.paint(&detail.prefix, Paint::Bold)
    )?;
    let best = detail.paths.iter().position(|path| path.bestpath.is_some());
    match best {
        Some(at) => writeln!(
            out,
            "Paths: ({} available, best #{})",
            detail.paths.len(),
            at + 1
        )?,
        None => writeln!(
            out,
            "Paths: ({} available, no best path)",
            detail.paths.len()
        )?,
    }
    let told: Vec<_> = detail
        .advertised_to
        .0
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let told = if told.is_empty() {
        "Not advertised to any neighbor".to_owned()
    } else {
        format!("Advertised to: {}", told.join(" "))
    };
    writeln!(out, "  {}", wrap(&told, style.width, 2, 4))?;
    for path in &detail.paths {
        write_path(path, out, style)?;
    }
    Ok(())
}

/// Where the path leads and who sent it; the link-local address that came along has a line of its own.
fn write_next_hop(
    path: &Path,
    next_hop: &NextHop,
    out: &mut dyn Write,
    style: Style,
) -> io::Result<()> {
    let ip = &next_hop.ip;
    if !next_hop.used {
        return writeln!(out, "    ({ip})");
    }
    let note = match next_hop.metric {
        _ if !next_hop.accessible => " (inaccessible)".to_owned(),
        Some(metric) if metric > 0 => format!(" (metric {metric})"),
        Some(_) | None => String::new(),
    };
    let router_id = &path.peer.router_id;
    let from = if path.sourced {
        format!("{ip}{note} from this router ({router_id})")
    } else {
        let peer = &path.peer.peer_id;
        let host = path.peer.hostname.as_ref();
        let host = host.map_or_else(String::new, |host| format!("({host})"));
        format!("{ip}{note} from {peer}{host} ({router_id})")
    };
    writeln!(out, "    {}", wrap(&from, style.width, 4, 6))
}

fn write_path(path: &Path, out: &mut dyn Write, style: Style) -> io::Result<()> {
    let wrapped = |text: &str, indent: usize| wrap(text, style.width, indent, indent + 2);
    writeln!(out, "  {}", wrapped(&path.aspath.string, 2))?;
    for next_hop in &path.nexthops {
        write_next_hop(path, next_hop, out, style)?;
    }
    let mut words = vec![format!("Origin {}", path.origin)];
    words.extend(path.metric.map(|metric| format!("metric {metric}")));
    words.extend(path.loc_prf.map(|value| format!("localpref {value}")));
    words.extend((path.weight != 0).then(|| format!("weight {}", path.weight)));
    words.push(if path.valid { "valid" } else { "not valid" }.to_owned());
    words.extend(path.sourced.then(|| "sourced".to_owned()));
    words.extend(path.peer.kind.clone());
    words.extend(
        path.stale
            .then(|| match path.graceful_restart_seconds_remaining {
                Some(left) => format!("stale ({left} s left)"),
                None => "stale".to_owned(),
            }),
    );
    words.extend(path.multipath.then(|| "multipath".to_owned()));
    words.extend(path.atomic_aggregate.then(|| "atomic-aggregate".to_owned()));
    words.extend(path.addpath_rx_id.map(|id| format!("path id {id}")));
    words.extend(
        path.bestpath
            .as_ref()
            .map(|best| match best.selection_reason.as_str() {
                "" => "best".to_owned(),
                reason => format!("best ({reason})"),
            }),
    );
    words.extend(
        path.reason
            .as_ref()
            .map(|reason| format!("not best ({reason})")),
    );
    writeln!(out, "      {}", wrapped(&words.join(", "), 6))?;
    if let (Some(asn), Some(id)) = (path.aggregator_as, &path.aggregator_id) {
        writeln!(out, "      Aggregator: AS {asn}, {id}")?;
    }
    if let Some(communities) = &path.community {
        writeln!(
            out,
            "      {}",
            wrapped(&format!("Community: {}", communities.string), 6)
        )?;
    }
    if let Some(communities) = &path.large_community {
        writeln!(
            out,
            "      {}",
            wrapped(&format!("Large Community: {}", communities.string), 6)
        )?;
    }
    if let Some(communities) = &path.extended_community {
        let text = format!("Extended Community: {}", communities.string);
        writeln!(out, "      {}", wrapped(&text, 6))?;
    }
    if let Some(originator) = &path.originator_id {
        let clusters = path
            .cluster_list
            .as_ref()
            .map_or_else(String::new, |clusters| {
                format!(", Cluster list: {}", clusters.list.join(" "))
            });
        writeln!(
            out,
            "      {}",
            wrapped(&format!("Originator: {originator}{clusters}"), 6)
        )?;
    }
    Ok(())
}
