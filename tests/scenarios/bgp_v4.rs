//! BGP over IPv4 between the daemon and our own speakers.

use anyhow::Result;

use crate::exchange;
use crate::world::V4;

#[test]
fn a_learnt_route_forwards_until_it_is_withdrawn() -> Result<()> {
    exchange::learnt_routes_forward(V4)
}

#[test]
fn a_withdrawn_prefix_falls_back_to_the_one_that_covers_it() -> Result<()> {
    exchange::covering_prefix_takes_over(V4)
}

#[test]
fn routes_go_on_to_other_neighbours_with_our_as_and_our_address() -> Result<()> {
    exchange::routes_go_on(V4)
}

#[test]
fn the_shorter_path_is_used_and_the_longer_one_when_it_is_gone() -> Result<()> {
    exchange::best_path_and_next_best(V4)
}

#[test]
fn routes_leave_with_their_session_and_come_back_with_it() -> Result<()> {
    exchange::session_loss(V4)
}

#[test]
fn two_of_our_own_daemons_exchange_their_networks() -> Result<()> {
    exchange::own_daemons(V4)
}

#[test]
fn without_a_policy_nothing_is_exchanged_with_an_external_neighbour() -> Result<()> {
    exchange::policy_required(V4)
}

#[test]
fn a_path_that_went_through_our_as_is_not_used() -> Result<()> {
    exchange::as_loop(V4)
}
