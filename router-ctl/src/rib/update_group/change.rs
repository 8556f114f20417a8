//! What the group should know of a prefix, and what changes for whom when it does.

use smallvec::SmallVec;

use super::batch::{Audience, Batch, News};
use super::exports::{Seen, Tables};
use super::forms::FormNumber;
use super::group::{Group, Work};
use super::member::Known;
use super::told::{Item, Told, ToldPath, ToldPaths};
use super::view::PeerList;
use crate::bgp::types::{Family, PathId};
use crate::prefix::PrefixId;
use crate::rib::export::{AddPathSend, Heard, Way};
use crate::rib::route::{PathRank, PeerId, PeerKind};
use crate::rib::table::{Rib, family_of};

/// What was told about an item in a form, and what is to be told in the current one.
#[derive(Clone, Copy, Debug)]
struct ItemChange {
    item: Item,
    form: FormNumber,
    before: Option<ToldPath>,
    after: Option<ToldPath>,
}

/// A path as the RIB has it, for one group.
#[derive(Clone, Copy, Debug)]
struct Offer {
    received: PathId,
    told: Told,
}

impl Group {
    /// Brings what the group has been told about one prefix up to date.
    pub(super) fn update(
        &mut self,
        id: PrefixId,
        behind: &[PeerId],
        batch: &mut Batch<'_>,
        work: &mut Work<'_>,
    ) {
        let form = self.forms.of(id);
        let before = self.told.paths(id);
        let after = self.desired(id, &before, work);
        let change = |path, before, after| ItemChange {
            item: Item { prefix: id, path },
            form,
            before,
            after,
        };
        for &old in &before {
            let new = after.iter().copied().find(|new| new.path == old.path);
            self.change(change(old.path, Some(old), new), behind, batch, work);
        }
        for &new in &after {
            if !before.iter().any(|old| old.path == new.path) {
                self.change(change(new.path, None, Some(new)), behind, batch, work);
            }
        }
        self.forms.renew(id);
        self.use_room(family_of(id));
    }

    /// The paths that the group should know of.
    fn desired(&mut self, id: PrefixId, before: &ToldPaths, work: &mut Work<'_>) -> ToldPaths {
        let family = family_of(id);
        if !self.key().families.contains(family) {
            return ToldPaths::new();
        }
        if self.originates(id, work.shared) {
            let told = self.originated_path(id, before);
            let offers = told.map(|told| Offer {
                received: PathId::default(),
                told,
            });
            return number(offers.into_iter().collect(), before, self.add_path(family));
        }
        let mut offers = if work.gate.is_refused(id) {
            SmallVec::new()
        } else if work.gate.is_waiting(id) || self.is_undecided(id, work) {
            // What was told stands, if the policy still allows it.
            let before = before
                .iter()
                .filter(|each| each.told.way != Way::Originated);
            let as_it_was = |each: &ToldPath| Offer {
                received: each.received,
                told: each.told,
            };
            before.map(as_it_was).collect()
        } else {
            self.offers(id, work)
        };
        offers.retain(|offer| {
            let form = self.forms.current();
            let seen = Seen::from(offer.told);
            let tables = Tables {
                rib: work.rib,
                index: work.index,
            };
            work.exports.id(form, tables, id, seen).is_some()
        });
        self.limit(id, before.len(), &mut offers);
        number(offers, before, self.add_path(family))
    }

    /// Which paths there are will be reported when the prefix is decided.
    fn is_undecided(&self, id: PrefixId, work: &Work<'_>) -> bool {
        self.add_path(family_of(id)) && work.rib.dirty.contains(id)
    }

    fn add_path(&self, family: Family) -> bool {
        self.key().add_path(family).is_some()
    }

    /// The best path, or those that ADD-PATH sends.
    fn offers(&self, id: PrefixId, work: &Work<'_>) -> SmallVec<[Offer; 2]> {
        let family = family_of(id);
        let way = if work.shared.suppressed.contains(id) {
            Way::Suppressed
        } else {
            Way::Policy
        };
        let offer = |source, received, attributes| {
            let told = Told {
                attributes,
                source,
                heard: heard_from(work.rib, source, family),
                way,
            };
            Offer { received, told }
        };
        let Some(send) = self.key().add_path(family) else {
            let selection = work.rib.selection(id);
            let best = selection.map(|selection| selection.best);
            return best
                .map(|best| offer(best.peer, PathId::default(), best.attributes))
                .into_iter()
                .collect();
        };
        let ranked = work.rib.ranked(id);
        let mut offers = SmallVec::new();
        for (position, path) in ranked.iter().enumerate() {
            let neighbour_as =
                |path: &PathRank| work.rib.attributes.key(path.attributes).neighbour_as();
            let wanted = match send {
                AddPathSend::All => true,
                AddPathSend::Best(most) => position < usize::from(most),
                AddPathSend::BestPerAs => {
                    let mut better = ranked[..position].iter();
                    !better.any(|other| neighbour_as(other) == neighbour_as(path))
                }
            };
            if wanted {
                offers.push(offer(path.peer, path.path_id, path.attributes));
            }
        }
        offers
    }

