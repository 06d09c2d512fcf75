//! Everything a reactor knows but its engine: listeners, connections, what is owed, and what has a time.
//!
//! What happens to them is in four files: `incoming` (bytes become messages), `outgoing` (replies and commands become
//! bytes), `closing` (how connections and listeners end) and `timing` (what may not take for ever). Each takes the
//! engine as an argument, because a completion's bytes are lent by it while they are looked at.

use crate::alarms::Alarms;
use crate::codec::{FramingState, Scratch};
use crate::connection::Connection;
use crate::controller::Shared;
use crate::engine::{Engine, Gate, Time};
use crate::listener::Listener;
use crate::replies::Ledger;
use crate::slots::{Mirror, Slots};
use crate::token::ConnectionToken;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) listeners: Slots<Listener>,
    pub(crate) connections: Mirror<Connection>,
    pub(crate) ledger: Ledger,
    pub(crate) alarms: Alarms,
    pub(crate) now: Time,
    pub(crate) linger: Duration,
    pub(crate) scratch: Scratch,
    /// The state of a frame that is parsed straight from the engine's buffer.
    pub(crate) state: FramingState,
    /// Connections that may be over their write limit; looked at after the submit.
    pub(crate) suspects: Vec<u32>,
    /// Connections that end once they are flushed; looked at after the submit.
    pub(crate) ending: Vec<u32>,
    /// Connections whose next frames may be delivered now that replies were given.
    pub(crate) hungry: Vec<u32>,
    /// Connections that wait until the reactor has reply tokens again.
    pub(crate) thirsty: VecDeque<u32>,
    /// Listeners whose inbox is gone.
    pub(crate) orphans: Vec<u32>,
}

impl Core {
    pub(crate) fn new(shared: Arc<Shared>, linger: Duration) -> Self {
        Self {
            shared,
            listeners: Slots::new(),
            connections: Mirror::new(),
            ledger: Ledger::new(),
            alarms: Alarms::default(),
            now: Time::default(),
            linger,
            scratch: Scratch::default(),
            state: FramingState::default(),
            suspects: Vec::new(),
            ending: Vec::new(),
            hungry: Vec::new(),
            thirsty: VecDeque::new(),
            orphans: Vec::new(),
        }
    }

    /// Sets reasons for which a connection is not read from.
    pub(crate) fn pause<E: Engine>(&mut self, engine: &mut E, token: u32, reasons: u8) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let before = connection.pause;
        connection.pause |= reasons;
        if before == 0 && connection.pause != 0 {
            engine.stop_receive(ConnectionToken(token));
            if let Some(listener) = self.listeners.get(connection.listener) {
                connection.paused_since = listener.clock(self.now);
            }
        }
    }

    /// Takes reasons back; the connection is read from when none is left.
    pub(crate) fn unpause<E: Engine>(&mut self, engine: &mut E, token: u32, reasons: u8) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let before = connection.pause;
        connection.pause &= !reasons;
        if before == 0 || connection.pause != 0 {
            return;
        }
        engine.receive(ConnectionToken(token));
        if let Some(listener) = self.listeners.get(connection.listener) {
            let clock = listener.clock(self.now);
            connection.active = clock;
            if let Some(since) = &mut connection.frame_since {
                *since = since.after(clock.since(connection.paused_since));
            }
        }
    }

    /// The inbox of a listener is full: nothing is read for it.
    pub(crate) fn fill<E: Engine>(&mut self, engine: &mut E, token: u32) {
        if let Some(listener) = self.listeners.get_mut(token) {
            listener.fill(self.now);
            engine.hold(Gate(token));
        }
    }
}
