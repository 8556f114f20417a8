//! Below `/bgp/neighbors/X/routes`: the tables of one neighbour.

use std::sync::Arc;

use axum::extract::{Path, Query as Fields, State};
use axum::response::Response;
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::json;

use crate::api::endpoints::{Shared, bgp};
use crate::api::error::ApiError;
use crate::api::frr::path::PathRow;
use crate::api::listing::{self, Extent, Format, Frame, Listing};
use crate::api::request::{Request, parse_family, parse_prefix};
use crate::bgp::types::Family;
use crate::router::query::{Answer, BgpPrefix, Cursor, NeighborName, NeighborTable, Page, Query};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct TableFields {
    family: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
    format: Option<String>,
}

struct NeighborList {
    neighbor: NeighborName,
    family: Family,
    table: NeighborTable,
}

impl Listing for NeighborList {
    type Row = BgpPrefix;
    type View = Vec<PathRow>;

    fn query(&self, cursor: Cursor) -> Query {
        Query::NeighborRoutes {
            neighbor: self.neighbor.clone(),
            family: self.family,
            table: self.table,
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

/// The tables by their names, and the key of the list in the body.
const TABLES: [(&str, NeighborTable, &str); 4] = [
    ("received", NeighborTable::Received, "receivedRoutes"),
    ("accepted", NeighborTable::Accepted, "routes"),
    ("filtered", NeighborTable::Filtered, "filteredRoutes"),
    ("advertised", NeighborTable::Advertised, "advertisedRoutes"),
];

pub(in crate::api) async fn table(
    State(backend): Shared,
    Path((wanted, name)): Path<(String, String)>,
    fields: Request<TableFields>,
) -> Result<Response, ApiError> {
    let Fields(fields) = fields?;
    let Some(&(_, table, key)) = TABLES.iter().find(|each| each.0 == name) else {
        return Err(ApiError::not_found(format!(
            "{name}: received, accepted, filtered and advertised are the tables of a neighbor"
        )));
    };
    let neighbor = bgp::neighbor_called(&*backend, &wanted).await?;
    let family = match &fields.family {
        Some(family) => parse_family(family)?,
        None => Family::Ipv4Unicast,
    };
    let extent = Extent {
        within: None,
        after: fields.after.as_deref().map(parse_prefix).transpose()?,
        limit: fields.limit,
        format: match fields.format.as_deref() {
            Some("ndjson") => Format::Ndjson,
            None | Some("json") => Format::Json,
            Some(other) => {
                let message = format!("format {other:?}: json and ndjson are known");
                return Err(ApiError::bad_value(message));
            }
        },
    };
    let head = bgp::table_head(&*backend, family).await?;
    let frame = Frame {
        head: Some((json!(head), key)),
    };
    let list = NeighborList {
        neighbor,
        family,
        table,
    };
    listing::respond(Arc::clone(&backend), list, extent, frame).await
}