    /// `maximum-prefix-out`: what does not fit waits for room. `held` paths of the prefix are counted already.
    fn limit(&mut self, id: PrefixId, held: usize, offers: &mut SmallVec<[Offer; 2]>) {
        let family = family_of(id);
        let Some(most) = self.key().family(family).maximum_prefix_out else {
            return;
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let others = self.told.announced(family) - held;
        let room = most.saturating_sub(others);
        if offers.len() > room {
            offers.truncate(room);
            self.excess.insert(id);
        } else {
            self.excess.remove(id);
        }
    }

    /// One that waits for room is looked at again, if there is some.
    fn use_room(&mut self, family: Family) {
        let Some(most) = self.key().family(family).maximum_prefix_out else {
            return;
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if self.told.announced(family) < most
            && let Some(id) = self.excess.first(family == Family::Ipv6Unicast)
        {
            self.excess.remove(id);
            self.queue.push(id);
        }
    }

    /// One item becomes another. Members in step are told; the others keep in mind what they know.
    fn change(
        &mut self,
        change: ItemChange,
        behind: &[PeerId],
        batch: &mut Batch<'_>,
        work: &mut Work<'_>,
    ) {
        let ItemChange {
            item,
            form,
            before,
            after,
        } = change;
        let id = item.prefix;
        let [old, new] = [before, after].map(|each| each.map(|each| each.told));
        if old == new && form == self.forms.current().number {
            return;
        }
        let mut exceptions = PeerList::new();
        for told in [old, new].into_iter().flatten() {
            self.exceptions(told, work.rib, &mut exceptions);
        }
        exceptions.sort_unstable();
        exceptions.dedup();
        let known = |told: Option<Seen>| told.map(|told| (form, told));
        let common = self.news(id, known(old.map(Seen::from)), new.map(Seen::from), work);
        let mut special = SmallVec::<[(PeerId, Option<News>); 4]>::new();
        for &peer in &exceptions {
            let [old, new] = [old, new].map(|told| self.view(peer, told, work.rib));
            special.push((peer, self.news(id, known(old), new, work)));
        }
        let in_step = batch.peers();
        let hears = |peer: &PeerId| in_step.binary_search(peer).is_ok();
        if let Some(news) = common {
            let except = exceptions.iter().copied().filter(hears).collect();
            batch.add(Audience::AllBut(except), item, news);
        }
        for &(peer, news) in special.iter().filter(|(peer, _)| hears(peer)) {
            if let Some(news) = news {
                batch.add(Audience::Only(peer), item, news);
            }
        }
        for peer in behind {
            let own = special.iter().find(|(special, _)| special == peer);
            let news = own.map_or(common, |&(_, news)| news);
            let member = self.members.get_mut(peer).filter(|_| news.is_some());
            let known = Known { told: old, form };
            if member.is_some_and(|member| member.fall_behind(item, known))
                && let Some(old) = old
            {
                work.rib.attributes.acquire(old.attributes);
            }
        }
        if old != new
            && let Some(old) = self.told.replace(work.rib, item, after)
        {
            work.rib.attributes.release(old.attributes);
        }
    }

    /// What someone who knew the first must be told to know the second.
    pub(super) fn news(
        &self,
        id: PrefixId,
        before: Option<(FormNumber, Seen)>,
        after: Option<Seen>,
        work: &mut Work<'_>,
    ) -> Option<News> {
        if let (Some((_, before)), None) = (before, after)
            && !before.leads_to_receiver
        {
            // What is in the table was told, whatever it looked like.
            return Some(News::Withdraw);
        }
        let tables = Tables {
            rib: work.rib,
            index: work.index,
        };
        let mut export = |form: FormNumber, seen: Seen| {
            let form = self.forms.get(form);
            work.exports.id(form, tables, id, seen)
        };
        let current = self.forms.current().number;
        let new = after.and_then(|after| export(current, after));
        let Some((form, before)) = before else {
            return new.map(News::Announce);
        };
        let renamed = work.shared.renamed.get(&before.told.source);
        if renamed.is_some_and(|&since| form < since) && before.told.heard.is_internal() {
            // What was told named another router; in which form is not known any more.
            return Some(new.map_or(News::Withdraw, News::Announce));
        }
        let old = export(form, before);
        match (old, new) {
            (_, None) => old.map(|_| News::Withdraw),
            (old, Some(new)) => (old != Some(new)).then_some(News::Announce(new)),
        }
    }
}

/// The sender, as export sees it.
pub(super) fn heard_from(rib: &Rib, source: PeerId, family: Family) -> Heard {
    let Some(sender) = rib.peer(source) else {
        return Heard::Local;
    };
    match sender.kind {
        PeerKind::Local => Heard::Local,
        PeerKind::Ebgp => Heard::Ebgp,
        PeerKind::Ibgp if sender.clients.contains(family) => Heard::IbgpClient,
        PeerKind::Ibgp => Heard::Ibgp,
    }
}

/// Gives each path its identifier: the one that it has, or one that no other path of the prefix has. It comes from
/// the sender and the sender's identifier, so that a path that returns has the same one as a rule.
fn number(offers: SmallVec<[Offer; 2]>, before: &ToldPaths, add_path: bool) -> ToldPaths {
    let mut paths = ToldPaths::new();
    for Offer { received, told } in offers {
        let path = if add_path {
            let same =
                |each: &&ToldPath| each.told.source == told.source && each.received == received;
            let known = before.iter().find(same).map(|each| each.path);
            known.unwrap_or_else(|| {
                let wanted = u32::from(told.source.0) << 16 | (received.0 & 0xffff);
                let mut free = PathId(wanted.wrapping_add(1));
                while before.iter().chain(&paths).any(|each| each.path == free) {
                    free.0 = free.0.wrapping_add(1);
                }
                free
            })
        } else {
            PathId::default()
        };
        paths.push(ToldPath {
            path,
            received,
            told,
        });
    }
    paths
}
