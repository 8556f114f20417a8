//! Members that are not in step: those that fell behind, and those that have the table before them.

use smallvec::SmallVec;

use super::batch::{Audience, Batch};
use super::exports::Seen;
use super::group::{Group, Work};
use super::member::Member;
use super::told::Item;
use super::view::PeerList;
use crate::bgp::types::Family;
use crate::prefix::PrefixId;
use crate::rib::peers::slot;
use crate::rib::route::PeerId;

impl Group {
    /// Members that fell behind and are not congested any more hear what they missed.
    pub(super) fn catch_up(&mut self, work: &mut Work<'_>) {
        let lagging: SmallVec<[PeerId; 8]> = self
            .members
            .iter()
            .filter(|(_, member)| member.lags() && !member.congested)
            .map(|(&peer, _)| peer)
            .collect();
        for peer in lagging {
            let mut batch = Batch::new(&[]);
            while work.budget > 0 {
                let member = self.members.get_mut(&peer);
                let Some((item, known)) = member.and_then(Member::catch_up) else {
                    break;
                };
                work.budget -= 1;
                let now = self.told.get(item);
                let before = self.view(peer, known.told, work.rib);
                let before = before.map(|before| (known.form, before));
                let after = self.view(peer, now, work.rib);
                if let Some(news) = self.news(item.prefix, before, after, work) {
                    batch.add(Audience::Only(peer), item, news);
                }
                if let Some(told) = known.told {
                    work.rib.attributes.release(told.attributes);
                }
                if now.is_none() && !work.rib.uses(item.prefix) {
                    work.unused.push(item.prefix);
                }
            }
            batch.flush(
                work.index,
                work.exports,
                &self.key().encoding,
                &mut work.out,
            );
        }
    }

    /// Sends the next stretches of the table to all members that have it before them.
    pub(super) fn walk(&mut self, family: Family, work: &mut Work<'_>) {
        while work.budget > 0 {
            let cursor = self.cursors[slot(family)];
            let walkers = || self.members.iter().filter(|(_, member)| member.can_walk());
            let walks = || walkers().map(|(_, member)| member.walk(family));
            let nearest = |from| walks().filter_map(|walk| walk.next(from)).min();
            let Some(start) = nearest(cursor).or_else(|| nearest(0)) else {
                return;
            };
            let border = walks().filter_map(|walk| walk.border(start)).min();
            let limit = start + work.budget;
            let stretch = start..border.map_or(limit, |border| border.min(limit));
            let peers: SmallVec<[PeerId; 8]> = walkers()
                .filter(|(_, member)| member.walk(family).contains(start))
                .map(|(&peer, _)| peer)
                .collect();
            work.budget -= stretch.len();
            let mut batch = Batch::new(&peers);
            for index in stretch.clone() {
                let id = PrefixId::from_index(index, family == Family::Ipv6Unicast);
                self.tell_all(id, &mut batch, work);
            }
            batch.flush(
                work.index,
                work.exports,
                &self.key().encoding,
                &mut work.out,
            );
            for peer in peers {
                if let Some(member) = self.members.get_mut(&peer) {
                    member.walk_mut(family).note_sent(&stretch);
                }
            }
            self.cursors[slot(family)] = stretch.end;
        }
    }

    /// What the group has been told about a prefix, for peers that know nothing of it.
    fn tell_all(&self, id: PrefixId, batch: &mut Batch<'_>, work: &mut Work<'_>) {
        for each in self.told.paths(id) {
            let item = Item {
                prefix: id,
                path: each.path,
            };
            let mut except = PeerList::new();
            self.exceptions(each.told, work.rib, &mut except);
            except.retain(|peer| batch.peers().binary_search(peer).is_ok());
            except.sort_unstable();
            except.dedup();
            for &peer in &except {
                let seen = self.view(peer, Some(each.told), work.rib);
                if let Some(news) = self.news(id, None, seen, work) {
                    batch.add(Audience::Only(peer), item, news);
                }
            }
            if let Some(news) = self.news(id, None, Some(Seen::from(each.told)), work) {
                batch.add(Audience::AllBut(except), item, news);
            }
        }
    }
}
