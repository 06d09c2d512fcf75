//! How connections and listeners end.
//!
//! ```text
//!                 finish(Flush)            all is flushed          the peer ended, or the linger time is over
//!   Open ───────────────────────▶ Ending ────────────────▶ Lingering ───────────────────────────────▶ gone
//!    │                              │                      (FIN sent; what comes is thrown away)
//!    └──── finish(Now) ─────────────┴────────────────────────────────────────────────────────────────▶ gone
//! ```
//! A connection is over for its inbox (`Close`) when it leaves `Ending`, or `Open` at once. Closing a socket with
//! unread bytes would send a reset, which may take the last bytes from the peer before it has read them: hence the
//! lingering.

use crate::alarms::Alarm;
use crate::codec::Refusal;
use crate::connection::{Phase, pause};
use crate::controller::Settled;
use crate::core::Core;
use crate::engine::Engine;
use crate::inbox::Refused;
use crate::listener::{Farewell, Stage};
use crate::message::CloseReason;
use crate::options::Replies;
use crate::pending::Answer;
use crate::timing::STALLED;
use crate::token::ConnectionToken;
use std::io;
use std::time::Duration;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// At once.
    Now,
    /// Once what was written has gone out.
    Flush,
}

impl Core {
    /// Ends a connection. What is owed is not waited for.
    pub(crate) fn finish<E: Engine>(
        &mut self,
        engine: &mut E,
        token: u32,
        how: How,
        reason: CloseReason,
        text: String,
    ) {
        self.finish_with(engine, token, how, reason, text, None);
    }

