//! What is tried with every other router: a function for each row of the table.

mod addresses;
mod exchange;
mod guarded;
mod originate;
mod paths;
mod policy;
mod restart;
mod session;
mod share;

use std::time::Duration;

use lab::wait;

pub(crate) use addresses::{ipv4_over_ipv6, unnumbered};
pub(crate) use exchange::{
    both_over_a_session_each, both_over_one_session, communities, ipv4_over_ipv4, ipv6_over_ipv6,
    route_refresh, third_peers_view,
};
pub(crate) use guarded::{bfd, dynamic_neighbour, gtsm, maximum_prefix, tcp_md5};
pub(crate) use originate::{aggregate, default_route, redistribution};
pub(crate) use paths::{
    add_path_received, add_path_sent, as_paths_rewritten, local_as, own_as_accepted,
    route_reflection,
};
pub(crate) use policy::{blackhole, graceful_shutdown, policy_changes_without_a_reset};
pub(crate) use restart::{
    peer_killed, peer_restarts_gracefully, router_restart, router_restarts_gracefully,
};
pub(crate) use session::{extended_messages, peer_dials, router_dials, two_octet_as};
pub(crate) use share::ecmp;

/// Long enough for what must not happen to happen.
const WATCHED: Duration = Duration::from_secs(2);

/// What must not happen does not, as long as it is watched.
#[track_caller]
fn never(what: &str, happens: impl Fn() -> bool) {
    let seen = wait::try_until(what, WATCHED, || happens().then_some(()));
    assert!(seen.is_err(), "there was {what}");
}
