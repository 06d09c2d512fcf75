//! Bytes become messages.

use crate::codec::{Codec, Decoded, FramingState, Refusal, Scratch};
use crate::connection::{Connection, NEVER, Partial, Phase, pause};
use crate::core::Core;
use crate::engine::{Engine, Gate, Time};
use crate::inbox::Refused;
use crate::listener::{Listener, Stage};
use crate::message::{Message, MessageKind};
use crate::options::Replies;
use crate::replies::Ledger;
use crate::stats::Counter;
use crate::token::{ConnectionToken, ListenerToken, ReplyToken};
use std::net::SocketAddr;

/// A buffer for laying out frames that grew beyond this is not kept.
const KEPT_SCRATCH: usize = 256 << 10;

/// Why no more frames were delivered.
#[derive(Debug)]
pub(crate) enum Stop {
    /// There is no whole frame left.
    Partial,
    /// The inbox is full.
    Full,
    /// As many frames as allowed wait for their replies.
    Owed,
    /// The reactor has no reply token left.
    NoToken,
    /// The stream cannot go on.
    Refused(Refusal),
    /// The inbox is gone.
    Gone,
}

/// What delivering frames of one connection needs.
struct Delivery<'a> {
    listener: &'a mut Listener,
    connection: &'a mut Connection,
    token: u32,
    ledger: &'a mut Ledger,
    scratch: &'a mut Scratch,
    panics: &'a Counter,
}

impl Delivery<'_> {
    /// Delivers the whole frames at the beginning of `input`; gives the bytes they took, and why there were no more.
    fn run(&mut self, state: &mut FramingState, input: &[u8]) -> (usize, Stop) {
        let mut at = 0;
        let with_reply = self.listener.options.replies != Replies::None;
        loop {
            if with_reply && self.connection.chain.len >= self.listener.options.max_owed {
                return (at, Stop::Owed);
            }
            if at == input.len() {
                return (at, Stop::Partial);
            }
            // A field of the listener is lent to the codec and the whole of it delivers: the framing is cheap to name twice.
            let decoded = match self.listener.options.framing.decode(state, &input[at..], self.scratch) {
                Ok(decoded) => decoded,
                Err(refusal) => return (at, Stop::Refused(refusal)),
            };
            let (consumed, head, body) = match decoded {
                Decoded::Frame { consumed, head, body } => (consumed, head, body),
                Decoded::Skip { consumed } => {
                    at += consumed;
                    continue;
                }
                Decoded::Partial => return (at, Stop::Partial),
            };
            let reply = if with_reply {
                match self.ledger.append(self.token, &mut self.connection.chain) {
                    Some(reply) => reply,
                    None => return (at, Stop::NoToken),
                }
            } else {
                0
            };
            let message = Message {
                kind: MessageKind::Frame,
                listener: ListenerToken(self.listener.token),
                connection: ConnectionToken(self.token),
                reply: ReplyToken(reply),
                detail: 0,
                head,
                body,
            };
            match self.listener.deliver(&message, self.panics) {
                Ok(()) => {
                    at += consumed;
                    self.listener.counters.frames.add(1);
                    if with_reply {
                        self.listener.counters.owed.add(1);
                    }
                }
                Err(refused) => {
                    self.ledger.remove(reply, &mut self.connection.chain);
                    return (
                        at,
                        match refused {
                            Refused::Full => Stop::Full,
                            Refused::Gone => Stop::Gone,
                            Refused::TooLarge => Stop::Refused(self.listener.options.framing.too_large()),
                        },
                    );
                }
            }
        }
    }
}

impl Core {
    /// A connection came to the listener the engine knows by this token.
    pub(crate) fn accepted<E: Engine>(
        &mut self,
        engine: &mut E,
        listener: ListenerToken,
        token: ConnectionToken,
        peer: Option<SocketAddr>,
    ) {
        let now = self.now;
        let Some(listener) = self.listeners.values_mut().find(|known| known.socket == Some(listener)) else {
            engine.close(token);
            return;
        };
        if listener.stage != Stage::Open || listener.sockets >= listener.options.max_connections {
            listener.counters.refused.add(1);
            engine.close(token);
            return;
        }
        listener.sockets += 1;
        listener.open += 1;
        listener.counters.accepted.add(1);
        listener.counters.connections.add(1);
        self.shared.counters.connections.add(1);
        let mut connection = Connection::new(listener.token, listener.clock(now));
        if let Some(idle) = listener.options.idle_timeout {
            connection.alarm_at(now.after(idle), token.0, &mut self.alarms);
        }
        let listener = listener.token;
        self.connections.insert(token.0, connection);
        if self.introduce(engine, token.0, listener, peer) {
            engine.receive(token);
        }
    }

