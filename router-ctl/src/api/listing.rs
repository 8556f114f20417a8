//! Long lists, sorted by prefix, in bounded memory. The router gives pages in no particular order; a sweep
//! over all of them keeps the lowest [`SWEEP_PREFIXES`] prefixes behind the last one that was sent, and as
//! many sweeps follow as it takes. A list that fits is one sweep.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use ipnet::IpNet;
use serde::Serialize;

use crate::api::Backend;
use crate::api::error::ApiError;
use crate::router::query::{Answer, Cursor, Page, Query};

/// Prefixes that one sweep collects at most.
const SWEEP_PREFIXES: usize = 32 * 1024;
/// Octets that one chunk of a body has at least, unless it is the last.
const CHUNK: usize = 64 * 1024;

/// What is listed.
pub(super) trait Listing: Send + Sync + 'static {
    type Row: Send;
    type View: Serialize;

    fn query(&self, cursor: Cursor) -> Query;
    /// The page of an answer to [`query`](Self::query).
    fn page(&self, answer: Answer) -> Option<Page<Self::Row>>;
    fn prefix(&self, row: &Self::Row) -> IpNet;
    /// All rows of one prefix.
    fn view(&self, rows: Vec<Self::Row>) -> Self::View;
}

/// Which part of the list, and how it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Extent {
    /// Only this prefix and those inside of it.
    pub(super) within: Option<IpNet>,
    /// Only prefixes behind this one.
    pub(super) after: Option<IpNet>,
    pub(super) limit: Option<usize>,
    pub(super) format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// One object, its keys the prefixes.
    #[default]
    Json,
    /// One object a line, each with one prefix; before them the head, if there is one.
    Ndjson,
}

/// What surrounds the list in the body.
pub(super) struct Frame {
    /// The object that the list is a part of, and the key of the list in it.
    pub(super) head: Option<(serde_json::Value, &'static str)>,
}

/// Streams the list. The first sweep is made before the response begins, so that a failure has a status.
pub(super) async fn respond<L: Listing>(
    backend: Arc<dyn Backend>,
    listing: L,
    extent: Extent,
    frame: Frame,
) -> Result<Response, ApiError> {
    let format = extent.format;
    let mut sweeps = Sweeps {
        backend,
        listing,
        extent,
        first: true,
        rows: BTreeMap::new(),
        more: true,
    };
    sweeps.refill().await?;
    let opening = opening(&frame, format);
    let closing = match (format, &frame.head) {
        (Format::Json, Some(_)) => "}}",
        (Format::Json, None) => "}",
        (Format::Ndjson, _) => "",
    };
    let start = Some((sweeps, opening));
    let body = stream::unfold(start, move |state| async move {
        let (mut sweeps, mut chunk) = state?;
        let ended = match sweeps.write(&mut chunk).await {
            Ok(ended) => ended,
            Err(error) => return Some((Err(axum::Error::new(Broken(error.message))), None)),
        };
        if ended {
            chunk.push_str(closing);
            return Some((Ok(Bytes::from(chunk)), None));
        }
        Some((Ok(Bytes::from(chunk)), Some((sweeps, String::new()))))
    });
    let kind = match format {
        Format::Json => "application/json",
        Format::Ndjson => "application/x-ndjson",
    };
    Ok(([(CONTENT_TYPE, kind)], Body::from_stream(body)).into_response())
}

/// A body that could not be finished; the connection is closed on it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(String);

fn opening(frame: &Frame, format: Format) -> String {
    match (&frame.head, format) {
        (None, Format::Json) => "{".to_owned(),
        (None, Format::Ndjson) => String::new(),
        (Some((head, _)), Format::Ndjson) => format!("{head}\n"),
        (Some((head, key)), Format::Json) => {
            let head = head.to_string();
            let open = head.strip_suffix('}').unwrap_or(&head);
            format!("{open},\"{key}\":{{")
        }
    }
}

struct Sweeps<L: Listing> {
    backend: Arc<dyn Backend>,
    listing: L,
    /// What is still to be sent.
    extent: Extent,
    /// Nothing was written yet.
    first: bool,
    /// What the last sweep collected.
    rows: BTreeMap<IpNet, Vec<L::Row>>,
    /// Another sweep may find more.
    more: bool,
}

impl<L: Listing> Sweeps<L> {
    /// Adds a chunk's worth of prefixes. True when that was the last of them.
    async fn write(&mut self, chunk: &mut String) -> Result<bool, ApiError> {
        while chunk.len() < CHUNK {
            let Some((prefix, rows)) = self.rows.pop_first() else {
                if !self.more {
                    return Ok(true);
                }
                self.refill().await?;
                continue;
            };
            self.extent.after = Some(prefix);
            let view = serde_json::to_string(&self.listing.view(rows))
                .map_err(|_| ApiError::wrong_answer())?;
            match (self.extent.format, self.first) {
                (Format::Json, true) => chunk.push_str(&format!("\"{prefix}\":{view}")),
                (Format::Json, false) => chunk.push_str(&format!(",\"{prefix}\":{view}")),
                (Format::Ndjson, _) => chunk.push_str(&format!("{{\"{prefix}\":{view}}}\n")),
            }
            self.first = false;
        }
        Ok(false)
    }

    /// One sweep: the lowest prefixes behind `after`.
    async fn refill(&mut self) -> Result<(), ApiError> {
        let room = self.extent.limit.unwrap_or(usize::MAX).min(SWEEP_PREFIXES);
        let mut left_out = false;
        let mut cursor = Some(Cursor::default());
        while let (Some(at), true) = (cursor, room > 0) {
            let answer = self.backend.ask(self.listing.query(at)).await?;
            let page = self
                .listing
                .page(answer)
                .ok_or_else(ApiError::wrong_answer)?;
            for row in page.rows {
                left_out |= self.keep(row, room);
            }
            cursor = page.next;
        }
        let kept = self.rows.len();
        self.extent.limit = self.extent.limit.map(|limit| limit - kept);
        self.more = left_out && self.extent.limit != Some(0);
        Ok(())
    }

    /// True when a row had to be left for a later sweep.
    fn keep(&mut self, row: L::Row, room: usize) -> bool {
        let prefix = self.listing.prefix(&row);
        let wanted = self
            .extent
            .within
            .is_none_or(|within| within.contains(&prefix))
            && self.extent.after.is_none_or(|after| prefix > after);
        if !wanted {
            return false;
        }
        if let Some(rows) = self.rows.get_mut(&prefix) {
            rows.push(row);
            return false;
        }
        let full = self.rows.len() >= room;
        let highest = self.rows.last_key_value().map(|(highest, _)| *highest);
        if full && highest.is_some_and(|highest| prefix > highest) {
            return true;
        }
        self.rows.insert(prefix, vec![row]);
        if full {
            self.rows.pop_last();
        }
        full
    }
}
