//! The engine for systems that say when a socket is ready: epoll, kqueue and IOCP, through `polling`.
//!
//! Sockets are registered level-triggered. One-shot mode would cost a system call a readiness; edge-triggered mode
//! would have to read again after every short read, because the end of the peer may have come together with the last
//! bytes. Level-triggered, a turn reads once and hears of the rest in the next one.
//!
//! What is no longer wanted is taken out of the poller only when it is reported in vain: a connection that is paused
//! for less than a turn, or has nothing to say, costs no system call.

mod accept;
mod poller;
mod queue;
mod spare;
mod stream;
#[cfg(test)]
mod tests;

use crate::engine::{Completion, Engine, Gate, SocketOptions, Time};
use crate::slots::Slots;
use crate::token::{ConnectionToken, ListenerToken};
use accept::{Listener, TURN_ACCEPTS};
use poller::{Poller, Ready};
use queue::Pool;
use socket2::{Domain, Protocol, Socket, Type};
use spare::Spare;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use stream::{Flushed, Stream};

/// One receive; also what a connection that floods us gets at a time.
const RECEIVE_BYTES: usize = 64 << 10;
/// What one connection may send us between two waits. Four receives: enough that the waits do not count, and short
/// enough (about 40 us) that nobody else notices.
const TURN_BYTES: usize = 4 * RECEIVE_BYTES;

enum Resource {
    Listener(Listener),
    Stream(Stream),
}

/// A gate that is held, and the connections that had something to say meanwhile.
struct Held {
    gate: Gate,
    parked: Vec<ConnectionToken>,
}

/// What `next` is in the middle of.
#[derive(Clone, Copy)]
enum Current {
    Nothing,
    Accepting { token: u32, left: u32 },
    Writing { token: u32, then_read: bool },
    Receiving { token: u32, left: usize },
}

/// What `next` found, with no borrow in it.
enum Found {
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

    fn find(&mut self) -> Option<Found> {
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

impl Engine for Readiness {
    fn name(&self) -> &'static str {
        Poller::NAME
    }

    fn now(&self) -> Time {
        self.now
    }

    fn notifier(&self) -> Box<dyn Fn() + Send + Sync> {
        self.poller.notifier()
    }

    fn listen(
        &mut self,
        address: SocketAddr,
        options: &SocketOptions,
        gate: Gate,
    ) -> io::Result<(ListenerToken, SocketAddr)> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // On Windows the option means something else: to take the port from whoever has it.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        #[cfg(unix)]
        socket.set_reuse_port(options.reuse_port)?;
        socket.set_tcp_nodelay(options.no_delay)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
        let bound = socket.local_addr()?.as_socket().unwrap_or(address);
        let listener = Listener { socket, gate, no_delay: options.no_delay, accepting: true, registered: false };
        let token = self.resources.insert(Resource::Listener(listener)).map_err(|_full| table_is_full())?;
        if let Err(error) = self.register_listener(token) {
            self.resources.remove(token);
            return Err(error);
        }
        Ok((ListenerToken(token), bound))
    }

    fn accept(&mut self, listener: ListenerToken) {
        if let Some(resource) = self.listener(listener.0) {
            resource.accepting = true;
        }
        if self.register_listener(listener.0).is_err() {
            self.try_later(listener.0);
        }
    }

    fn stop_accept(&mut self, listener: ListenerToken) {
        if let Some(resource) = self.listener(listener.0) {
            resource.accepting = false;
        }
        // What cannot be taken out was not in.
        let _ = self.register_listener(listener.0);
    }

    fn close_listener(&mut self, listener: ListenerToken) {
        if self.listener(listener.0).is_some() {
            self.stop_accept(listener);
            self.resources.remove(listener.0);
        }
    }

