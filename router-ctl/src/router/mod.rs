//! The heart: owns configuration, neighbours, RIB and FIB. Events in, effects out; no input or output, no
//! clock, no lock.
//!
//! One way in and one way out: whatever happens enters through [`Router::handle`], which notes it and repairs
//! forwarding where whole next hops came or went (path lists only, so as fast at a million routes as at ten).
//! The work that grows with the number of routes is left to [`Router::work`], a slice at a time: decisions,
//! FIB operations, then, once the data plane has acknowledged them, advertisements (RFC 4271 §9.2: a route is
//! announced when it is in use).

pub mod effect;
pub mod event;
pub mod peers;
pub mod query;
pub mod transport;

mod aggregates;
mod bfd;
mod configure;
mod dial;
mod groups;
mod host;
mod import;
mod invited;
mod lifecycle;
mod limits;
mod originate;
mod rejudge;
mod restart;
mod routes;
mod sessions;
mod show;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::bgp::types::{Asn, RouterId};
use crate::config::model::Config;
use crate::dataplane::PortStatus;
use crate::fib::Fib;
use crate::fib::op::Installed;
use crate::host::IfIndex;
use crate::policy::Policies;
use crate::prefix::{PrefixId, PrefixIndex};
use crate::rib::Rib;
use crate::rib::update_group::UpdateGroups;
use crate::router::aggregates::Aggregates;
use crate::router::bfd::BfdSessions;
use crate::router::effect::{Effect, Level, Note};
use crate::router::event::{Event, Refused};
use crate::router::host::HostView;
use crate::router::originate::Own;
use crate::router::peers::{Peer, Peers};
use crate::router::query::Startup;
use crate::router::rejudge::Rejudging;
use crate::router::restart::Restore;
use crate::router::routes::Routes;
use crate::router::transport::RangeKey;

/// Prefixes decided, and prefixes encoded, in one slice of work: a few milliseconds.
const SLICE: usize = 8192;
/// FIB operations handed over and not acknowledged, above which no more are made.
const OUTSTANDING_OPS: usize = 256 << 10;

pub struct Router {
    config: Config,
    /// Zero while nothing is configured or found: sessions wait for it.
    router_id: RouterId,
    peers: Peers,
    host: HostView,
    index: PrefixIndex,
    rib: Rib,
    groups: UpdateGroups,
    fib: Fib,
    /// Name of the data plane's engine.
    engine: &'static str,
    /// Seed of its flow hash.
    hash_seed: u32,
    routes: Routes,
    policies: Policies,
    rejudging: Rejudging,
    /// What we originate.
    own: Own,
    aggregates: Aggregates,
    /// What the daemon was told last.
    range_keys: Vec<RangeKey>,
    advertised_links: Vec<IfIndex>,
    bfd: BfdSessions,
    generation: u64,
    /// Generations on their way to the data plane, oldest first.
    awaiting: VecDeque<Awaiting>,
    outstanding_ops: usize,
    /// Prefixes that the RIB or the FIB has stopped using.
    unused: Vec<PrefixId>,
    refused: u64,
    restore: Option<Restore>,
    effects: VecDeque<Effect>,
    startup: Startup,
    started: Instant,
    /// When the last slice of work was done.
    worked: Instant,
}

/// One generation of FIB operations, and the prefixes to advertise when it is in.
struct Awaiting {
    generation: u64,
    ops: usize,
    advertise: Vec<PrefixId>,
}

/// The data plane as it was found at start.
#[derive(Debug)]
pub struct Found {
    pub engine: &'static str,
    pub hash_seed: u32,
    pub installed: Installed,
    /// Ports that are attached already.
    pub ports: Vec<PortStatus>,
}

impl Router {
    /// A router on a data plane as it was found; nothing that is installed is removed before the neighbours had
    /// their say. The first host events must be a complete dump.
    pub fn new(config: Config, found: Found, now: Instant) -> Self {
        let Found {
            engine,
            hash_seed,
            installed,
            ports,
        } = found;
        let mut index = PrefixIndex::new();
        let adopted_routes = installed.bindings.len();
        let fib = Fib::adopt(&installed, &mut index);
        let bgp = config.protocols.bgp.as_ref();
        let wait = bgp.map_or(0, |bgp| match adopted_routes {
            0 => bgp.parameters.update_delay,
            _ => bgp.parameters.select_defer_time,
        });
        let router_id = bgp
            .and_then(|bgp| bgp.parameters.router_id)
            .unwrap_or(Ipv4Addr::UNSPECIFIED);
        let mut router = Self {
            router_id: RouterId(router_id),
            peers: Peers::default(),
            host: HostView::default(),
            rib: Rib::new(sessions::decision_config(&config)),
            groups: UpdateGroups::default(),
            engine,
            hash_seed,
            routes: Routes::default(),
            policies: Policies::default(),
            rejudging: Rejudging::default(),
            own: Own::new(),
            aggregates: Aggregates::default(),
            range_keys: Vec::new(),
            advertised_links: Vec::new(),
            bfd: BfdSessions::default(),
            generation: 0,
            awaiting: VecDeque::new(),
            outstanding_ops: 0,
            unused: Vec::new(),
            refused: 0,
            restore: (adopted_routes > 0 || wait > 0).then(|| Restore {
                deadline: now + Duration::from_secs(wait.into()),
            }),
            effects: VecDeque::new(),
            startup: Startup {
                adopted_routes,
                steps: Vec::new(),
            },
            started: now,
            worked: now,
            index,
            fib,
            config,
        };
        for port in ports {
            router.fib.attach_port(port.index);
        }
        router.compile_policies();
        router.add_configured_peers();
        router.choose_via_default();
        router.add_static_routes();
        router.configure_aggregates();
        router
    }

