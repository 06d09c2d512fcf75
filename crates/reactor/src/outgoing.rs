//! Replies and commands become bytes.
//!
//! Runs inside an outbox's drain: it must not deliver to an inbox, because both may stand behind one lock of the
//! implementer. What follows for inboxes is put on lists and done after the drain.

use crate::closing::How;
use crate::codec::Codec;
use crate::connection::{Connection, pause};
use crate::core::Core;
use crate::engine::Engine;
use crate::listener::Listener;
use crate::message::CloseReason;
use crate::options::{Replies, WritePolicy};
use crate::outbox::Outgoing;
use crate::token::ConnectionToken;

impl Core {
    /// Does one thing from an outbox.
    pub(crate) fn outgoing<E: Engine>(&mut self, engine: &mut E, outgoing: Outgoing<'_>) {
        match outgoing {
            Outgoing::Reply { token, bytes, more, end } => self.reply(engine, token.0, Some(bytes), more, end),
            Outgoing::Release { token } => self.reply(engine, token.0, None, false, false),
            Outgoing::Send { connection, bytes } => self.unasked(engine, connection.0, bytes, true),
            Outgoing::Write { connection, bytes } => self.unasked(engine, connection.0, bytes, false),
            Outgoing::End { connection } => self.command(engine, connection.0, How::Flush, CloseReason::End),
            Outgoing::Destroy { connection } => self.command(engine, connection.0, How::Now, CloseReason::Closed),
        }
    }

    fn command<E: Engine>(&mut self, engine: &mut E, token: u32, how: How, reason: CloseReason) {
        match self.connections.get(token) {
            Some(connection) if connection.is_open() => self.finish(engine, token, how, reason, String::new()),
            _ => self.shared.counters.stale_connections.add(1),
        }
    }

    /// Says something for an owed frame: nothing at all when it is released.
    fn reply<E: Engine>(&mut self, engine: &mut E, reply: u32, bytes: Option<&[u8]>, more: bool, end: bool) {
        let Some(owed) = self.ledger.get_mut(reply).filter(|owed| !owed.done) else {
            self.shared.counters.stale_replies.add(1);
            return;
        };
        let token = owed.connection;
        let Some(connection) = self.connections.get_mut(token) else { return };
        let Some(listener) = self.listeners.get_mut(connection.listener) else { return };
        connection.active = listener.clock(self.now);
        let mine = connection.speaker == reply
            || connection.speaker == 0 && (listener.options.replies == Replies::Any || connection.chain.first == reply);
        if !mine {
            let stash = owed.stash.get_or_insert_default();
            let before = stash.len();
            if let Some(bytes) = bytes {
                listener.options.framing.encode(bytes, !more, &mut |bytes| stash.extend_from_slice(bytes));
            }
            connection.stashed += stash.len() - before;
            owed.done = !more;
            owed.end = end;
            self.suspect(engine, token);
            return;
        }
        if let Some(bytes) = bytes {
            listener.options.framing.encode(bytes, !more, &mut |bytes| {
                listener.counters.bytes_out.add(bytes.len() as u64);
                engine.send(ConnectionToken(token), bytes);
            });
        }
        if more {
            connection.speaker = reply;
        } else {
            self.spoken(engine, token, reply, end);
        }
        self.suspect(engine, token);
    }

    /// A reply has ended: sends what waited for that.
    fn spoken<E: Engine>(&mut self, engine: &mut E, token: u32, reply: u32, end: bool) {
        let (mut reply, mut end) = (reply, end);
        loop {
            let Some(connection) = self.connections.get_mut(token) else { return };
            let Some(listener) = self.listeners.get_mut(connection.listener) else { return };
            self.ledger.remove(reply, &mut connection.chain);
            connection.speaker = 0;
            listener.counters.owed.subtract(1);
            listener.counters.replies.add(1);
            if let Some(behind) = connection.behind.take() {
                connection.stashed -= behind.len();
                listener.counters.bytes_out.add(behind.len() as u64);
                engine.send(ConnectionToken(token), &behind);
            }
            if end {
                let (reason, text) = match connection.verdict.take() {
                    Some(verdict) => *verdict,
                    None => (CloseReason::End, String::new()),
                };
                self.finish(engine, token, How::Flush, reason, text);
                return;
            }
            let next = match listener.options.replies {
                Replies::Ordered => connection.chain.first,
                // Nothing is stashed but while somebody speaks, so this walk is seldom.
                _ if connection.stashed > 0 || connection.verdict.is_some() => {
                    self.ledger.first_stashed(&connection.chain).unwrap_or(0)
                }
                _ => 0,
            };
            let Some(owed) = self.ledger.get_mut(next) else { break };
            let Some(stash) = owed.stash.take() else { break };
            connection.stashed -= stash.len();
            listener.counters.bytes_out.add(stash.len() as u64);
            engine.send(ConnectionToken(token), &stash);
            if !owed.done {
                connection.speaker = next;
                break;
            }
            (reply, end) = (next, owed.end);
        }
        self.relieve(engine, token);
        self.settle(engine, token);
    }