    fn connect(&mut self, address: SocketAddr, options: &SocketOptions, gate: Gate) -> io::Result<ConnectionToken> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_tcp_nodelay(options.no_delay)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Ok(()) => {}
            Err(error) if in_progress(&error) => {}
            Err(error) => return Err(error),
        }
        let stream = Stream::new(socket, gate, false);
        let token = self.resources.insert(Resource::Stream(stream)).map_err(|_full| table_is_full())?;
        self.register(token);
        Ok(ConnectionToken(token))
    }

    fn receive(&mut self, connection: ConnectionToken) {
        if let Some(stream) = self.stream(connection.0) {
            stream.receive();
            self.register(connection.0);
        }
    }

    fn stop_receive(&mut self, connection: ConnectionToken) {
        if let Some(stream) = self.stream(connection.0) {
            stream.stop_receive();
        }
    }

    fn hold(&mut self, gate: Gate) {
        if !self.held.iter().any(|held| held.gate == gate) {
            self.held.push(Held { gate, parked: Vec::new() });
        }
    }

    fn release(&mut self, gate: Gate) {
        if let Some(at) = self.held.iter().position(|held| held.gate == gate) {
            for token in self.held.swap_remove(at).parked {
                if let Some(stream) = self.stream(token.0)
                    && stream.receiving()
                {
                    stream.receive();
                    self.register(token.0);
                    self.eager.push_back(token.0);
                }
            }
        }
    }

    fn send(&mut self, connection: ConnectionToken, bytes: &[u8]) {
        let Some(Resource::Stream(stream)) = self.resources.get_mut(connection.0) else { return };
        match stream.send(bytes, &mut self.pool) {
            Ok(true) => self.dirty.push(connection.0),
            Ok(false) => {}
            Err(error) => return self.fail(connection.0, error),
        }
        if self.stream(connection.0).is_some_and(|stream| stream.overflows()) {
            self.flush_and_note(connection.0);
        }
    }

    fn queued(&self, connection: ConnectionToken) -> usize {
        match self.resources.get(connection.0) {
            Some(Resource::Stream(stream)) => stream.queued(),
            _ => 0,
        }
    }

    fn shutdown(&mut self, connection: ConnectionToken) {
        if let Some(stream) = self.stream(connection.0)
            && stream.shutdown()
        {
            self.dirty.push(connection.0);
        }
    }

    fn close(&mut self, connection: ConnectionToken) {
        if self.stream(connection.0).is_none() {
            return;
        }
        if let Some(Resource::Stream(mut stream)) = self.resources.remove(connection.0) {
            stream.close(&self.poller, &mut self.pool);
        }
    }

    fn timer(&mut self, at: Option<Time>) {
        self.timer = at;
    }

    fn submit(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for token in dirty.drain(..) {
            self.flush_and_note(token);
        }
        // Nothing in `flush` stages anything: the list is given back with its memory.
        self.dirty = dirty;
    }

    fn wait(&mut self, block: bool) -> io::Result<()> {
        let timeout = if !block || !self.failures.is_empty() || !self.eager.is_empty() || !self.relieved.is_empty() {
            Some(Duration::ZERO)
        } else {
            let starved = (!self.starved.is_empty()).then_some(self.starved_until);
            let first = match (self.timer, starved) {
                (Some(timer), Some(starved)) => Some(timer.min(starved)),
                (timer, starved) => timer.or(starved),
            };
            // What the caller did since the last wait took time too.
            first.map(|at| at.since(Time::default().after(self.epoch.elapsed())))
        };
        self.current = Current::Nothing;
        self.poller.wait(timeout)?;
        self.now = Time::default().after(self.epoch.elapsed());
        if !self.starved.is_empty() && self.now >= self.starved_until {
            self.feed_starved();
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_>> {
        Some(match self.find()? {
            Found::Accepted { listener, connection, peer } => Completion::Accepted {
                listener: ListenerToken(listener),
                connection: ConnectionToken(connection),
                peer,
            },
            Found::OutOfDescriptors { listener } => Completion::OutOfDescriptors { listener: ListenerToken(listener) },
            Found::AcceptFailed { listener, error } => {
                Completion::AcceptFailed { listener: ListenerToken(listener), error }
            }
            Found::Connected { connection } => Completion::Connected { connection: ConnectionToken(connection) },
            Found::Received { connection, bytes } => {
                Completion::Received { connection: ConnectionToken(connection), bytes: &self.buffer[..bytes] }
            }
            Found::Ended { connection } => Completion::Ended { connection: ConnectionToken(connection) },
            Found::Sent { connection } => Completion::Sent { connection: ConnectionToken(connection) },
            Found::Failed { connection, error } => {
                Completion::Failed { connection: ConnectionToken(connection), error }
            }
            Found::Timer => Completion::Timer,
        })
    }
}

fn in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    error.kind() == ErrorKind::WouldBlock
}

fn table_is_full() -> io::Error {
    io::Error::other("more sockets than a reactor has tokens for (1,048,576)")
}
