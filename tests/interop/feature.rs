//! What is tried with every other router: a function for each row of the table.

mod exchange;
mod restart;
mod session;
mod share;

pub(crate) use exchange::{
    both_over_a_session_each, both_over_one_session, communities, ipv4_over_ipv4, ipv6_over_ipv6,
    route_refresh, third_peers_view,
};
pub(crate) use restart::{
    peer_killed, peer_restarts_gracefully, router_restart, router_restarts_gracefully,
};
pub(crate) use session::{extended_messages, peer_dials, router_dials, two_octet_as};
pub(crate) use share::ecmp;
