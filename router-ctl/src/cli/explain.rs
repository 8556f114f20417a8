//! `explain`: what would happen, and why, asked of the running daemon.

use std::io::Write;

use serde_json::json;

use crate::api::frr::policy::{Trial, Trials};
use crate::cli::args::{Explain, ExplainPolicy};
use crate::cli::client::{self, Client};
use crate::cli::failure::Failure;
use crate::cli::output::{Paint, Style};
use crate::cli::table::wrap;

pub(super) fn explain(
    client: &Client,
    explain: &Explain,
    out: &mut dyn Write,
    style: Style,
) -> Result<(), Failure> {
    let Explain::Policy(ExplainPolicy {
        route_map,
        prefixes,
        print,
    }) = explain;
    let body = json!({"routeMap": route_map, "prefixes": prefixes});
    let answer = client.post("/explain/policy", &body)?.bytes()?;
    if print.json {
        out.write_all(&answer)?;
        return Ok(writeln!(out)?);
    }
    let trials: Trials = client::parse(&answer)?;
    if trials.trials.is_empty() {
        writeln!(out, "No neighbor has sent any of these prefixes.")?;
    }
    for trial in &trials.trials {
        write_trial(trial, out, style)?;
    }
    Ok(())
}

fn write_trial(trial: &Trial, out: &mut dyn Write, style: Style) -> std::io::Result<()> {
    let from = trial.peer.as_deref().unwrap_or("this router");
    let paint = if trial.permitted {
        Paint::Good
    } else {
        Paint::Bad
    };
    writeln!(
        out,
        "{} from {from}: {}",
        trial.prefix,
        style.paint(
            if trial.permitted {
                "permitted"
            } else {
                "denied"
            },
            paint
        )
    )?;
    for step in &trial.steps {
        writeln!(out, "  {}", wrap(step, style.width, 2, 4))?;
    }
    for change in &trial.changes {
        writeln!(out, "  {}", wrap(change, style.width, 2, 4))?;
    }
    Ok(())
}
