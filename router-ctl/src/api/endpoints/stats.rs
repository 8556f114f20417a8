//! Counters: `/dataplane/accounting` and `/stats/prefixes`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query as Fields, State};
use serde::Deserialize;

use crate::api::accounting as account;
use crate::api::endpoints::Shared;
use crate::api::error::ApiError;
use crate::api::request::{NoFields, Request, parse_duration, parse_family, parse_prefix};
use crate::api::stats::{self, Selection, Sort};
use crate::api::view::{Accounting, PrefixStats, names};
use crate::api::{Backend, ask};
use crate::dataplane::Counters;

pub(in crate::api) async fn accounting(
    State(backend): Shared,
    fields: Request<NoFields>,
) -> Result<Json<Accounting>, ApiError> {
    fields?;
    let counters = counters(&*backend)?;
    let names = names(&ask::interfaces(&*backend).await?);
    let accounting =
        tokio::task::spawn_blocking(move || account::account(&*counters, &names)).await;
    let failed = |_| ApiError::unavailable("the counters could not be read");
    accounting.map(Json).map_err(failed)
}

fn counters(backend: &dyn Backend) -> Result<Arc<dyn Counters>, ApiError> {
    backend
        .counters()
        .ok_or_else(|| ApiError::unavailable("the data plane is not open yet"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct StatsFields {
    top: Option<usize>,
    sort: Option<String>,
    prefix: Option<String>,
    #[serde(default)]
    longer: bool,
    interval: Option<String>,
    family: Option<String>,
}

impl StatsFields {
    const TOP: usize = 20;
    const MOST: usize = 100_000;
    const LONGEST: Duration = Duration::from_secs(60);

    fn question(&self) -> Result<stats::Question, ApiError> {
        let sort = self.sort.as_deref().unwrap_or("bps");
        let sort = Sort::parse(sort).ok_or_else(|| {
            ApiError::bad_value(format!(
                "sort {sort:?}: bps, pps, bytes, pkts and prefix are known"
            ))
        })?;
        let top = self.top.unwrap_or(Self::TOP);
        if !(1..=Self::MOST).contains(&top) {
            let message = format!("top {top} is outside of 1–{}", Self::MOST);
            return Err(ApiError::bad_value(message));
        }
        let prefix = self.prefix.as_deref().map(parse_prefix).transpose()?;
        Ok(stats::Question {
            top,
            sort,
            selection: match (prefix, self.longer) {
                (None, _) => Selection::All,
                (Some(prefix), false) => Selection::Exact(prefix),
                (Some(prefix), true) => Selection::Within(prefix),
            },
            family: self.family.as_deref().map(parse_family).transpose()?,
            interval: self.interval()?,
        })
    }

    /// 1 s unless told otherwise; 0 leaves rates out.
    fn interval(&self) -> Result<Option<Duration>, ApiError> {
        let text = self.interval.as_deref().unwrap_or("1s");
        let interval = parse_duration(text)
            .filter(|interval| *interval <= Self::LONGEST)
            .ok_or_else(|| {
                ApiError::bad_value(format!("interval {text:?}: 0–60 s, like 1s, 500ms or 2.5"))
            })?;
        Ok(Some(interval).filter(|interval| !interval.is_zero()))
    }
}

pub(in crate::api) async fn prefixes(
    State(backend): Shared,
    fields: Request<StatsFields>,
) -> Result<Json<PrefixStats>, ApiError> {
    let Fields(fields) = fields?;
    let question = fields.question()?;
    let counters = counters(&*backend)?;
    Ok(Json(stats::answer(&*backend, counters, &question).await?))
}
