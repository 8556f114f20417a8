//! Traffic by prefix: the router's installed prefixes joined with the data plane's counters. The counters are
//! read twice for rates; of the rows, only those asked for are kept.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use router_common::counter::Counter;
use router_common::route::RouteId;
use tokio::time::Instant;

use crate::api::error::ApiError;
use crate::api::view::{Count, PrefixRow, PrefixStats};
use crate::api::{Backend, ask, view};
use crate::bgp::types::Family;
use crate::dataplane::Counters;
use crate::router::query::{Cursor, InstalledPrefix, Query};

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) top: usize,
    pub(super) sort: Sort,
    pub(super) selection: Selection,
    pub(super) family: Option<Family>,
    /// Between the two readings; without it there are no rates.
    pub(super) interval: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    All,
    Exact(IpNet),
    Within(IpNet),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Bps,
    Pps,
    Bytes,
    Packets,
    Prefix,
}

impl Sort {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "bps" => Self::Bps,
            "pps" => Self::Pps,
            "bytes" => Self::Bytes,
            "pkts" => Self::Packets,
            "prefix" => Self::Prefix,
            _ => return None,
        })
    }
}

pub(super) async fn answer(
    backend: &dyn Backend,
    counters: Arc<dyn Counters>,
    question: &Question,
) -> Result<PrefixStats, ApiError> {
    let readings = Readings::take(counters, question.interval).await?;
    let interfaces = view::names(&ask::interfaces(backend).await?);
    let mut top = Top::new(question);
    let mut cursor = Some(Cursor::default());
    while let Some(at) = cursor {
        let page = ask::installed(backend, Query::Installed { cursor: at }).await?;
        for prefix in page.rows {
            top.add(prefix, &readings);
        }
        cursor = page.next;
    }
    let mut total = Count::default();
    for counter in readings.last.iter().skip(RouteId::WITHDRAWN.0 as usize) {
        total += (*counter).into();
    }
    Ok(PrefixStats {
        prefixes: top.prefixes,
        selected: top.selected,
        withdrawn: readings.at(RouteId::WITHDRAWN).now,
        total,
        received: readings.received,
        window_seconds: readings.window.map(|window| window.as_secs_f64()),
        rows: top
            .rows
            .into_iter()
            .map(|row| row.view(readings.window, &interfaces))
            .collect(),
    })
}

/// The counters, by route id.
struct Readings {
    first: Vec<Counter>,
    last: Vec<Counter>,
    /// Between the two.
    window: Option<Duration>,
    received: Count,
}

/// One route's traffic, and what of it came between the readings.
#[derive(Clone, Copy, Default)]
struct Reading {
    now: Count,
    since: Count,
}

impl Readings {
    async fn take(
        counters: Arc<dyn Counters>,
        interval: Option<Duration>,
    ) -> Result<Self, ApiError> {
        let (mut first, mut window) = (Vec::new(), None);
        if let Some(interval) = interval {
            let started = Instant::now();
            first = read(counters.clone(), |counters| counters.routes()).await?;
            tokio::time::sleep_until(started + interval).await;
            window = Some(started.elapsed());
        }
        let last = read(counters.clone(), |counters| counters.routes()).await?;
        let mut received = Count::default();
        for (_, counter) in read(counters, |counters| counters.received()).await? {
            received += counter.into();
        }
        Ok(Self {
            first,
            last,
            window,
            received,
        })
    }

    fn at(&self, route: RouteId) -> Reading {
        let value = |counters: &[Counter]| {
            let counter = counters.get(route.0 as usize).copied();
            Count::from(counter.unwrap_or_default())
        };
        let (first, now) = (value(&self.first), value(&self.last));
        Reading {
            now,
            // An id that was given to another prefix meanwhile began again at zero.
            since: Count {
                packets: now.packets.saturating_sub(first.packets),
                bytes: now.bytes.saturating_sub(first.bytes),
            },
        }
    }
}

/// Reads a million counters beside the tasks of the API.
async fn read<T: Send + 'static>(
    counters: Arc<dyn Counters>,
    what: fn(&dyn Counters) -> T,
) -> Result<T, ApiError> {
    let reading = tokio::task::spawn_blocking(move || what(&*counters)).await;
    reading.map_err(|_| ApiError::unavailable("the counters could not be read"))
}

/// The best rows so far, in order.
struct Top<'a> {
    question: &'a Question,
    rows: BTreeSet<Row>,
    prefixes: usize,
    selected: Count,
}

/// Ordered by what is sorted by, the largest first, then by prefix.
struct Row {
    rank: Reverse<u64>,
    prefix: InstalledPrefix,
    reading: Reading,
}

impl Top<'_> {
    fn new(question: &Question) -> Top<'_> {
        Top {
            question,
            rows: BTreeSet::new(),
            prefixes: 0,
            selected: Count::default(),
        }
    }

    fn add(&mut self, prefix: InstalledPrefix, readings: &Readings) {
        let family = Family::of(prefix.prefix);
        let selected = match self.question.selection {
            Selection::All => true,
            Selection::Exact(exact) => prefix.prefix == exact,
            Selection::Within(within) => within.contains(&prefix.prefix),
        };
        if !selected || self.question.family.is_some_and(|asked| asked != family) {
            return;
        }
        let reading = readings.at(prefix.route);
        self.prefixes += 1;
        self.selected += reading.now;
        let rank = match self.question.sort {
            Sort::Bps => reading.since.bytes,
            Sort::Pps => reading.since.packets,
            Sort::Bytes => reading.now.bytes,
            Sort::Packets => reading.now.packets,
            Sort::Prefix => 0,
        };
        let row = Row {
            rank: Reverse(rank),
            prefix,
            reading,
        };
        let full = self.rows.len() >= self.question.top;
        if full && self.rows.last().is_none_or(|last| *last < row) {
            return;
        }
        self.rows.insert(row);
        if full {
            self.rows.pop_last();
        }
    }
}

impl Row {
    fn key(&self) -> (Reverse<u64>, IpNet) {
        (self.rank, self.prefix.prefix)
    }

    fn view(self, window: Option<Duration>, interfaces: &BTreeMap<u32, String>) -> PrefixRow {
        let Reading { now, since } = self.reading;
        let rate = |value: u64| window.map(|window| per_second(value, window));
        let name = |index: u32| {
            let name = interfaces.get(&index).cloned();
            name.unwrap_or_else(|| format!("if{index}"))
        };
        PrefixRow {
            prefix: self.prefix.prefix.to_string(),
            next_hops: self
                .prefix
                .next_hops
                .iter()
                .map(ToString::to_string)
                .collect(),
            interfaces: self
                .prefix
                .interfaces
                .iter()
                .map(|index| name(index.0))
                .collect(),
            origin_as: self.prefix.origin_as.map(|asn| asn.0),
            peer: self.prefix.peer.map(|peer| peer.to_string()),
            packets: now.packets,
            bytes: now.bytes,
            pps: rate(since.packets),
            bps: rate(since.bytes.saturating_mul(8)),
            average_size: now.bytes.checked_div(now.packets),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is read by people; 53 bits are more than they look at"
)]
fn per_second(value: u64, window: Duration) -> f64 {
    let rate = value as f64 / window.as_secs_f64();
    (rate * 10.0).round() / 10.0
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Row {}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
