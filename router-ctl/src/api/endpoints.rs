//! One function for each endpoint: read the request, ask the router, make the body.

pub(super) mod bgp;
pub(super) mod explain;
pub(super) mod neighbor_routes;
pub(super) mod reset;
pub(super) mod routes;
pub(super) mod stats;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::api::error::ApiError;
use crate::api::frr::bfd::{BfdPeer, BfdPeers};
use crate::api::request::{NoFields, Request};
use crate::api::view::{
    Fib, Interfaces, Startup, StatusView, Version, interfaces as view_interfaces,
};
use crate::api::{Backend, ask};

type Shared = State<Arc<dyn Backend>>;

pub(super) async fn version(fields: Request<NoFields>) -> Result<Json<Version>, ApiError> {
    fields?;
    Ok(Json(Version::of_this_build()))
}

pub(super) async fn status(
    State(backend): Shared,
    fields: Request<NoFields>,
) -> Result<Json<StatusView>, ApiError> {
    fields?;
    Ok(Json(StatusView::new(backend.status(), &backend.config())))
}

pub(super) async fn startup(
    State(backend): Shared,
    fields: Request<NoFields>,
) -> Result<Json<Startup>, ApiError> {
    fields?;
    Ok(Json(Startup::new(&ask::startup(&*backend).await?)))
}

pub(super) async fn interfaces(
    State(backend): Shared,
    fields: Request<NoFields>,
) -> Result<Json<Interfaces>, ApiError> {
    fields?;
    let interfaces = ask::interfaces(&*backend).await?;
    Ok(Json(view_interfaces(interfaces, &backend.config())))
}

pub(super) async fn bfd_peers(
    State(backend): Shared,
    fields: Request<NoFields>,
) -> Result<Json<BfdPeers>, ApiError> {
    fields?;
    let peers = ask::bfd_peers(&*backend).await?;
    Ok(Json(peers.iter().map(BfdPeer::new).collect()))
}

pub(super) async fn fib(
    State(backend): Shared,
    fields: Request<NoFields>,
) -> Result<Json<Fib>, ApiError> {
    fields?;
    Ok(Json(Fib::new(&ask::fib(&*backend).await?)))
}
