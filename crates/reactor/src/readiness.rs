//! The engine for systems that say when a socket is ready: epoll, kqueue and IOCP, through `polling`.
//!
//! Sockets are registered level-triggered. One-shot mode would cost a system call a readiness; edge-triggered mode
//! would have to read again after every short read, because the end of the peer may have come together with the last
//! bytes. Level-triggered, a turn reads once and hears of the rest in the next one.
//!
//! What is no longer wanted is taken out of the poller only when it is reported in vain: a connection that is paused
//! for less than a turn, or has nothing to say, costs no system call.

mod accept;
mod completions;
mod engine;
mod poller;
mod queue;
mod spare;
mod stream;
#[cfg(test)]
mod tests;

use crate::engine::{Engine, Gate, Time};
use crate::slots::Slots;
use crate::token::ConnectionToken;
use accept::Listener;
use completions::{Current, RECEIVE_BYTES};
use poller::Poller;
use queue::Pool;
use spare::Spare;
use std::collections::VecDeque;
use std::io;
use std::time::Instant;
use stream::{Flushed, Stream};

/// What a token stands for.
enum Resource {
    Listener(Listener),
    Stream(Stream),
}

/// A gate that is held, and the connections that had something to say meanwhile.
struct Held {
    gate: Gate,
    parked: Vec<ConnectionToken>,
}

/// The readiness engine.
pub struct Readiness {
    poller: Poller,
    resources: Slots<Resource>,
    held: Vec<Held>,
    buffer: Box<[u8]>,
    pool: Pool,
    /// Streams that `send` gave something since the last `submit`.
    dirty: Vec<u32>,
    failures: VecDeque<(u32, io::Error)>,
    /// Streams of a released gate that are known to be readable. They are read before what the poller reports:
    /// otherwise whoever fills the gate again could always come before them.
    eager: VecDeque<u32>,
    /// Streams whose waiting bytes a submit or a send got rid of.
    relieved: VecDeque<u32>,
    current: Current,
    spare: Spare,
    /// Listeners that found no descriptor at all, and when they try again.
    starved: Vec<u32>,
    starved_until: Time,
    epoch: Instant,
    now: Time,
    timer: Option<Time>,
}

impl std::fmt::Debug for Readiness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Readiness").field("name", &self.name()).field("sockets", &self.resources.len()).finish()
    }
}

impl Readiness {
    /// The engine of this platform.
    ///
    /// # Errors
    /// The operating system's, when it gives no poller.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            resources: Slots::new(),
            held: Vec::new(),
            buffer: vec![0; RECEIVE_BYTES].into_boxed_slice(),
            pool: Pool::default(),
            dirty: Vec::new(),
            failures: VecDeque::new(),
            eager: VecDeque::new(),
            relieved: VecDeque::new(),
            current: Current::Nothing,
            spare: Spare::new(),
            starved: Vec::new(),
            starved_until: Time::default(),
            epoch: Instant::now(),
            now: Time::default(),
            timer: None,
        })
    }

    fn stream(&mut self, token: u32) -> Option<&mut Stream> {
        match self.resources.get_mut(token) {
            Some(Resource::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    fn listener(&mut self, token: u32) -> Option<&mut Listener> {
        match self.resources.get_mut(token) {
            Some(Resource::Listener(listener)) => Some(listener),
            _ => None,
        }
    }

    /// Brings the poller in line with what a stream waits for.
    fn register(&mut self, token: u32) {
        let Some(Resource::Stream(stream)) = self.resources.get_mut(token) else { return };
        if let Err(error) = stream.register(&self.poller, token) {
            self.fail(token, error);
        }
    }

    fn fail(&mut self, token: u32, error: io::Error) {
        if let Some(stream) = self.stream(token)
            && stream.fail()
        {
            self.failures.push_back((token, error));
            self.forget(token);
        }
    }

    /// Takes a stream that failed out of the poller, which would report it for ever.
    fn forget(&mut self, token: u32) {
        if let Some(Resource::Stream(stream)) = self.resources.get_mut(token) {
            // What cannot be taken out was not in.
            let _ = stream.register(&self.poller, token);
        }
    }

    fn flush(&mut self, token: u32) -> Flushed {
        let Some(Resource::Stream(stream)) = self.resources.get_mut(token) else { return Flushed::All };
        match stream.flush(&mut self.pool) {
            Ok(flushed) => {
                self.register(token);
                flushed
            }
            Err(error) => {
                self.fail(token, error);
                Flushed::All
            }
        }
    }

    /// Flushes between the waits: `next` will tell of what had waited.
    fn flush_and_note(&mut self, token: u32) {
        if self.flush(token) == Flushed::AllThatWaited {
            self.relieved.push_back(token);
        }
    }
}
