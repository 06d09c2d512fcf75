//! Accepting, and what can go wrong with it.

use super::completions::{Current, Found};
use super::poller::Interest;
use super::stream::Stream;
use super::{Readiness, Resource};
use crate::engine::{Engine, Gate};
use crate::token::ListenerToken;
use socket2::Socket;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Connections one listener accepts between two waits.
pub(super) const TURN_ACCEPTS: u32 = 64;
/// How long a listener that has not even the spare descriptor waits before it tries again.
const STARVED: Duration = Duration::from_millis(100);

/// A listening socket.
pub(super) struct Listener {
    pub(super) socket: Socket,
    pub(super) gate: Gate,
    pub(super) no_delay: bool,
    pub(super) accepting: bool,
    pub(super) registered: bool,
}

impl Readiness {
    /// Brings the poller in line with whether a listener accepts.
    pub(super) fn register_listener(&mut self, token: u32) -> io::Result<()> {
        let Some(Resource::Listener(listener)) = self.resources.get_mut(token) else { return Ok(()) };
        if listener.accepting == listener.registered {
            return Ok(());
        }
        if listener.accepting {
            self.poller.add(&listener.socket, token, Interest { read: true, write: false })?;
        } else {
            self.poller.delete(&listener.socket)?;
        }
        listener.registered = listener.accepting;
        Ok(())
    }

    /// Accepts one connection, or finds that there is none.
    pub(super) fn accept_one(&mut self, token: u32, left: u32) -> Option<Found> {
        let Some(Resource::Listener(listener)) = self.resources.get(token) else {
            self.current = Current::Nothing;
            return None;
        };
        if left == 0 || !listener.accepting {
            self.current = Current::Nothing;
            return None;
        }
        self.current = Current::Accepting { token, left: left - 1 };
        match listener.socket.accept() {
            Ok((socket, peer)) => {
                let (gate, no_delay) = (listener.gate, listener.no_delay);
                // Linux hands TCP_NODELAY down from the listener; elsewhere each connection has to be told.
                let told = cfg!(target_os = "linux") || !no_delay || socket.set_tcp_nodelay(true).is_ok();
                if !told || socket.set_nonblocking(true).is_err() {
                    return None;
                }
                match self.resources.insert(Resource::Stream(Stream::new(socket, gate, true))) {
                    Ok(connection) => Some(Found::Accepted { listener: token, connection, peer: peer.as_socket() }),
                    Err(_closed) => Some(Found::OutOfDescriptors { listener: token }),
                }
            }
            Err(error) => match Refused::of(&error) {
                Refused::Later => {
                    self.current = Current::Nothing;
                    None
                }
                Refused::ThisOne => None,
                Refused::Exhausted => match self.spare.accept_and_close(&listener.socket) {
                    Some(true) => Some(Found::OutOfDescriptors { listener: token }),
                    // The kernel asks for a descriptor before it looks whether anybody waits.
                    Some(false) => {
                        self.current = Current::Nothing;
                        None
                    }
                    None => {
                        self.starve(token);
                        None
                    }
                },
                Refused::Lasting => {
                    self.current = Current::Nothing;
                    self.stop_accept(ListenerToken(token));
                    Some(Found::AcceptFailed { listener: token, error })
                }
            },
        }
    }

    /// Not even the spare descriptor is left: a registered listener would be reported for ever.
    pub(super) fn starve(&mut self, token: u32) {
        self.current = Current::Nothing;
        if let Some(listener) = self.listener(token)
            && std::mem::take(&mut listener.registered)
        {
            if let Some(Resource::Listener(listener)) = self.resources.get(token) {
                // What cannot be taken out was not in.
                let _ = self.poller.delete(&listener.socket);
            }
            self.try_later(token);
        }
    }

    /// Puts a listener down to be registered again after a while.
    pub(super) fn try_later(&mut self, token: u32) {
        self.starved.push(token);
        self.starved_until = self.now.after(STARVED);
    }

    /// Tries again with the listeners that found no descriptor.
    pub(super) fn feed_starved(&mut self) {
        for token in std::mem::take(&mut self.starved) {
            if self.register_listener(token).is_err() {
                self.try_later(token);
            }
        }
    }
}

/// What an error of `accept` says about going on.
enum Refused {
    /// Nobody is waiting.
    Later,
    /// The connection that waited is of no use; the next one may be.
    ThisOne,
    /// The process or the system is out of descriptors or memory.
    Exhausted,
    /// It will not get better.
    Lasting,
}

impl Refused {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock => return Self::Later,
            ErrorKind::Interrupted | ErrorKind::ConnectionAborted => return Self::ThisOne,
            _ => {}
        }
        #[cfg(unix)]
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => return Self::Exhausted,
            // accept(2) on Linux passes on what already happened to the connection that waited.
            Some(
                libc::ENETDOWN
                | libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::EOPNOTSUPP
                | libc::ENETUNREACH
                | libc::EPERM,
            ) => return Self::ThisOne,
            _ => {}
        }
        Self::Lasting
    }
}
