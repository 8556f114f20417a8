//! Desired forwarding state, as a value. The FIB sees prefixes, gateways and what the host reported, never
//! BGP; what it wants written leaves as [`op::FibOp`]s, in an order in which no moment is wrong.

mod buckets;
mod ids;
pub mod op;
pub mod plan;
mod ranges;
mod types;
mod view;

use std::net::IpAddr;

use ipnet::IpNet;

pub use self::types::{Gateway, GatewayId, LocalKind, PathSet, Probe, Reachability};
pub use self::view::{Counts, LocalRoute, PathTarget, PathView, RouteKind, RouteView};
use crate::fib::op::{FibOp, Installed};
use crate::host::{HostEvent, IfIndex};
use crate::prefix::{PrefixId, PrefixIndex};

/// Desired forwarding state and what of it has been handed out for writing.
#[derive(Debug, Default)]
pub struct Fib {}

#[allow(unused_variables, clippy::todo, reason = "signatures first")]
impl Fib {
    /// Nothing installed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what an earlier run left in the maps. All of it is stale until it is set again or swept.
    pub fn adopt(installed: &Installed, index: &mut PrefixIndex) -> Self {
        todo!()
    }

    /// The data plane has a port on this interface: next hops out of it can be forwarded to. Best told
    /// before the host's first dump is complete.
    pub fn attach_port(&mut self, link: IfIndex) {
        todo!()
    }

    /// Packets for next hops out of this interface pass to the kernel from now on.
    pub fn detach_port(&mut self, link: IfIndex) {
        todo!()
    }

    pub fn handle_host(&mut self, event: &HostEvent, index: &mut PrefixIndex) {
        todo!()
    }

    /// The gateway's id; every call needs one [`release_gateway`](Self::release_gateway).
    pub fn gateway(&mut self, gateway: Gateway, index: &PrefixIndex) -> GatewayId {
        todo!()
    }

    pub fn release_gateway(&mut self, id: GatewayId) {
        todo!()
    }

    /// As of the last drain.
    pub fn reachability(&self, id: GatewayId) -> Reachability {
        todo!()
    }

    /// Gateways whose reachability is another than at the last call.
    pub fn drain_gateway_changes(&mut self, index: &PrefixIndex) -> Vec<GatewayId> {
        todo!()
    }

    /// Neighbours that must be resolved and kept fresh from now on, and those that need not any more.
    pub fn drain_probes(&mut self) -> Vec<Probe> {
        todo!()
    }

    /// Sets the winner among the protocols for a prefix.
    pub fn set_route(&mut self, id: PrefixId, prefix: IpNet, set: &PathSet) {
        todo!()
    }

    pub fn remove_route(&mut self, id: PrefixId, prefix: IpNet) {
        todo!()
    }

    /// Removes up to `budget` of the adopted prefixes that were not set again; true when some are left.
    pub fn sweep_stale(&mut self, index: &PrefixIndex, budget: usize) -> bool {
        todo!()
    }

    pub fn stale_count(&self) -> usize {
        todo!()
    }

    /// What must be written to get from the last drain to here, in order.
    pub fn drain_ops(&mut self, index: &PrefixIndex) -> Vec<FibOp> {
        todo!()
    }

    /// Prefixes that the FIB has stopped using since the last call.
    pub fn drain_released(&mut self) -> Vec<PrefixId> {
        todo!()
    }

    /// Whether the FIB still needs the id; one that is removed is needed until its `Unbind` is drained.
    pub fn uses(&self, id: PrefixId) -> bool {
        todo!()
    }

    /// The longest installed prefix that contains the address.
    pub fn lookup(&self, index: &PrefixIndex, address: IpAddr) -> Option<PrefixId> {
        todo!()
    }

    pub fn view(&self, id: PrefixId) -> Option<RouteView> {
        todo!()
    }

    /// Own addresses, broadcast and anycast addresses and connected subnets.
    pub fn local_routes(&self) -> impl Iterator<Item = LocalRoute> + '_ {
        std::iter::empty()
    }

    pub fn counts(&self) -> Counts {
        todo!()
    }

    /// What the maps hold once everything drained is applied.
    pub fn desired(&self, index: &PrefixIndex) -> Installed {
        todo!()
    }
}
