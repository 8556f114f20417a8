//! Below `/bgp`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query as Fields, State};
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::json;

use crate::api::endpoints::Shared;
use crate::api::error::ApiError;
use crate::api::frr::neighbor::{Context, Neighbors};
use crate::api::frr::path::{Detail, PathRow, TableHead};
use crate::api::frr::summary::Summary;
use crate::api::listing::{self, Extent, Frame, Listing};
use crate::api::request::{ListFields, NoFields, Request, net, parse_family, parse_select};
use crate::api::{Backend, ask};
use crate::bgp::types::Family;
use crate::router::query::{Answer, BgpPrefix, Cursor, NeighborName, Page, Query, Select};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct FamilyField {
    family: Option<String>,
}

pub(in crate::api) async fn summary(
    State(backend): Shared,
    fields: Request<FamilyField>,
) -> Result<Response, ApiError> {
    let Fields(FamilyField { family }) = fields?;
    let summary = Summary::new(&ask::summary(&*backend).await?, backend.status());
    let Some(name) = family else {
        return Ok(Json(summary).into_response());
    };
    match summary.family(parse_family(&name)?) {
        Some(family) => Ok(Json(family).into_response()),
        None => Err(ApiError::not_found(format!("no neighbor carries {name}"))),
    }
}

pub(in crate::api) async fn neighbors(
    State(backend): Shared,
    fields: Request<NoFields>,
) -> Result<Json<Neighbors>, ApiError> {
    fields?;
    Ok(Json(all_neighbors(&*backend).await?))
}

pub(in crate::api) async fn neighbor(
    State(backend): Shared,
    Path(wanted): Path<String>,
    fields: Request<NoFields>,
) -> Result<Json<Neighbors>, ApiError> {
    fields?;
    let mut all = all_neighbors(&*backend).await?;
    let position = find_neighbor(&all, &wanted)?;
    Ok(Json([all.0.swap_remove(position)].into_iter().collect()))
}

async fn all_neighbors(backend: &dyn Backend) -> Result<Neighbors, ApiError> {
    let router_id = ask::summary(backend).await?.router_id;
    let context = Context {
        router_id,
        config: &backend.config(),
        status: backend.status(),
    };
    Ok(context.neighbors(ask::neighbors(backend).await?))
}

/// The name of the neighbor that is meant.
pub(super) async fn neighbor_called(
    backend: &dyn Backend,
    wanted: &str,
) -> Result<NeighborName, ApiError> {
    let all = all_neighbors(backend).await?;
    let (name, _) = &all.0[find_neighbor(&all, wanted)?];
    let neighbors = ask::neighbors(backend).await?;
    let found = neighbors.into_iter().map(|neighbor| neighbor.name);
    let mut found = found.filter(|each| each.to_string() == *name);
    let gone = || ApiError::not_found(format!("no such neighbor: {wanted}"));
    found.next().ok_or_else(gone)
}

/// By name, address or description, or by the beginning of name or description when only one neighbor has it.
fn find_neighbor(all: &Neighbors, wanted: &str) -> Result<usize, ApiError> {
    let canonical = wanted.parse::<IpAddr>().map(|address| address.to_string());
    let wanted = canonical.as_deref().unwrap_or(wanted);
    let exact = all.0.iter().position(|(name, neighbor)| {
        name == wanted
            || neighbor.bgp_neighbor_addr == wanted
            || neighbor.nbr_desc.as_deref() == Some(wanted)
    });
    if let Some(position) = exact {
        return Ok(position);
    }
    let begins = |text: &str| text.starts_with(wanted);
    let mut found = all.0.iter().enumerate().filter(|(_, (name, neighbor))| {
        begins(name) || neighbor.nbr_desc.as_deref().is_some_and(begins)
    });
    match (found.next(), found.next()) {
        (Some((position, _)), None) => Ok(position),
        (Some(_), Some(_)) => Err(ApiError::bad_value(format!(
            "more than one neighbor begins with {wanted:?}"
        ))),
        (None, _) => Err(ApiError::not_found(format!("no such neighbor: {wanted}"))),
    }
}

struct BgpList(Family);

impl Listing for BgpList {
    type Row = BgpPrefix;
    type View = Vec<PathRow>;

    fn query(&self, cursor: Cursor) -> Query {
        Query::BgpRoutes {
            family: self.0,
            select: Select::All,
            cursor,
        }
    }

    fn page(&self, answer: Answer) -> Option<Page<BgpPrefix>> {
        let Answer::BgpRoutes(page) = answer else {
            return None;
        };
        Some(page)
    }

    fn prefix(&self, row: &BgpPrefix) -> IpNet {
        row.prefix
    }

    fn view(&self, rows: Vec<BgpPrefix>) -> Vec<PathRow> {
        rows.iter().flat_map(PathRow::rows).collect()
    }
}

pub(in crate::api) async fn routes(
    State(backend): Shared,
    Path(family): Path<String>,
    fields: Request<ListFields>,
) -> Result<Response, ApiError> {
    let Fields(fields) = fields?;
    list(backend, parse_family(&family)?, fields.extent(None)?).await
}

async fn list(
    backend: Arc<dyn Backend>,
    family: Family,
    extent: Extent,
) -> Result<Response, ApiError> {
    let head = table_head(&*backend, family).await?;
    let frame = Frame {
        head: Some((json!(head), "routes")),
    };
    listing::respond(backend, BgpList(family), extent, frame).await
}

/// What stands in front of a list of paths.
pub(super) async fn table_head(
    backend: &dyn Backend,
    family: Family,
) -> Result<TableHead, ApiError> {
    let summary = ask::summary(backend).await?;
    let of_family = summary.families.iter().find(|view| view.family == family);
    let config = backend.config();
    let bgp = config.protocols.bgp.as_ref();
    Ok(TableHead {
        vrf_id: 0,
        vrf_name: "default".to_owned(),
        table_version: of_family.map_or(0, |family| family.table_version),
        router_id: summary.router_id.to_string(),
        default_loc_prf: bgp.map_or(100, |bgp| bgp.parameters.default_local_pref),
        local_as: summary.local_as.0,
    })
}

pub(in crate::api) async fn route(
    State(backend): Shared,
    Path((family, wanted)): Path<(String, String)>,
    fields: Request<ListFields>,
) -> Result<Response, ApiError> {
    let Fields(fields) = fields?;
    let family = parse_family(&family)?;
    let select = parse_select(&wanted, family)?;
    if fields.is_list() {
        return list(backend, family, fields.extent(Some(net(select)))?).await;
    }
    let query = Query::BgpRoutes {
        family,
        select,
        cursor: Cursor::default(),
    };
    let page = ask::bgp_routes(&*backend, query).await?;
    let Some(prefix) = page.rows.first() else {
        return Err(ApiError::not_found(format!(
            "{wanted} is not in the BGP table"
        )));
    };
    let router_id = ask::summary(&*backend).await?.router_id;
    Ok(Json(Detail::new(prefix, router_id)).into_response())
}
