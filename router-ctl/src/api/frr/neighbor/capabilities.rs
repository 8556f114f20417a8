//! `neighborCapabilities`: what either side said it can.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::api::frr::{escaped, family_key};
use crate::bgp::types::{Family, FamilySet};
use crate::router::query::{CapabilityUse, NeighborSession, PeerGracefulRestart};

pub type Capabilities = BTreeMap<String, Value>;

/// Keys of capabilities that say nothing but that they are there.
const PLAIN: [(u8, &str); 8] = [
    (5, "extendedNexthop"),
    (6, "extendedMessage"),
    (9, "role"),
    (64, "gracefulRestart"),
    (65, "4byteAs"),
    (67, "dynamic"),
    (70, "enhancedRouteRefresh"),
    (71, "longLivedGracefulRestart"),
];

pub(super) fn capabilities(session: &NeighborSession) -> Capabilities {
    let mut view = Capabilities::new();
    let mut families = Map::new();
    for capability in &session.capabilities {
        let usage = usage(capability.sent, capability.received);
        if let Some((_, key)) = PLAIN.iter().find(|(code, _)| *code == capability.code) {
            // Both sides may word one differently, which makes two of it.
            let both = view.contains_key(*key);
            let usage = if both { self::usage(true, true) } else { usage };
            view.insert((*key).to_owned(), json!(usage));
        } else if let Some(family) = family_of(capability) {
            families.insert(family_key(family).to_owned(), json!({usage: true}));
        } else if capability.code == 2 {
            view.insert("routeRefresh".to_owned(), json!(route_refresh(usage)));
        }
    }
    if !families.is_empty() {
        view.insert("multiprotocolExtensions".to_owned(), families.into());
    }
    let add_path = add_path(session);
    if !add_path.is_empty() {
        view.insert("addPath".to_owned(), add_path.into());
    }
    let said = &session.introduction;
    if let Some(host) = &said.host {
        let domain = said.domain.as_deref().unwrap_or("n/a");
        let name = json!({"rcvHostName": escaped(host), "rcvDomainName": escaped(domain)});
        view.insert("hostName".to_owned(), name);
    }
    if let Some(software) = &said.software {
        let version = json!({"receivedSoftwareVersion": escaped(software)});
        view.insert("softwareVersion".to_owned(), version);
    }
    if let Some(restart) = &session.graceful_restart {
        let time = restart.restart_time.as_secs();
        view.insert("gracefulRestartRemoteTimerSec".to_owned(), json!(time));
        view.insert("addressFamiliesByPeer".to_owned(), preserved(restart));
    }
    view
}

/// Whether both sides have the capability of this key.
pub fn in_force(value: &Value) -> bool {
    match value {
        Value::String(usage) => usage.starts_with(usage_of_both()),
        Value::Object(fields) => {
            fields.values().any(in_force) || fields.contains_key(usage_of_both())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    }
}

fn usage_of_both() -> &'static str {
    usage(true, true)
}

fn usage(sent: bool, received: bool) -> &'static str {
    match (sent, received) {
        (true, true) => "advertisedAndReceived",
        (true, false) => "advertised",
        (false, _) => "received",
    }
}

/// There was another capability for it before RFC 2918; `New` says that it is not that one.
fn route_refresh(usage: &str) -> String {
    if usage == usage_of_both() {
        format!("{usage}New")
    } else {
        usage.to_owned()
    }
}

fn family_of(capability: &CapabilityUse) -> Option<Family> {
    let name = capability.name.strip_prefix("multiprotocol ")?;
    Family::ALL
        .into_iter()
        .find(|family| family.to_string() == name)
}

/// By family what is offered (`Advertised`) and asked for (`Received`) in each direction, seen from here.
fn add_path(session: &NeighborSession) -> Map<String, Value> {
    let (ours, theirs) = (session.add_path_offered, session.add_path_asked);
    let mut families = Map::new();
    for family in Family::ALL {
        let mut fields = Map::new();
        let mut note = |direction: &str, ours: FamilySet, theirs: FamilySet| {
            let word = match (ours.contains(family), theirs.contains(family)) {
                (true, true) => "AdvertisedAndReceived",
                (true, false) => "Advertised",
                (false, true) => "Received",
                (false, false) => return,
            };
            fields.insert(format!("{direction}{word}"), json!(true));
        };
        note("tx", ours.send, theirs.send);
        note("rx", ours.receive, theirs.receive);
        if !fields.is_empty() {
            families.insert(family_key(family).to_owned(), fields.into());
        }
    }
    families
}

fn preserved(restart: &PeerGracefulRestart) -> Value {
    if restart.families.is_empty() {
        return json!("none");
    }
    let families = restart.families.iter().map(|entry| {
        let key = family_key(entry.family).to_owned();
        (key, json!({"preserved": entry.forwarding_kept}))
    });
    Value::Object(families.collect())
}
