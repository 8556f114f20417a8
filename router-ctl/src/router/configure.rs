//! Another configuration while everything runs: what is the same is not touched.

use crate::bgp::session::StopReason;
use crate::config::model::Config;
use crate::policy::Policies;
use crate::rib::route::PeerId;
use crate::router::effect::Level;
use crate::router::{Router, sessions};

impl Router {
    /// Compiles what is below `policy`. Objects that say the same as before stay the same objects.
    pub(super) fn compile_policies(&mut self) {
        match Policies::compile(&self.config.policy, Some(&self.policies)) {
            Ok(policies) => self.policies = policies,
            // The configuration was checked by compiling it; the policies in force stay.
            Err(problems) => {
                for problem in problems {
                    self.note(Level::Warning, problem.to_string());
                }
            }
        }
    }

    pub(super) fn configure(&mut self, config: Config) {
        if config == self.config {
            return;
        }
        let former = std::mem::replace(&mut self.config, config);
        self.compile_policies();
        self.rib
            .set_decision_config(sessions::decision_config(&self.config));
        self.choose_router_id();
        self.choose_via_default();
        self.remove_unconfigured_peers();
        self.renew_settings();
        self.add_configured_peers();
        if former.protocols.static_routes != self.config.protocols.static_routes {
            self.replace_static_routes();
        } else if former.protocols.bgp != self.config.protocols.bgp {
            self.choose_protocols_again();
        }
        self.configure_aggregates();
        if self.host.complete() {
            self.reconcile_ports();
            self.introduce_ourselves();
            self.reconcile_own();
            self.reconcile_peers();
        }
        self.regroup();
    }

    fn remove_unconfigured_peers(&mut self) {
        let bgp = self.config.protocols.bgp.as_ref();
        let gone: Vec<PeerId> = self
            .peers
            .iter()
            .filter(|(_, peer)| {
                let kept = bgp.is_some_and(|bgp| match peer.range {
                    None => bgp.neighbor.contains_key(&peer.name),
                    // One that is configured now in its own right is not the range's any more.
                    Some(range) => {
                        bgp.listen.range.contains_key(&range)
                            && !bgp.neighbor.contains_key(&peer.name)
                    }
                });
                !kept
            })
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.remove_peer(id, StopReason::PeerRemoved);
        }
    }

    /// What holds for the neighbours that stay.
    fn renew_settings(&mut self) {
        let Some(bgp) = &self.config.protocols.bgp else {
            return;
        };
        for (_, peer) in self.peers.iter_mut() {
            let (settings, group) = match peer.range {
                None => {
                    let Some(neighbor) = bgp.neighbor.get(&peer.name) else {
                        continue;
                    };
                    (bgp.settings(neighbor), neighbor.peer_group.clone())
                }
                Some(range) => {
                    let Some(listen) = bgp.listen.range.get(&range) else {
                        continue;
                    };
                    let settings = bgp.peer_group.get(&listen.peer_group);
                    let Some(settings) = settings.cloned() else {
                        continue;
                    };
                    (settings, Some(listen.peer_group.clone()))
                }
            };
            if peer.config.shutdown != settings.shutdown {
                peer.held = None;
            }
            peer.config = settings;
            peer.peer_group = group;
        }
        for id in self.peers.ids() {
            self.refresh_policies(id);
        }
    }

    /// Neighbours that are told something else now.
    fn regroup(&mut self) {
        if self.restore.is_some() {
            return;
        }
        for id in self.peers.ids() {
            if let Some(key) = self.peers.get(id).and_then(|peer| self.group_key(peer)) {
                self.groups.rejoin(id, key);
            }
        }
    }
}
