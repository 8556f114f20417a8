//! `maximum-prefix`: how many paths of a family a neighbour may send, before policy looks at them (RFC 4486).

use std::borrow::Cow;
use std::time::Duration;

use crate::bgp::session::StopReason;
use crate::bgp::types::{Family, Nlri};
use crate::config::model::{MaximumPrefix, MaximumPrefixAction};
use crate::rib::route::{PeerId, Rejection};
use crate::router::Router;
use crate::router::effect::{Back, Effect, Level};
use crate::router::peers::{Held, Peer};

const THRESHOLD_PERCENT: u8 = 75;
const RESTART_MINUTES: u16 = 30;

impl Router {
    fn limit(peer: &Peer, family: Family) -> Option<(u32, MaximumPrefix)> {
        let settings = peer.config.address_family.get(&family)?.maximum_prefix;
        Some((settings.limit?, settings))
    }

    /// Paths that count towards the limit.
    fn counted(&self, peer: PeerId, family: Family) -> usize {
        let counts = self.rib.counts(peer, family);
        counts.received - counts.rejected.of(Rejection::MaximumPrefix)
    }

    /// Whether `more` paths stay below the limit of a neighbour that is blocked above it.
    pub(super) fn has_room(&self, peer: &Peer, family: Family, more: usize) -> bool {
        Self::limit(peer, family).is_none_or(|(limit, settings)| {
            settings.action != Some(MaximumPrefixAction::Block)
                || self.counted(peer.id, family) + more <= limit as usize
        })
    }

    /// Parts what a neighbour announces into what is let in and what is above its limit.
    pub(super) fn split_at_limit<'a>(
        &self,
        peer: &Peer,
        family: Family,
        announced: &'a [Nlri],
    ) -> (Cow<'a, [Nlri]>, Vec<Nlri>) {
        if self.has_room(peer, family, announced.len()) {
            return (Cow::Borrowed(announced), Vec::new());
        }
        let limit = Self::limit(peer, family).map_or(usize::MAX, |(limit, _)| limit as usize);
        let mut room = limit.saturating_sub(self.counted(peer.id, family));
        let (fits, above): (Vec<Nlri>, _) = announced.iter().partition(|nlri| {
            let known = self.rib.holds(&self.index, peer.id, nlri);
            let fits = known || room > 0;
            room -= usize::from(!known && fits);
            fits
        });
        (Cow::Owned(fits), above)
    }

    /// Warns, ends the session or lets blocked paths in, after the number of a neighbour's paths changed.
    pub(super) fn watch_limit(&mut self, id: PeerId, family: Family) {
        let Some(peer) = self.peers.get(id) else {
            return;
        };
        let Some((limit, settings)) = Self::limit(peer, family) else {
            return;
        };
        let counts = self.rib.counts(id, family);
        let (name, received) = (peer.name.to_string(), counts.received);
        let action = settings.action.unwrap_or_default();
        let threshold = u64::from(settings.threshold.unwrap_or(THRESHOLD_PERCENT));
        let near = received as u64 * 100 >= u64::from(limit) * threshold;
        let above = received > limit as usize;
        let warned = peer
            .families
            .iter()
            .any(|each| each.family == family && each.limit_warned);
        if let Some(entry) = self
            .peers
            .get_mut(id)
            .and_then(|peer| peer.family_mut(family))
        {
            entry.limit_warned = near;
        }
        if near && !warned {
            self.note(
                Level::Warning,
                format!("neighbor {name}: {received} {family} prefixes of at most {limit}"),
            );
        }
        if counts.rejected.of(Rejection::MaximumPrefix) > 0
            && self.counted(id, family) < limit as usize
        {
            self.rejudging.request(id, family);
        }
        let back = match action {
            MaximumPrefixAction::Warn | MaximumPrefixAction::Block => return,
            MaximumPrefixAction::Shutdown => Back::Never,
            MaximumPrefixAction::Restart => {
                let minutes = settings.restart.unwrap_or(RESTART_MINUTES);
                Back::After(Duration::from_secs(u64::from(minutes) * 60))
            }
        };
        let held = self.peers.get(id).is_some_and(|peer| peer.held.is_some());
        if !above || held {
            return;
        }
        self.note(
            Level::Warning,
            format!("neighbor {name}: more than {limit} {family} prefixes: the session ends"),
        );
        if let Some(peer) = self.peers.get_mut(id) {
            peer.held = Some(Held::MaximumPrefix);
        }
        self.effects.push_back(Effect::ResetPeer {
            peer: id,
            reason: StopReason::MaximumPrefix { family, limit },
            back,
        });
    }
}