    pub fn handle(&mut self, event: Event, now: Instant) {
        match event {
            Event::PeerUp {
                peer,
                negotiated,
                local,
                remote,
            } => self.peer_up(peer, negotiated, (local, remote), now),
            Event::PeerDown { peer, retain } => self.peer_down(peer, retain, now),
            Event::PeerStatus { peer, status } => {
                if let Some(peer) = self.peers.get_mut(peer) {
                    peer.status = *status;
                }
            }
            Event::Routes { peer, updates } => self.handle_routes(peer, &updates),
            Event::EndOfRib { peer, family } => self.end_of_rib(peer, family),
            Event::RouteRefresh { peer, family } => self.refresh(peer, family),
            Event::RefreshBegin { peer, family } => self.refresh_begin(peer, family, now),
            Event::RefreshEnd { peer, family } => self.end_of_rib(peer, family),
            Event::Drained { peer, bytes } => self.drained(peer, bytes),
            Event::Stranger { ticket, remote, .. } => self.stranger(ticket, remote.ip()),
            Event::RouterAdvertisement { link, source } => self.heard(link, source.into()),
            Event::Reset { peer, how } => self.reset(peer, how),
            Event::Configure(config) => self.configure(*config),
            Event::Host(events) => self.handle_host(&events),
            Event::FibApplied {
                generation,
                refused,
            } => self.fib_applied(generation, refused),
            Event::Bfd(report) => self.bfd_report(*report),
            Event::Port { index, outcome } => self.port_outcome(index, outcome),
        }
        self.track_next_hops();
        self.flush_fib(Vec::new());
    }

