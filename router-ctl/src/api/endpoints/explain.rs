//! Below `/explain`: what would happen, and why.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use ipnet::IpNet;
use serde::Deserialize;

use crate::api::endpoints::Shared;
use crate::api::error::ApiError;
use crate::api::frr::policy::{Trial, Trials};
use crate::api::request::{NoFields, Request, parse_prefix};
use crate::router::query::{Answer, Query};

/// Prefixes that one question may name.
const PREFIXES: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wanted {
    route_map: String,
    prefixes: Vec<String>,
}

pub(in crate::api) async fn policy(
    State(backend): Shared,
    fields: Request<NoFields>,
    body: Bytes,
) -> Result<Json<Trials>, ApiError> {
    fields?;
    let Wanted {
        route_map,
        prefixes,
    } = serde_json::from_slice(&body).map_err(|error| ApiError::bad_value(error.to_string()))?;
    if prefixes.is_empty() || prefixes.len() > PREFIXES {
        return Err(ApiError::bad_value(format!(
            "name between 1 and {PREFIXES} prefixes"
        )));
    }
    let prefixes: Vec<IpNet> = prefixes
        .iter()
        .map(|prefix| parse_prefix(prefix))
        .collect::<Result<_, _>>()?;
    let query = Query::ExplainPolicy {
        route_map: route_map.clone(),
        prefixes,
    };
    let Answer::Policy(outcome) = backend.ask(query).await? else {
        return Err(ApiError::wrong_answer());
    };
    let trials = outcome.map_err(ApiError::not_found)?;
    Ok(Json(Trials {
        route_map,
        trials: trials.iter().map(Trial::new).collect(),
    }))
}