    /// Delivers a connection's `Open`; false when there was no room for it, or nobody to read it.
    fn introduce<E: Engine>(&mut self, engine: &mut E, token: u32, listener: u32, peer: Option<SocketAddr>) -> bool {
        let (Some(connection), Some(at)) = (self.connections.get_mut(token), self.listeners.get_mut(listener)) else {
            return false;
        };
        let outcome = if at.full && connection.pause & pause::INBOX == 0 {
            Err(Refused::Full)
        } else {
            let text = peer.map(|peer| peer.to_string()).unwrap_or_default();
            let message = at.message(MessageKind::Open, token, 0);
            at.deliver(&Message { body: text.as_bytes(), ..message }, &self.shared.counters.panics)
        };
        match outcome {
            Ok(()) => {
                connection.known = true;
                true
            }
            Err(Refused::Full | Refused::TooLarge) => {
                connection.pause |= pause::INBOX;
                connection.unannounced = peer.map(Box::new);
                at.waiting.push_back(token);
                self.fill(engine, listener);
                false
            }
            Err(Refused::Gone) => {
                self.orphans.push(listener);
                false
            }
        }
    }

    /// Bytes arrived. They are lent by the engine, so what follows from them is done by [`stopped`](Self::stopped).
    pub(crate) fn received(&mut self, token: u32, bytes: &[u8]) -> Option<Stop> {
        let connection = self.connections.get_mut(token)?;
        if !connection.is_open() {
            return None;
        }
        let listener = self.listeners.get_mut(connection.listener)?;
        listener.counters.bytes_in.add(bytes.len() as u64);
        connection.active = listener.clock(self.now);
        if connection.pause != 0 {
            // An engine that could not help receiving: the bytes wait behind those that wait already.
            connection.partial.get_or_insert_default().buffer.extend_from_slice(bytes);
            return None;
        }
        if connection.partial.is_some() {
            return self.pump(token, bytes);
        }
        let mut delivery = Delivery {
            listener,
            connection,
            token,
            ledger: &mut self.ledger,
            scratch: &mut self.scratch,
            panics: &self.shared.counters.panics,
        };
        let (consumed, stop) = delivery.run(&mut self.state, bytes);
        if consumed < bytes.len() {
            let buffer = bytes[consumed..].to_vec();
            let state = std::mem::take(&mut self.state);
            connection.partial = Some(Box::new(Partial { buffer, state }));
        }
        self.began(token, consumed, &stop);
        Some(stop)
    }

    /// Delivers what is whole of the bytes a connection keeps and these behind them.
    fn pump(&mut self, token: u32, bytes: &[u8]) -> Option<Stop> {
        let connection = self.connections.get_mut(token)?;
        let listener = self.listeners.get_mut(connection.listener)?;
        let Some(mut partial) = connection.partial.take() else { return Some(Stop::Partial) };
        partial.buffer.extend_from_slice(bytes);
        let mut delivery = Delivery {
            listener,
            connection,
            token,
            ledger: &mut self.ledger,
            scratch: &mut self.scratch,
            panics: &self.shared.counters.panics,
        };
        let (consumed, stop) = delivery.run(&mut partial.state, &partial.buffer);
        if consumed < partial.buffer.len() {
            if consumed > 0 {
                partial.buffer.drain(..consumed);
            }
            connection.partial = Some(partial);
        }
        if self.scratch.body.capacity() > KEPT_SCRATCH {
            self.scratch = Scratch::default();
        }
        self.began(token, consumed, &stop);
        Some(stop)
    }

