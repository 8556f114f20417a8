//! `explain policy`: not FRR's; paths have its shape.

use serde::{Deserialize, Serialize};

use crate::api::frr::path::PathRow;
use crate::router::query::{BgpPath, PolicyTrial};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trials {
    pub route_map: String,
    pub trials: Vec<Trial>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    pub prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    pub permitted: bool,
    pub verdict: String,
    pub steps: Vec<String>,
    /// What the policy changes, in words.
    pub changes: Vec<String>,
    pub before: PathRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<PathRow>,
}

impl Trial {
    pub fn new(trial: &PolicyTrial) -> Self {
        Self {
            prefix: trial.prefix.to_string(),
            peer: trial.peer.map(|peer| peer.to_string()),
            permitted: trial.permitted,
            verdict: trial.verdict.clone(),
            steps: trial.steps.clone(),
            changes: trial
                .after
                .as_ref()
                .map_or_else(Vec::new, |after| changes(&trial.before, after)),
            before: PathRow::new(trial.prefix, &trial.before),
            after: trial
                .after
                .as_ref()
                .map(|after| PathRow::new(trial.prefix, after)),
        }
    }
}

fn changes(before: &BgpPath, after: &BgpPath) -> Vec<String> {
    let number = |value: Option<u32>| value.map_or_else(|| "none".to_owned(), |v| v.to_string());
    let path = |path: &BgpPath| {
        let text = super::path::as_path_text(&path.as_path);
        if text.is_empty() {
            "empty".to_owned()
        } else {
            text
        }
    };
    let list = |values: &[String]| {
        if values.is_empty() {
            "none".to_owned()
        } else {
            values.join(" ")
        }
    };
    let large = |path: &BgpPath| {
        let each = path.large_communities.iter();
        each.map(|[a, b, c]| format!("{a}:{b}:{c}"))
            .collect::<Vec<_>>()
    };
    let standard = |path: &BgpPath| {
        let each = path.communities.iter();
        each.map(|&community| super::path::community_text(community))
            .collect::<Vec<_>>()
    };
    let rows = [
        (
            "local-preference",
            number(before.local_pref),
            number(after.local_pref),
        ),
        ("metric", number(before.med), number(after.med)),
        (
            "weight",
            before.weight.to_string(),
            after.weight.to_string(),
        ),
        (
            "next hop",
            before.next_hop.address().to_string(),
            after.next_hop.address().to_string(),
        ),
        ("AS path", path(before), path(after)),
        (
            "origin",
            before.origin.to_string(),
            after.origin.to_string(),
        ),
        ("community", list(&standard(before)), list(&standard(after))),
        ("large-community", list(&large(before)), list(&large(after))),
        (
            "extcommunity",
            list(&before.extended_communities),
            list(&after.extended_communities),
        ),
    ];
    rows.into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{name}: {before} -> {after}"))
        .collect()
}
