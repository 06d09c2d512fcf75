//! What every case stands on: an engine that listens, and what it told.

use super::World;
use crate::engine::{Completion, Engine, Gate, SocketOptions};
use crate::token::{ConnectionToken, ListenerToken};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// How long what has to come may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// The gate of whom the stand accepts.
pub(super) const GATE: Gate = Gate(7);

/// A completion that can be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Accepted(ListenerToken, ConnectionToken),
    Connected(ConnectionToken),
    Received(ConnectionToken, Vec<u8>),
    Ended(ConnectionToken),
    Sent(ConnectionToken),
    Failed(ConnectionToken),
    Timer,
    Other,
}

impl Seen {
    pub(super) fn of(completion: &Completion<'_>) -> Self {
        match completion {
            Completion::Accepted { listener, connection, .. } => Self::Accepted(*listener, *connection),
            Completion::Connected { connection } => Self::Connected(*connection),
            Completion::Received { connection, bytes } => Self::Received(*connection, bytes.to_vec()),
            Completion::Ended { connection } => Self::Ended(*connection),
            Completion::Sent { connection } => Self::Sent(*connection),
            Completion::Failed { connection, .. } => Self::Failed(*connection),
            Completion::Timer => Self::Timer,
            Completion::OutOfDescriptors { .. } | Completion::AcceptFailed { .. } => Self::Other,
        }
    }
}

/// How sockets are set up.
pub(super) fn options() -> SocketOptions {
    SocketOptions { backlog: 128, no_delay: true, reuse_port: false }
}

/// An engine that listens.
pub(super) struct Stand<W: World> {
    pub(super) engine: W::Engine,
    pub(super) listener: ListenerToken,
    pub(super) address: SocketAddr,
}

impl<W: World> Stand<W> {
    pub(super) fn new() -> Self {
        let mut engine = W::engine();
        let (listener, address) = engine.listen((Ipv4Addr::LOCALHOST, 0).into(), &options(), GATE).unwrap();
        Self { engine, listener, address }
    }

    /// The completions of one turn that does not block.
    pub(super) fn turn(&mut self) -> Vec<Seen> {
        self.engine.submit();
        self.engine.wait(false).unwrap();
        let mut seen = Vec::new();
        while let Some(completion) = self.engine.next() {
            seen.push(Seen::of(&completion));
        }
        seen
    }

    /// The first completion that is so; those before it are not of interest.
    pub(super) fn until<T>(&mut self, mut so: impl FnMut(&Seen) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            for seen in self.turn() {
                if let Some(found) = so(&seen) {
                    return found;
                }
            }
            assert!(start.elapsed() < PATIENCE, "it never came");
        }
    }

    /// A connection and its far end.
    pub(super) fn pair(&mut self) -> (ConnectionToken, W::Peer) {
        let peer = W::dial(&mut self.engine, self.address);
        let connection = self.until(|seen| match seen {
            Seen::Accepted(_, connection) => Some(*connection),
            _ => None,
        });
        (connection, peer)
    }

    /// Receives until `count` bytes have come.
    pub(super) fn hear(&mut self, connection: ConnectionToken, count: usize) -> Vec<u8> {
        let mut heard = Vec::new();
        self.until(|seen| {
            if let Seen::Received(from, bytes) = seen {
                assert_eq!(*from, connection);
                heard.extend_from_slice(bytes);
            }
            (heard.len() >= count).then_some(())
        });
        heard
    }

    /// Nothing comes from this connection for some turns.
    pub(super) fn silent(&mut self, connection: ConnectionToken) {
        for _ in 0..50 {
            for seen in self.turn() {
                assert!(!matches!(seen, Seen::Received(from, _) if from == connection), "{seen:?}");
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}