    fn finish_with<E: Engine>(
        &mut self,
        engine: &mut E,
        token: u32,
        how: How,
        reason: CloseReason,
        text: String,
        error: Option<(u32, String)>,
    ) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let phase = connection.phase;
        if phase == Phase::Lingering {
            if how == How::Now {
                self.discard(engine, token);
            }
            return;
        }
        let mut clean = true;
        if phase == Phase::Open {
            let owed = self.ledger.clear(&mut connection.chain);
            if let Some(listener) = self.listeners.get(connection.listener) {
                listener.counters.owed.subtract(u64::from(owed));
            }
            clean = owed == 0 || how == How::Flush;
            connection.speaker = 0;
            connection.stashed = 0;
            connection.behind = None;
            connection.partial = None;
        }
        match how {
            How::Now => {
                clean &= engine.queued(ConnectionToken(token)) == 0;
                self.conclude(token, clean, reason, text, error);
                self.discard(engine, token);
            }
            How::Flush if phase == Phase::Open => {
                connection.phase = Phase::Ending(reason);
                connection.verdict = Some(Box::new((reason, text)));
                connection.queued_then = 0;
                engine.stop_receive(ConnectionToken(token));
                engine.shutdown(ConnectionToken(token));
                self.ending.push(token);
                connection.alarm_at(self.now.after(STALLED), token, &mut self.alarms);
            }
            How::Flush => {}
        }
    }

    /// A connection is over for everybody but the engine.
    fn conclude(&mut self, token: u32, clean: bool, reason: CloseReason, text: String, error: Option<(u32, String)>) {
        let Some(connection) = self.connections.get(token) else { return };
        self.shared.counters.connections.subtract(1);
        let Some(listener) = self.listeners.get_mut(connection.listener) else { return };
        listener.open -= 1;
        listener.counters.connections.subtract(1);
        listener.counters.closed(reason).add(1);
        if listener.stage != Stage::Open {
            *(if clean { &mut listener.settled.drained } else { &mut listener.settled.cut }) += 1;
        }
        if connection.known && listener.has_inbox() {
            listener.farewells.push_back(Farewell { connection: token, error, reason, text });
        }
    }

    /// Closes the socket and forgets the connection.
    pub(crate) fn discard<E: Engine>(&mut self, engine: &mut E, token: u32) {
        engine.close(ConnectionToken(token));
        if let Some(connection) = self.connections.remove(token)
            && let Some(listener) = self.listeners.get_mut(connection.listener)
        {
            listener.sockets -= 1;
        }
    }

    /// After the submit: has what was written gone out?
    pub(crate) fn flushed<E: Engine>(&mut self, engine: &mut E) {
        if self.ending.is_empty() {
            return;
        }
        for token in std::mem::take(&mut self.ending) {
            self.try_linger(engine, token);
        }
    }

    fn try_linger<E: Engine>(&mut self, engine: &mut E, token: u32) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let Phase::Ending(reason) = connection.phase else { return };
        if engine.queued(ConnectionToken(token)) > 0 {
            return;
        }
        connection.phase = Phase::Lingering;
        let peer_ended = connection.pause & pause::ENDED != 0;
        let text = connection.verdict.take().map(|verdict| verdict.1).unwrap_or_default();
        // Real time from here on: there is nobody any more for whom it could stand still.
        connection.active = self.now.after(self.linger);
        connection.alarm_at(connection.active, token, &mut self.alarms);
        self.conclude(token, true, reason, text, None);
        if peer_ended || self.linger == Duration::ZERO {
            self.discard(engine, token);
        } else {
            engine.receive(ConnectionToken(token));
        }
    }

    /// What could not go out before has gone out.
    pub(crate) fn sent<E: Engine>(&mut self, engine: &mut E, token: u32) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        if !connection.is_open() {
            self.try_linger(engine, token);
            return;
        }
        if let Some(listener) = self.listeners.get(connection.listener) {
            connection.active = listener.clock(self.now);
        }
        self.relieve(engine, token);
    }

    /// Ends a connection that will get no more frames and is owed nothing.
    pub(crate) fn settle<E: Engine>(&mut self, engine: &mut E, token: u32) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let last = connection.pause & (pause::DRAIN | pause::ENDED);
        if last == 0 || connection.pause & pause::OURS != 0 || connection.chain.len > 0 || !connection.is_open() {
            return;
        }
        let reason = if last & pause::ENDED != 0 { CloseReason::End } else { CloseReason::Drained };
        self.finish(engine, token, How::Flush, reason, String::new());
    }

    /// A connection failed in the engine.
    pub(crate) fn failed<E: Engine>(&mut self, engine: &mut E, token: u32, error: &io::Error) {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
        if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected) {
            self.finish(engine, token, How::Now, CloseReason::Reset, String::new());
        } else {
            let number = error.raw_os_error().unwrap_or(0).unsigned_abs();
            let text = error.to_string();
            self.finish_with(engine, token, How::Now, CloseReason::Error, text.clone(), Some((number, text)));
        }
    }

    /// A stream cannot go on: says so when everything before is answered, and ends.
    pub(crate) fn refuse<E: Engine>(&mut self, engine: &mut E, token: u32, refusal: Refusal) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let Some(listener) = self.listeners.get_mut(connection.listener) else { return };
        let Refusal { reason, text, answer } = refusal;
        connection.partial = None;
        let waits = match listener.options.replies {
            Replies::Ordered => connection.chain.len > 0,
            Replies::Any => connection.speaker != 0,
            Replies::None => false,
        };
        if waits && let Some(last) = self.ledger.append(token, &mut connection.chain) {
            // The refusal is the last reply of the connection, and takes its turn like any other.
            listener.counters.owed.add(1);
            connection.stashed += answer.len();
            connection.verdict = Some(Box::new((reason, text.into_owned())));
            if let Some(owed) = self.ledger.get_mut(last) {
                owed.stash = Some(answer);
                owed.done = true;
                owed.end = true;
            }
            self.pause(engine, token, pause::REFUSED);
            self.unpause(engine, token, pause::OURS);
            return;
        }
        listener.counters.bytes_out.add(answer.len() as u64);
        engine.send(ConnectionToken(token), &answer);
        self.finish(engine, token, How::Flush, reason, text.into_owned());
    }

    /// Delivers what is to be said about connections that are over; false when there is no room for all of it.
    pub(crate) fn say_farewells<E: Engine>(&mut self, engine: &mut E, token: u32) -> bool {
        let panics = &self.shared.counters.panics;
        while let Some(listener) = self.listeners.get_mut(token) {
            let Some(mut farewell) = listener.farewells.pop_front() else { return true };
            match listener.farewell(&mut farewell, panics) {
                Ok(()) => {}
                // What does not even fit into an empty inbox is said without its text.
                Err(Refused::TooLarge) if !farewell.text.is_empty() || farewell.error.is_some() => {
                    farewell.text.clear();
                    farewell.error = None;
                    listener.farewells.push_front(farewell);
                }
                Err(Refused::Full) => {
                    listener.farewells.push_front(farewell);
                    self.fill(engine, token);
                    return false;
                }
                Err(Refused::TooLarge) => {}
                Err(Refused::Gone) => {
                    self.orphans.push(token);
                    return true;
                }
            }
        }
        true
    }

    /// Publishes what was delivered this turn.
    pub(crate) fn flush<E: Engine>(&mut self, engine: &mut E) {
        loop {
            // A listener that is full says its farewells when it has room.
            let next = self
                .listeners
                .values_mut()
                .find(|listener| !listener.full && !listener.farewells.is_empty())
                .map(|listener| listener.token);
            let Some(token) = next else { break };
            self.say_farewells(engine, token);
        }
        let Self { listeners, orphans, shared, .. } = self;
        for listener in listeners.values_mut() {
            if !listener.flush(&shared.counters.panics) {
                orphans.push(listener.token);
            }
        }
    }

    /// Ends listeners whose inbox is gone, and forgets those that are over.
    pub(crate) fn bury<E: Engine>(&mut self, engine: &mut E) {
        for token in std::mem::take(&mut self.orphans) {
            if let Some(listener) = self.listeners.get_mut(token) {
                listener.drop_inbox();
            }
            self.end_listener(engine, token, CloseReason::Error);
        }
        loop {
            let over = self.listeners.values_mut().find(|listener| listener.is_over()).map(|listener| listener.token);
            let Some(token) = over else { break };
            if let Some(mut listener) = self.listeners.remove(token) {
                engine.release(crate::engine::Gate(token));
                // The last messages were delivered; the reader must see them before the inbox goes.
                listener.flush(&self.shared.counters.panics);
                listener.drop_inbox();
                listener.answer();
            }
        }
        for listener in self.listeners.values_mut() {
            // A reader that has stopped reading must not keep those waiting who end it.
            if listener.stage == Stage::Closing && listener.open == 0 && listener.full {
                listener.answer();
            }
        }
    }

    /// Closes a listener and all its connections at once.
    pub(crate) fn end_listener<E: Engine>(&mut self, engine: &mut E, token: u32, reason: CloseReason) {
        let Some(listener) = self.listeners.get_mut(token) else { return };
        listener.stage = Stage::Closing;
        if let Some(socket) = listener.socket.take() {
            engine.close_listener(socket);
        }
        for connection in self.connections_of(token) {
            if !matches!(self.connections.get(connection).map(|it| it.phase), Some(Phase::Lingering) | None) {
                self.finish(engine, connection, How::Now, reason, String::new());
            }
        }
    }

    /// Ends a listener in good order.
    pub(crate) fn drain<E: Engine>(
        &mut self,
        engine: &mut E,
        token: u32,
        timeout: Option<Duration>,
        answer: Answer<Settled>,
    ) {
        let Some(listener) = self.listeners.get_mut(token) else {
            answer.give(Settled::default());
            return;
        };
        listener.answers.push(answer);
        if let Some(timeout) = timeout {
            self.alarms.set(self.now.after(timeout), Alarm::Drain(token));
        }
        if listener.stage != Stage::Open {
            return;
        }
        listener.stage = Stage::Draining;
        if let Some(socket) = listener.socket.take() {
            engine.close_listener(socket);
        }
        for connection in self.connections_of(token) {
            if self.connections.get(connection).is_some_and(|connection| connection.is_open()) {
                self.pause(engine, connection, pause::DRAIN);
                self.settle(engine, connection);
            }
        }
    }

    fn connections_of(&self, listener: u32) -> Vec<u32> {
        self.connections.iter().filter(|(_, it)| it.listener == listener).map(|(token, _)| token).collect()
    }
}
