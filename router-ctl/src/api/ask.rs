//! Questions to the router, each with the one kind of answer it has.

use crate::api::Backend;
use crate::api::error::ApiError;
use crate::router::query::{
    Answer, BfdPeer, BgpPrefix, BgpSummary, FibSummary, InstalledPrefix, Interface, Neighbor, Page,
    Query, Route, Startup,
};

pub(super) async fn summary(backend: &dyn Backend) -> Result<BgpSummary, ApiError> {
    let Answer::BgpSummary(summary) = backend.ask(Query::BgpSummary).await? else {
        return Err(ApiError::wrong_answer());
    };
    Ok(summary)
}

pub(super) async fn neighbors(backend: &dyn Backend) -> Result<Vec<Neighbor>, ApiError> {
    let Answer::BgpNeighbors(neighbors) = backend.ask(Query::BgpNeighbors).await? else {
        return Err(ApiError::wrong_answer());
    };
    Ok(neighbors)
}

pub(super) async fn interfaces(backend: &dyn Backend) -> Result<Vec<Interface>, ApiError> {
    let Answer::Interfaces(interfaces) = backend.ask(Query::Interfaces).await? else {
        return Err(ApiError::wrong_answer());
    };
    Ok(interfaces)
}

pub(super) async fn fib(backend: &dyn Backend) -> Result<FibSummary, ApiError> {
    let Answer::Fib(fib) = backend.ask(Query::Fib).await? else {
        return Err(ApiError::wrong_answer());
    };
    Ok(fib)
}

pub(super) async fn bfd_peers(backend: &dyn Backend) -> Result<Vec<BfdPeer>, ApiError> {
    let Answer::BfdPeers(peers) = backend.ask(Query::BfdPeers).await? else {
        return Err(ApiError::wrong_answer());
    };
    Ok(peers)
}

pub(super) async fn startup(backend: &dyn Backend) -> Result<Startup, ApiError> {
    let Answer::Startup(startup) = backend.ask(Query::Startup).await? else {
        return Err(ApiError::wrong_answer());
    };
    Ok(startup)
}

/// `query` is a [`Query::Installed`].
pub(super) async fn installed(
    backend: &dyn Backend,
    query: Query,
) -> Result<Page<InstalledPrefix>, ApiError> {
    let Answer::Installed(page) = backend.ask(query).await? else {
        return Err(ApiError::wrong_answer());
    };
    Ok(page)
}

/// `query` is a [`Query::BgpRoutes`].
pub(super) async fn bgp_routes(
    backend: &dyn Backend,
    query: Query,
) -> Result<Page<BgpPrefix>, ApiError> {
    let Answer::BgpRoutes(page) = backend.ask(query).await? else {
        return Err(ApiError::wrong_answer());
    };
    Ok(page)
}

/// `query` is a [`Query::Routes`].
pub(super) async fn routes(backend: &dyn Backend, query: Query) -> Result<Page<Route>, ApiError> {
    let Answer::Routes(page) = backend.ask(query).await? else {
        return Err(ApiError::wrong_answer());
    };
    Ok(page)
}
