//! Where the next completion comes from: what is left of the one before, what was put down since the last wait, what
//! the poller reports, the timer.

use super::accept::TURN_ACCEPTS;
use super::poller::Ready;
use super::stream::Flushed;
use super::{Readiness, Resource};
use crate::token::ConnectionToken;
use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;

/// One receive; also what a connection that floods us gets at a time.
pub(super) const RECEIVE_BYTES: usize = 64 << 10;
/// What one connection may send us between two waits. Four receives: enough that the waits do not count, and short
/// enough (about 40 us) that nobody else notices.
const TURN_BYTES: usize = 4 * RECEIVE_BYTES;

/// What `next` is in the middle of.
#[derive(Clone, Copy)]
pub(super) enum Current {
    Nothing,
    Accepting { token: u32, left: u32 },
    Writing { token: u32, then_read: bool },
    Receiving { token: u32, left: usize },
}

/// What `next` found, with no borrow in it.
pub(super) enum Found {
    Accepted { listener: u32, connection: u32, peer: Option<SocketAddr> },
    OutOfDescriptors { listener: u32 },
    AcceptFailed { listener: u32, error: io::Error },
    Connected { connection: u32 },
    Received { connection: u32, bytes: usize },
    Ended { connection: u32 },
    Sent { connection: u32 },
    Failed { connection: u32, error: io::Error },
    Timer,
}

impl Readiness {
    /// Picks up the next thing the poller reported.
    fn advance(&mut self) -> bool {
        self.current = Current::Nothing;
        if let Some(token) = self.eager.pop_front() {
            self.current = Current::Receiving { token, left: TURN_BYTES };
            return true;
        }
        let Some(Ready { token, readable, writable }) = self.poller.next() else { return false };
        self.current = match self.resources.get(token) {
            Some(Resource::Listener(_)) => Current::Accepting { token, left: TURN_ACCEPTS },
            Some(Resource::Stream(_)) if writable => Current::Writing { token, then_read: readable },
            Some(Resource::Stream(_)) if readable => Current::Receiving { token, left: TURN_BYTES },
            _ => Current::Nothing,
        };
        true
    }

    fn write_one(&mut self, token: u32, then_read: bool) -> Option<Found> {
        self.current = if then_read { Current::Receiving { token, left: TURN_BYTES } } else { Current::Nothing };
        let stream = self.stream(token)?;
        if stream.connecting() {
            return Some(match stream.connected() {
                Ok(()) => {
                    if stream.wants_flush() {
                        self.dirty.push(token);
                    }
                    self.register(token);
                    Found::Connected { connection: token }
                }
                Err(error) => {
                    stream.fail();
                    self.current = Current::Nothing;
                    self.forget(token);
                    Found::Failed { connection: token, error }
                }
            });
        }
        if !stream.blocked() {
            return None;
        }
        match self.flush(token) {
            Flushed::AllThatWaited => Some(Found::Sent { connection: token }),
            Flushed::All | Flushed::Some => None,
        }
    }

    fn receive_one(&mut self, token: u32, left: usize) -> Option<Found> {
        self.current = Current::Nothing;
        let Some(Resource::Stream(stream)) = self.resources.get_mut(token) else { return None };
        if left == 0 || stream.disarmed() {
            return None;
        }
        if !stream.receiving() {
            stream.disarm();
            self.register(token);
            return None;
        }
        if !self.held.is_empty()
            && let Some(held) = self.held.iter_mut().find(|held| held.gate == stream.gate)
        {
            // Whoever had its turn already does not go before those that did not: the poller will tell of it again.
            if left < TURN_BYTES {
                return None;
            }
            stream.disarm();
            held.parked.push(ConnectionToken(token));
            self.register(token);
            return None;
        }
        match (&stream.socket).read(&mut self.buffer) {
            Ok(0) => {
                stream.ended();
                Some(Found::Ended { connection: token })
            }
            Ok(bytes) => {
                if bytes == self.buffer.len() {
                    self.current = Current::Receiving { token, left: left.saturating_sub(bytes) };
                }
                Some(Found::Received { connection: token, bytes })
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.current = Current::Receiving { token, left };
                None
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => {
                let first = stream.fail();
                self.forget(token);
                first.then_some(Found::Failed { connection: token, error })
            }
        }
    }

    /// The next completion of this turn, if there is one more.
    pub(super) fn find(&mut self) -> Option<Found> {
        loop {
            if let Some((connection, error)) = self.failures.pop_front() {
                // Closed since: the caller does not want to know.
                if self.stream(connection).is_none() {
                    continue;
                }
                return Some(Found::Failed { connection, error });
            }
            if let Some(connection) = self.relieved.pop_front() {
                if self.stream(connection).is_some_and(|stream| stream.queued() == 0) {
                    return Some(Found::Sent { connection });
                }
                continue;
            }
            let found = match self.current {
                Current::Nothing => {
                    if !self.advance() {
                        break;
                    }
                    None
                }
                Current::Accepting { token, left } => self.accept_one(token, left),
                Current::Writing { token, then_read } => self.write_one(token, then_read),
                Current::Receiving { token, left } => self.receive_one(token, left),
            };
            if found.is_some() {
                return found;
            }
        }
        if self.timer.is_some_and(|at| at <= self.now) {
            self.timer = None;
            return Some(Found::Timer);
        }
        None
    }
}