    /// Sends what answers nothing.
    fn unasked<E: Engine>(&mut self, engine: &mut E, token: u32, bytes: &[u8], framed: bool) {
        let Some(connection) = self.connections.get_mut(token).filter(|connection| connection.is_open()) else {
            self.shared.counters.stale_connections.add(1);
            return;
        };
        let Some(listener) = self.listeners.get_mut(connection.listener) else { return };
        let limit = listener.options.write_limit;
        if limit.policy == WritePolicy::Drop && waiting(engine, token, connection) > limit.bytes {
            listener.counters.dropped.add(1);
            return;
        }
        connection.active = listener.clock(self.now);
        let Listener { options, counters, .. } = listener;
        if connection.speaker != 0 {
            let behind = connection.behind.get_or_insert_default();
            let before = behind.len();
            if framed {
                options.framing.encode(bytes, true, &mut |bytes| behind.extend_from_slice(bytes));
            } else {
                behind.extend_from_slice(bytes);
            }
            connection.stashed += behind.len() - before;
        } else {
            let mut send = |bytes: &[u8]| {
                counters.bytes_out.add(bytes.len() as u64);
                engine.send(ConnectionToken(token), bytes);
            };
            if framed { options.framing.encode(bytes, true, &mut send) } else { send(bytes) }
        }
        self.suspect(engine, token);
    }

    /// Puts a connection down to be looked at after the submit, if it may be over its limit, or no longer is: what
    /// is only staged counts as waiting until then.
    fn suspect<E: Engine>(&mut self, engine: &E, token: u32) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let Some(listener) = self.listeners.get(connection.listener) else { return };
        let paused = connection.pause & pause::WRITE != 0;
        if !connection.suspect && (paused || waiting(engine, token, connection) > listener.options.write_limit.bytes) {
            connection.suspect = true;
            self.suspects.push(token);
        }
    }

    /// After the submit: who has not read what the limit allows, and who has after all?
    pub(crate) fn judge<E: Engine>(&mut self, engine: &mut E) {
        if self.suspects.is_empty() {
            return;
        }
        for token in std::mem::take(&mut self.suspects) {
            let Some(connection) = self.connections.get_mut(token) else { continue };
            connection.suspect = false;
            let Some(listener) = self.listeners.get(connection.listener) else { continue };
            let limit = listener.options.write_limit;
            if !connection.is_open() {
                continue;
            }
            if waiting(engine, token, connection) <= limit.bytes {
                self.relieve(engine, token);
                continue;
            }
            match limit.policy {
                WritePolicy::Close => {
                    let text = format!("more than {} bytes wait to be read by the peer", limit.bytes);
                    self.finish(engine, token, How::Now, CloseReason::WriteLimit, text);
                }
                WritePolicy::Pause | WritePolicy::Drop => {
                    if connection.pause & pause::WRITE == 0 {
                        listener.counters.write_pauses.add(1);
                    }
                    self.pause(engine, token, pause::WRITE);
                }
            }
        }
    }

    /// Takes back pauses that are no longer called for. Half of a limit, so that it is not done for every frame.
    pub(crate) fn relieve<E: Engine>(&mut self, engine: &mut E, token: u32) {
        let Some(connection) = self.connections.get_mut(token).filter(|connection| connection.pause != 0) else {
            return;
        };
        let Some(listener) = self.listeners.get(connection.listener) else { return };
        let options = &listener.options;
        let lift =
            connection.pause & pause::WRITE != 0 && waiting(engine, token, connection) <= options.write_limit.bytes / 2;
        let feed = connection.pause & pause::OWED != 0 && connection.chain.len <= options.max_owed / 2;
        if lift {
            self.unpause(engine, token, pause::WRITE);
        }
        if feed {
            self.hungry.push(token);
        }
    }
}

/// Bytes that wait for a peer to read, or for their turn.
fn waiting<E: Engine>(engine: &E, token: u32, connection: &Connection) -> usize {
    engine.queued(ConnectionToken(token)) + connection.stashed
}
