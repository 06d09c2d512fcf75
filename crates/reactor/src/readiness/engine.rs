//! The operations of the contract: each changes the table, and what the poller is asked for.

use super::accept::Listener;
use super::completions::{Current, Found};
use super::poller::Poller;
use super::stream::Stream;
use super::{Held, Readiness, Resource};
use crate::engine::{Completion, Engine, Gate, SocketOptions, Time};
use crate::token::{ConnectionToken, ListenerToken};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

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