    /// Keeps account of when the frame that is not whole began.
    fn began(&mut self, token: u32, consumed: usize, stop: &Stop) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let incomplete = matches!(stop, Stop::Partial) && connection.partial.is_some();
        if !incomplete {
            connection.frame_since = None;
        } else if consumed > 0 || connection.frame_since.is_none() {
            let Some(listener) = self.listeners.get(connection.listener) else { return };
            connection.frame_since = Some(listener.clock(self.now));
            if let Some(timeout) = listener.options.frame_timeout {
                connection.alarm_at(self.now.after(timeout), token, &mut self.alarms);
            }
        }
    }

    /// Does what follows from the end of a run of frames.
    pub(crate) fn stopped<E: Engine>(&mut self, engine: &mut E, token: u32, stop: Stop) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let listener = connection.listener;
        match stop {
            Stop::Partial => {
                self.unpause(engine, token, pause::OURS);
                self.settle(engine, token);
            }
            Stop::Full => {
                self.pause(engine, token, pause::INBOX);
                if let Some(listener) = self.listeners.get_mut(listener) {
                    listener.waiting.push_back(token);
                }
                self.fill(engine, listener);
            }
            Stop::Owed => {
                self.pause(engine, token, pause::OWED);
                self.unpause(engine, token, pause::INBOX);
            }
            Stop::NoToken => {
                self.pause(engine, token, pause::OWED);
                self.unpause(engine, token, pause::INBOX);
                self.thirsty.push_back(token);
            }
            Stop::Refused(refusal) => self.refuse(engine, token, refusal),
            Stop::Gone => self.orphans.push(listener),
        }
    }

    /// The peer ended its side.
    pub(crate) fn ended<E: Engine>(&mut self, engine: &mut E, token: u32) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        match connection.phase {
            Phase::Open => {
                self.pause(engine, token, pause::ENDED);
                self.settle(engine, token);
            }
            Phase::Ending(_) => connection.pause |= pause::ENDED,
            Phase::Lingering => self.discard(engine, token),
        }
    }

    /// An inbox that was full has room again: delivers what waited, in turns.
    pub(crate) fn refill<E: Engine>(&mut self, engine: &mut E, token: u32) {
        let now = self.now;
        if !self.say_farewells(engine, token) {
            return;
        }
        while let Some(listener) = self.listeners.get_mut(token) {
            let Some(waiting) = listener.waiting.pop_front() else {
                listener.clear(now);
                engine.release(Gate(token));
                return;
            };
            let frames = listener.counters.frames.get();
            let Some(connection) = self.connections.get_mut(waiting).filter(|connection| connection.is_open()) else {
                continue;
            };
            if !connection.known {
                let peer = connection.unannounced.take().map(|peer| *peer);
                if !self.introduce(engine, waiting, token, peer) {
                    self.keep_turn(token, 0);
                    return;
                }
            }
            let stop = self.pump(waiting, &[]);
            let full = matches!(stop, Some(Stop::Full));
            if let Some(stop) = stop {
                self.stopped(engine, waiting, stop);
            }
            if full {
                let Some(listener) = self.listeners.get_mut(token) else { return };
                let delivered = listener.counters.frames.get() - frames;
                self.keep_turn(token, delivered);
                return;
            }
        }
    }

    /// Who was refused last got nothing through: it stays first, or frames that need much room would starve.
    fn keep_turn(&mut self, listener: u32, delivered: u64) {
        if delivered == 0
            && let Some(listener) = self.listeners.get_mut(listener)
            && let Some(last) = listener.waiting.pop_back()
        {
            listener.waiting.push_front(last);
        }
    }

    /// Delivers frames that waited for replies to be given.
    pub(crate) fn feed<E: Engine>(&mut self, engine: &mut E) {
        if self.ledger.has_room() {
            self.hungry.extend(self.thirsty.drain(..));
        }
        if self.hungry.is_empty() {
            return;
        }
        for token in std::mem::take(&mut self.hungry) {
            let Some(connection) = self.connections.get_mut(token) else { continue };
            if !connection.is_open() || connection.pause & pause::OWED == 0 || connection.pause & pause::INBOX != 0 {
                continue;
            }
            if connection.pause & pause::WRITE != 0 {
                continue;
            }
            let listener = connection.listener;
            if self.listeners.get(listener).is_some_and(|listener| listener.full) {
                // It joins those that wait for room.
                self.stopped(engine, token, Stop::Full);
                self.unpause(engine, token, pause::OWED);
            } else if let Some(stop) = self.pump(token, &[]) {
                let full = matches!(stop, Stop::Full);
                self.stopped(engine, token, stop);
                if full {
                    self.unpause(engine, token, pause::OWED);
                }
            }
        }
    }
}

impl Connection {
    /// Sets an alarm, unless one that comes no later is set already.
    pub(crate) fn alarm_at(&mut self, at: Time, token: u32, alarms: &mut crate::alarms::Alarms) {
        if at < self.alarm && at < NEVER {
            self.alarm = at;
            alarms.set(at, crate::alarms::Alarm::Connection(token));
        }
    }
}
