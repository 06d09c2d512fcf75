//! The contract of `engine.rs` as tests, for any engine.
//!
//! An engine takes part by implementing [`World`] and naming itself in `contract_suite!`.

mod connections;
mod receiving;
mod sending;
mod stand;
mod waiting;

pub(crate) use connections::*;
pub(crate) use receiving::*;
pub(crate) use sending::*;
pub(crate) use waiting::*;

use crate::engine::Engine;
use std::io::{Read, Write};
use std::net::SocketAddr;

/// The far end of a connection.
pub(crate) trait Peer: Read + Write + Send + 'static {
    /// Sends no more.
    fn end(&mut self);
    /// Goes away with a reset.
    fn reset(self);
}

/// An engine and the peers that can reach it.
pub(crate) trait World {
    type Engine: Engine + Send;
    type Peer: Peer;
    fn engine() -> Self::Engine;
    fn dial(engine: &mut Self::Engine, address: SocketAddr) -> Self::Peer;
    /// An address nobody listens at.
    fn nowhere() -> SocketAddr;
}

macro_rules! contract_suite {
    ($world:ty: $($test:ident,)*) => {
        $(#[test] fn $test() { crate::contract::$test::<$world>() })*
    };
    ($world:ty) => {
        contract_suite! { $world:
            bytes_come_in_order_and_then_the_end_once,
            nothing_is_received_before_it_is_asked_for_or_after_it_is_stopped,
            a_stop_between_two_completions_is_obeyed_at_once,
            a_turn_receives_a_bounded_amount_and_connections_take_turns,
            a_held_gate_lets_nothing_through_and_nothing_is_lost,
            whoever_waited_at_a_gate_comes_first_after_its_release,
            what_is_sent_arrives_in_order_whatever_the_peer_s_pace,
            sent_is_told_also_when_a_later_submit_finds_room,
            the_end_is_told_after_all_that_was_sent,
            a_failure_to_send_is_told_and_raises_no_signal,
            accepting_stops_and_goes_on,
            an_address_in_use_is_an_error,
            a_connection_that_is_begun_completes_and_carries_what_was_sent_before,
            a_connection_to_nowhere_fails,
            a_reset_is_a_failure_told_once,
            a_token_means_nothing_after_the_close,
            connections_outlive_their_listener,
            the_timer_comes_once_and_not_before_its_time,
            time_never_goes_back,
            a_notifier_wakes_the_current_or_the_next_wait,
        }
    };
}
pub(crate) use contract_suite;
