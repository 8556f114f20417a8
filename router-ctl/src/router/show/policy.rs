//! A route map tried on the routes as they are, without consequences: `router-ctl explain policy`.

use ipnet::IpNet;

use crate::bgp::types::{Family, PathAttributes};
use crate::policy::{Chain, Explanation, Outcome, Step};
use crate::prefix::PrefixId;
use crate::rib::StoredAttributes;
use crate::rib::route::ReceivedPath;
use crate::router::Router;
use crate::router::peers::PeerFamily;
use crate::router::query::{BgpPath, PolicyTrial};

impl Router {
    /// What `route_map` would make of the learnt paths of some prefixes, each as it was received.
    pub(super) fn try_policy(
        &self,
        route_map: &str,
        prefixes: &[IpNet],
    ) -> Result<Vec<PolicyTrial>, String> {
        let chain = self
            .policies
            .route_map(route_map)
            .ok_or_else(|| format!("there is no policy route-map {route_map}"))?;
        let known = prefixes.iter().filter_map(|&prefix| self.index.get(prefix));
        Ok(known
            .flat_map(|id| {
                let paths = self.rib.received(id);
                paths
                    .into_iter()
                    .filter_map(|path| self.try_path(&chain, id, path))
                    .collect::<Vec<_>>()
            })
            .collect())
    }

    fn try_path(&self, chain: &Chain, id: PrefixId, path: ReceivedPath) -> Option<PolicyTrial> {
        let peer = self.peers.get(path.peer)?;
        let prefix = self.index.prefix(id);
        let family = Family::of(prefix);
        let unknown = PeerFamily::new(family);
        let entry = peer.families.iter().find(|each| each.family == family);
        let stored = self.rib.attributes(path.attributes);
        let received = PathAttributes {
            next_hop: stored.next_hop,
            raw: stored.raw.into(),
        };
        let subject = (peer, entry.unwrap_or(&unknown));
        let Explanation {
            steps,
            outcome,
            raw,
            next_hop,
            weight,
            ..
        } = self.explain_import(chain, subject, (prefix, &received));
        let permitted = matches!(outcome, Outcome::Permit(_));
        let after = StoredAttributes {
            next_hop,
            raw: &raw,
        };
        Some(PolicyTrial {
            prefix,
            peer: Some(peer.address),
            permitted,
            verdict: match &outcome {
                Outcome::Permit(_) => "permitted".to_owned(),
                Outcome::Deny(denial) => denial.words(),
            },
            steps: steps.iter().map(words).collect(),
            before: self.path_of(stored, Some(path.peer)),
            after: permitted.then(|| BgpPath {
                weight,
                ..self.path_of(after, Some(path.peer))
            }),
        })
    }
}

/// `route-map IN rule 10: permit, set local-preference 200`.
fn words(step: &Step) -> String {
    let place = match step.rule {
        Some(rule) => format!("{} {} rule {rule}", step.list, step.name),
        None => format!("{} {}", step.list, step.name),
    };
    match (&step.failed, step.matched, step.rule) {
        (Some(failed), _, _) => format!("{place}: no match ({failed})"),
        (None, true, _) if step.set.is_empty() => format!("{place}: matched"),
        (None, true, _) => format!("{place}: matched, {}", step.set.join(", ")),
        (None, false, Some(_)) => format!("{place}: no match"),
        (None, false, None) => format!("{place}: no rule matched, so denied"),
    }
}
