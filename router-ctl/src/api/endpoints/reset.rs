//! Below `/reset`: what ends or renews sessions.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;

use crate::api::ask;
use crate::api::endpoints::Shared;
use crate::api::error::ApiError;
use crate::api::request::{NoFields, Request};
use crate::api::view::{ResetDone, ResetNeighbor};
use crate::config::model::{Bgp, Config};
use crate::router::event::ResetKind;
use crate::router::query::{Neighbor, PeerId};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manner {
    soft: Option<Soft>,
    message: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Soft {
    In,
    Out,
}

pub(in crate::api) async fn bgp(
    State(backend): Shared,
    Path(wanted): Path<String>,
    fields: Request<NoFields>,
    body: Bytes,
) -> Result<Json<ResetDone>, ApiError> {
    fields?;
    let (kind, action) = manner(&body)?;
    let mut neighbors = ask::neighbors(&*backend).await?;
    let meant = resolve(&neighbors, &wanted, &backend.config())?;
    neighbors.retain(|neighbor| meant.contains(&neighbor.peer));
    neighbors.sort_by_key(|neighbor| (neighbor.address, neighbor.peer));
    let backend = Arc::clone(&backend);
    let mut reset = Vec::new();
    for neighbor in neighbors {
        backend.reset(neighbor.peer, kind.clone())?;
        reset.push(ResetNeighbor {
            neighbor: neighbor.name.to_string(),
            description: neighbor.description,
            action: action.to_owned(),
        });
    }
    Ok(Json(ResetDone { reset }))
}

/// What is to happen, and its name in the answer. An empty body ends the session.
fn manner(body: &[u8]) -> Result<(ResetKind, &'static str), ApiError> {
    let manner = if body.is_empty() {
        Manner::default()
    } else {
        serde_json::from_slice(body).map_err(|error| ApiError::bad_value(error.to_string()))?
    };
    match (manner.soft, manner.message) {
        (Some(_), Some(_)) => Err(ApiError::bad_value(
            "a soft reset sends no NOTIFICATION that could carry a message",
        )),
        (Some(Soft::In), None) => Ok((ResetKind::SoftIn, "soft-in")),
        (Some(Soft::Out), None) => Ok((ResetKind::SoftOut, "soft-out")),
        (None, message) => Ok((ResetKind::Hard(message), "hard")),
    }
}

type Meant = BTreeSet<PeerId>;

/// `all`, a peer group, a name, an address or a description; else what begins with one of the last three, if
/// that is one neighbour only.
fn resolve(neighbors: &[Neighbor], wanted: &str, config: &Config) -> Result<Meant, ApiError> {
    let peers = |meant: &dyn Fn(&Neighbor) -> bool| -> Meant {
        let meant = neighbors.iter().filter(|neighbor| meant(neighbor));
        meant.map(|neighbor| neighbor.peer).collect()
    };
    if wanted == "all" {
        return Ok(peers(&|_| true));
    }
    let bgp = config.protocols.bgp.as_ref();
    if let Some(bgp) = bgp.filter(|bgp| bgp.peer_group.contains_key(wanted)) {
        return Ok(peers(&|neighbor| group(neighbor, bgp) == Some(wanted)));
    }
    let canonical = wanted
        .parse::<std::net::IpAddr>()
        .map(|address| address.to_string());
    let wanted = canonical.as_deref().unwrap_or(wanted);
    let exact = peers(&|neighbor| names(neighbor).any(|name| name == wanted));
    if !exact.is_empty() {
        return Ok(exact);
    }
    let beginning = peers(&|neighbor| names(neighbor).any(|name| name.starts_with(wanted)));
    match beginning.len() {
        0 => Err(ApiError::not_found(format!(
            "no such neighbor or peer group: {wanted}"
        ))),
        1 => Ok(beginning),
        _ => Err(ApiError::bad_value(format!(
            "more than one neighbor begins with {wanted:?}"
        ))),
    }
}

fn names(neighbor: &Neighbor) -> impl Iterator<Item = String> {
    [
        Some(neighbor.name.to_string()),
        Some(neighbor.address.to_string()),
        neighbor.description.clone(),
    ]
    .into_iter()
    .flatten()
}

/// The group of a neighbour: the configured one, or that of the narrowest range which it came from.
fn group<'a>(neighbor: &Neighbor, bgp: &'a Bgp) -> Option<&'a str> {
    if let Some(configured) = bgp.neighbor.get(&neighbor.name) {
        return configured.peer_group.as_deref();
    }
    let ranges = bgp.listen.range.iter();
    ranges
        .filter(|(range, _)| range.contains(&neighbor.address))
        .max_by_key(|(range, _)| range.prefix_len())
        .map(|(_, range)| range.peer_group.as_str())
}
