//! How the session of a neighbour is run, and how its connections are made: what the configuration and the host
//! come to.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::bgp::session::{GracefulRestart, SessionConfig};
use crate::bgp::types::{Asn, PeerAs};
use crate::bgp::wire::attribute::AttributeCode;
use crate::bgp::wire::error::Disposition;
use crate::config::model::{Bgp, GracefulRestartMode, NeighborSettings, RemoteAs, UpdateSource};
use crate::rib::route::{PeerId, PeerKind};
use crate::router::Router;
use crate::router::peers::{Peer, configured_kind};
use crate::router::transport::Transport;

const HOLD_TIME: u16 = 90;
const CONNECT_RETRY: u16 = 30;
const ERROR_WAIT: u16 = 5;
const BGP_PORT: u16 = 179;
const TTL_FAR: u8 = 255;
const TTL_CONNECTED: u8 = 1;

impl Router {
    /// How the session of a neighbour is to behave.
    pub fn session_config(&self, id: PeerId) -> Option<SessionConfig> {
        let bgp = self.config.protocols.bgp.as_ref()?;
        let peer = self.peers.get(id)?;
        let config = &peer.config;
        let internal = configured_kind(config, bgp.system_as) == PeerKind::Ibgp;
        let local_as = match config.local_as {
            Some(local) if !internal => local.asn,
            Some(_) | None => bgp.system_as,
        };
        let families = || config.address_family.iter();
        let sends_add_path = families().filter(|(_, settings)| settings.addpath_tx.is_some());
        let takes_add_path = families().filter(|(_, settings)| !settings.disable_addpath_rx);
        let timers = config.timers;
        let link_local = matches!(peer.address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        Some(SessionConfig {
            passive: config.passive || peer.range.is_some(),
            admin_down: config.shutdown,
            hold_time: timers.holdtime.or(bgp.timers.holdtime).unwrap_or(HOLD_TIME),
            minimum_hold_time: bgp.parameters.minimum_holdtime,
            keepalive: timers.keepalive.or(bgp.timers.keepalive),
            connect_retry: timers
                .connect
                .or(bgp.timers.connect)
                .unwrap_or(CONNECT_RETRY),
            error_wait: timers.error_wait.unwrap_or(ERROR_WAIT),
            send_hold: timers.send_hold,
            families: families().map(|(&family, _)| family).collect(),
            add_path_receive: takes_add_path.map(|(&family, _)| family).collect(),
            add_path_send: sends_add_path.map(|(&family, _)| family).collect(),
            extended_message: config.capability.extended_message.unwrap_or(true),
            extended_next_hop: config.capability.extended_nexthop || link_local,
            graceful_restart: self.graceful_restart(bgp, peer),
            disable_capability_negotiation: config.disable_capability_negotiation,
            override_capability: config.override_capability,
            strict_capability_match: config.strict_capability_match,
            enforce_first_as: config.enforce_first_as.unwrap_or(true),
            reject_as_sets: bgp.parameters.reject_as_sets,
            allow_martian_next_hop: bgp.parameters.allow_martian_nexthop,
            attribute_overrides: attribute_overrides(config),
            link_local_next_hop: config.ebgp_multihop.is_none(),
            jitter_seed: u64::from(u32::from(self.router_id.0)) << 16 | u64::from(id.0),
            ..SessionConfig::new(local_as, self.router_id, peer_as(config.remote_as))
        })
    }

    fn graceful_restart(&self, bgp: &Bgp, peer: &Peer) -> Option<GracefulRestart> {
        let configured = peer.config.graceful_restart;
        let mode = configured.unwrap_or(GracefulRestartMode::Enable);
        let adopted = self.startup.adopted_routes > 0;
        (mode != GracefulRestartMode::Disable).then_some(GracefulRestart {
            restart_time: bgp.parameters.restart_time,
            restarting: adopted && self.restore.is_some(),
            // Nothing that we told in an earlier session was forgotten by the data plane.
            forwarding_kept: adopted || peer.changed.is_some(),
            helper_only: mode == GracefulRestartMode::RestartHelper,
        })
    }

    pub(super) fn transport(&self, peer: &Peer) -> Option<Transport> {
        let config = &peer.config;
        let internal = configured_kind(config, self.local_as()) == PeerKind::Ibgp;
        let (ttl, minimum_ttl) = match (config.ttl_security_hops, config.ebgp_multihop) {
            (Some(hops), _) => (TTL_FAR, Some(TTL_FAR - (hops.max(1) - 1))),
            (None, Some(ttl)) => (ttl, None),
            (None, None) if internal => (TTL_FAR, None),
            (None, None) => (TTL_CONNECTED, None),
        };
        let source = match &config.update_source {
            None => None,
            Some(UpdateSource::Address(address)) => Some(*address),
            Some(UpdateSource::Interface(name)) => Some(
                self.host
                    .source_on(self.host.index_of(name)?, peer.address)?,
            ),
        };
        Some(Transport {
            remote: peer.address,
            scope: peer.scope,
            port: config.port.unwrap_or(BGP_PORT),
            source,
            ttl,
            minimum_ttl,
            password: config.password.clone(),
            mss: config.tcp_mss,
        })
    }

    /// `update-source`: the address that sessions are opened from.
    pub(super) fn source_of(&self, peer: &Peer) -> Option<IpAddr> {
        match peer.config.update_source.as_ref()? {
            UpdateSource::Address(address) => Some(*address),
            UpdateSource::Interface(name) => {
                self.host.source_on(self.host.index_of(name)?, peer.address)
            }
        }
    }
}

fn peer_as(remote_as: Option<RemoteAs>) -> PeerAs {
    match remote_as {
        Some(RemoteAs::Number(Asn(number))) => PeerAs::Number(Asn(number)),
        Some(RemoteAs::Internal) => PeerAs::Internal,
        Some(RemoteAs::External) | None => PeerAs::External,
    }
}

fn attribute_overrides(config: &NeighborSettings) -> Vec<(AttributeCode, Disposition)> {
    let attributes = &config.path_attribute;
    let with = |codes: &BTreeSet<u8>, disposition| {
        let codes = codes.iter();
        codes
            .map(|&code| (AttributeCode(code), disposition))
            .collect::<Vec<_>>()
    };
    let mut overrides = with(&attributes.discard, Disposition::AttributeDiscard);
    overrides.extend(with(
        &attributes.treat_as_withdraw,
        Disposition::TreatAsWithdraw,
    ));
    overrides
}
