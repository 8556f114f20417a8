//! Below `/routes`.

use axum::extract::{Path, Query as Fields, State};
use axum::response::Response;
use ipnet::IpNet;

use crate::api::ask;
use crate::api::endpoints::Shared;
use crate::api::error::ApiError;
use crate::api::frr::route::Route;
use crate::api::listing::{self, Frame, Listing};
use crate::api::request::{ListFields, Request, net, parse_family, parse_select};
use crate::bgp::types::Family;
use crate::router::query::{self, Answer, Cursor, Page, Query, Select};

struct RouteList {
    family: Family,
    select: Select,
}

impl Listing for RouteList {
    type Row = query::Route;
    type View = Vec<Route>;

    fn query(&self, cursor: Cursor) -> Query {
        Query::Routes {
            family: self.family,
            select: self.select,
            cursor,
        }
    }

    fn page(&self, answer: Answer) -> Option<Page<query::Route>> {
        let Answer::Routes(page) = answer else {
            return None;
        };
        Some(page)
    }

    fn prefix(&self, row: &query::Route) -> IpNet {
        row.prefix
    }

    /// The chosen route first, then by distance.
    fn view(&self, mut rows: Vec<query::Route>) -> Vec<Route> {
        rows.sort_by_key(|route| (!route.selected, route.distance, route.protocol));
        rows.iter().map(Route::new).collect()
    }
}

pub(in crate::api) async fn routes(
    State(backend): Shared,
    Path(family): Path<String>,
    fields: Request<ListFields>,
) -> Result<Response, ApiError> {
    let Fields(fields) = fields?;
    let family = parse_family(&family)?;
    let listing = RouteList {
        family,
        select: Select::All,
    };
    listing::respond(backend, listing, fields.extent(None)?, Frame { head: None }).await
}

pub(in crate::api) async fn route(
    State(backend): Shared,
    Path((family, wanted)): Path<(String, String)>,
    fields: Request<ListFields>,
) -> Result<Response, ApiError> {
    let Fields(fields) = fields?;
    let family = parse_family(&family)?;
    let select = parse_select(&wanted, family)?;
    let mut extent = fields.extent(None)?;
    if fields.is_list() {
        extent.within = Some(net(select));
        let listing = RouteList {
            family,
            select: Select::All,
        };
        return listing::respond(backend, listing, extent, Frame { head: None }).await;
    }
    let query = RouteList { family, select }.query(Cursor::default());
    let page = ask::routes(&*backend, query).await?;
    if page.rows.is_empty() {
        return Err(ApiError::not_found(match select {
            Select::Exact(prefix) => format!("{prefix} is not in the routing table"),
            Select::Match(address) => format!("no route to {address}"),
            Select::All => "the routing table is empty".to_owned(),
        }));
    }
    let listing = RouteList { family, select };
    listing::respond(backend, listing, extent, Frame { head: None }).await
}