    /// One slice of the work that grows with the table. Returns whether more is waiting that can be done now.
    pub fn work(&mut self, now: Instant) -> bool {
        self.worked = now;
        self.expire(now);
        if self.rejudging.is_active() {
            self.judge_stored(SLICE);
        }
        self.scan_for_aggregates(SLICE);
        let restoring = self.is_restoring(now);
        if !restoring && self.outstanding_ops < OUTSTANDING_OPS {
            let changes = self.rib.settle(SLICE);
            let mut advertise = Vec::new();
            for change in &changes {
                if change.paths_changed {
                    self.install(change.prefix);
                }
                if change.best_changed {
                    self.note_contributor(change.prefix);
                }
                if change.best_changed || change.candidates {
                    advertise.push(change.prefix);
                }
            }
            self.renew_own();
            self.track_next_hops();
            self.forget_bfd_losses();
            if advertise.is_empty() && self.awaiting.is_empty() {
                self.finish_restore(now);
            }
            self.flush_fib(advertise);
        }
        self.advertise();
        self.release_unused();
        let decisions = self.rib.has_work() && self.outstanding_ops < OUTSTANDING_OPS;
        let walking = self.rejudging.is_active() || self.aggregates.is_scanning();
        let finishing = self.restore.is_some() && self.awaiting.is_empty();
        (!restoring && (decisions || finishing)) || walking || self.groups.has_work()
    }

    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`work`](Self::work) must be called at the latest, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let peers = || self.peers.iter().map(|(_, peer)| peer);
        let stale = peers()
            .flat_map(|peer| &peer.families)
            .filter_map(|family| family.stale_until);
        let restore = self.restore.iter().flat_map(|restore| {
            let told_by = peers()
                .filter_map(Peer::told_by)
                .filter(|&told_by| told_by > self.worked);
            told_by.chain([restore.deadline])
        });
        stale.chain(restore).min()
    }

    /// Records how long a part of the start took, for `show system startup`.
    pub fn note_startup(&mut self, step: &'static str, took: Duration) {
        self.startup.steps.push((step, took));
    }

    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// The BGP Identifier in use; 0.0.0.0 when the host has no IPv4 address and none is configured.
    pub fn router_id(&self) -> RouterId {
        self.router_id
    }

    fn local_as(&self) -> Asn {
        self.config
            .protocols
            .bgp
            .as_ref()
            .map_or(Asn(0), |bgp| bgp.system_as)
    }

    /// `suppress-fib-pending`: what is announced is in the data plane.
    fn waits_for_fib(&self) -> bool {
        let bgp = self.config.protocols.bgp.as_ref();
        bgp.is_none_or(|bgp| bgp.parameters.suppress_fib_pending)
    }

    /// Our name as a route reflector (RFC 4456 §7).
    fn cluster_id(&self) -> RouterId {
        let bgp = self.config.protocols.bgp.as_ref();
        let configured = bgp.and_then(|bgp| bgp.parameters.cluster_id);
        configured.map_or(self.router_id, RouterId)
    }

    fn default_local_pref(&self) -> u32 {
        let bgp = self.config.protocols.bgp.as_ref();
        bgp.map_or(100, |bgp| bgp.parameters.default_local_pref)
    }

    /// Originates again what is made of other routes, when they changed.
    fn renew_own(&mut self) {
        if std::mem::take(&mut self.aggregates.changed) {
            self.reconcile_own();
        }
    }

    /// Hands what the FIB wants written to the data plane; `advertise` follows its acknowledgement.
    fn flush_fib(&mut self, advertise: Vec<PrefixId>) {
        let ops = self.fib.drain_ops(&self.index);
        if ops.is_empty() && self.awaiting.is_empty() {
            self.note_changes(&advertise);
            return;
        }
        if ops.is_empty() && advertise.is_empty() {
            return;
        }
        let advertise = if self.waits_for_fib() {
            for &prefix in &advertise {
                self.groups.note_pending(prefix);
            }
            advertise
        } else {
            self.note_changes(&advertise);
            Vec::new()
        };
        self.generation += 1;
        self.outstanding_ops += ops.len();
        self.awaiting.push_back(Awaiting {
            generation: self.generation,
            ops: ops.len(),
            advertise,
        });
        self.effects.push_back(Effect::ApplyFib {
            generation: self.generation,
            ops,
        });
    }

    fn fib_applied(&mut self, generation: u64, refused: Vec<Refused>) {
        let refused_prefixes: Vec<_> = refused
            .iter()
            .filter_map(|refused| self.index.get(refused.prefix?))
            .collect();
        while self
            .awaiting
            .front()
            .is_some_and(|oldest| oldest.generation <= generation)
        {
            let Some(done) = self.awaiting.pop_front() else {
                break;
            };
            self.outstanding_ops -= done.ops;
            self.note_changes(&done.advertise);
        }
        for prefix in refused_prefixes {
            self.groups.note_refused(prefix);
        }
        self.refused += refused.len() as u64;
        if let Some(first) = refused.first() {
            let others = match refused.len() - 1 {
                0 => String::new(),
                others => format!(" (and {others} more)"),
            };
            self.note(
                Level::Warning,
                format!(
                    "the data plane refused an operation: {}{others}",
                    first.reason
                ),
            );
        }
    }

    fn note_changes(&mut self, prefixes: &[PrefixId]) {
        for &prefix in prefixes {
            self.groups.note_change(prefix);
        }
    }

    fn advertise(&mut self) {
        for transmit in self.groups.poll(&mut self.rib, &mut self.index, SLICE) {
            for &id in &transmit.peers {
                let Some(peer) = self.peers.get_mut(id) else {
                    continue;
                };
                if let Some(family) = transmit
                    .end_of_rib
                    .and_then(|family| peer.family_mut(family))
                {
                    family.end_of_rib_sent = true;
                }
                if let Some(congested) = peer.note_queued(transmit.bytes.len()) {
                    self.groups.set_congested(id, congested);
                }
            }
            self.effects.push_back(Effect::Transmit {
                peers: transmit.peers.to_vec(),
                bytes: transmit.bytes,
                messages: transmit.messages,
            });
        }
    }

    fn note(&mut self, level: Level, text: String) {
        self.effects.push_back(Effect::Note(Note { level, text }));
    }

    /// Forgets prefixes that nobody uses any more, once no neighbour waits to hear that they are gone.
    fn release_unused(&mut self) {
        self.unused.extend(self.fib.drain_released());
        self.unused.extend(self.rib.drain_unused());
        self.unused.extend(self.groups.drain_unused());
        if self.unused.is_empty() || !self.awaiting.is_empty() {
            return;
        }
        self.unused.sort_unstable();
        self.unused.dedup();
        for prefix in std::mem::take(&mut self.unused) {
            let used = self.rib.uses(prefix)
                || self.fib.uses(prefix)
                || self.groups.uses(prefix)
                || self.routes.uses(prefix)
                || self.aggregates.uses(prefix);
            if !used {
                self.index.remove(prefix);
            }
        }
    }
}
