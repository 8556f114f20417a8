//! What a request may say. Fields that are not known are errors.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::Query as Fields;
use axum::extract::rejection::QueryRejection;
use ipnet::IpNet;
use serde::Deserialize;

use crate::api::error::ApiError;
use crate::api::listing::{Extent, Format};
use crate::bgp::types::Family;
use crate::router::query::Select;

pub(super) type Request<T> = Result<Fields<T>, QueryRejection>;

/// An endpoint without fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoFields {}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFields {
    #[serde(default)]
    longer: bool,
    limit: Option<usize>,
    after: Option<String>,
    format: Option<String>,
}

impl ListFields {
    pub(super) fn extent(&self, within: Option<IpNet>) -> Result<Extent, ApiError> {
        Ok(Extent {
            within,
            after: self.after.as_deref().map(parse_prefix).transpose()?,
            limit: self.limit,
            format: match self.format.as_deref() {
                None | Some("json") => Format::Json,
                Some("ndjson") => Format::Ndjson,
                Some(other) => {
                    let message = format!("format {other:?}: json and ndjson are known");
                    return Err(ApiError::bad_value(message));
                }
            },
        })
    }

    /// Whether a list was asked for, of a prefix and what is inside of it.
    pub(super) fn is_list(&self) -> bool {
        self.longer
    }
}

pub(super) fn parse_family(text: &str) -> Result<Family, ApiError> {
    match text {
        "ipv4" => Ok(Family::Ipv4Unicast),
        "ipv6" => Ok(Family::Ipv6Unicast),
        _ => Err(ApiError::bad_value(format!(
            "{text:?} is neither ipv4 nor ipv6"
        ))),
    }
}

/// A prefix; an address stands for itself alone.
pub(super) fn parse_prefix(text: &str) -> Result<IpNet, ApiError> {
    let address = |_| text.parse::<IpAddr>().map(IpNet::from);
    let prefix = text.parse::<IpNet>().or_else(address);
    prefix
        .map(|prefix| prefix.trunc())
        .map_err(|_| ApiError::bad_value(format!("{text:?} is neither a prefix nor an address")))
}

/// A prefix means itself, an address its longest match.
pub(super) fn parse_select(text: &str, family: Family) -> Result<Select, ApiError> {
    let prefix = parse_prefix(text)?;
    if Family::of(prefix) != family {
        let message = format!("{text} is of the other address family");
        return Err(ApiError::bad_value(message));
    }
    Ok(if text.contains('/') {
        Select::Exact(prefix)
    } else {
        Select::Match(prefix.addr())
    })
}

/// What is listed with `longer`.
pub(super) fn net(select: Select) -> IpNet {
    match select {
        Select::Exact(prefix) => prefix,
        Select::Match(address) => address.into(),
        Select::All => IpNet::default(),
    }
}

/// `1s`, `500ms`, or seconds without a unit.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.parse::<f64>().ok()? * unit;
    Duration::try_from_secs_f64(seconds).ok()
}
