//! One connection of the readiness engine.

use super::poller::{Interest, Poller};
use super::queue::{Pool, SendQueue};
use crate::engine::Gate;
use socket2::Socket;
use std::io::{self, ErrorKind};
use std::net::Shutdown;

/// From here on a send with nothing before it goes to the kernel from the caller's memory: copying it first costs more
/// than the system call that might have been spared.
const DIRECT_BYTES: usize = 16 << 10;

/// What is staged for the submit at most, as long as the kernel takes it.
const STAGED_BYTES: usize = 64 << 10;

/// What a flush achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing is left, and nothing had to wait.
    All,
    /// Nothing is left of what had to wait.
    AllThatWaited,
    /// The kernel takes no more for now.
    Some,
}

mod flag {
    /// Bytes are wanted.
    pub(super) const RECEIVE: u8 = 1;
    /// Reported in vain, and out of the poller as far as reading goes.
    pub(super) const DISARMED: u8 = 1 << 1;
    /// The kernel took not all.
    pub(super) const BLOCKED: u8 = 1 << 2;
    /// On the list of those to submit.
    pub(super) const DIRTY: u8 = 1 << 3;
    /// The end is to be told once all has gone out.
    pub(super) const SHUTDOWN: u8 = 1 << 4;
    /// Failed: nothing is done any more until it is closed.
    pub(super) const FAILED: u8 = 1 << 5;
    /// Not connected yet.
    pub(super) const CONNECTING: u8 = 1 << 6;
    /// The peer ended: there is nothing more to receive.
    pub(super) const ENDED: u8 = 1 << 7;
}

pub(super) struct Stream {
    pub(super) socket: Socket,
    pub(super) gate: Gate,
    queue: SendQueue,
    flags: u8,
    registered: Interest,
}

impl Stream {
    pub(super) fn new(socket: Socket, gate: Gate, connected: bool) -> Self {
        let flags = if connected { 0 } else { flag::CONNECTING };
        Self { socket, gate, queue: SendQueue::default(), flags, registered: Interest::default() }
    }

    fn is(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    fn set(&mut self, flags: u8, on: bool) {
        if on { self.flags |= flags } else { self.flags &= !flags }
    }

    pub(super) fn receiving(&self) -> bool {
        self.is(flag::RECEIVE) && !self.is(flag::FAILED | flag::ENDED)
    }

    pub(super) fn connecting(&self) -> bool {
        self.is(flag::CONNECTING)
    }

    pub(super) fn blocked(&self) -> bool {
        self.is(flag::BLOCKED)
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn receive(&mut self) {
        self.set(flag::RECEIVE, true);
        self.set(flag::DISARMED, false);
    }

    pub(super) fn stop_receive(&mut self) {
        self.set(flag::RECEIVE, false);
    }

    pub(super) fn disarm(&mut self) {
        self.set(flag::DISARMED, true);
    }

    pub(super) fn disarmed(&self) -> bool {
        self.is(flag::DISARMED)
    }

    pub(super) fn ended(&mut self) {
        self.set(flag::ENDED, true);
    }

    /// Marks it failed; false when it was so already, and has been told.
    pub(super) fn fail(&mut self) -> bool {
        let first = !self.is(flag::FAILED);
        self.flags = flag::FAILED | (self.flags & flag::DIRTY) | flag::DISARMED;
        first
    }

    /// Whether the connection that was begun is there.
    pub(super) fn connected(&mut self) -> io::Result<()> {
        self.set(flag::CONNECTING, false);
        match self.socket.take_error()? {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Brings the poller in line with what is waited for.
    pub(super) fn register(&mut self, poller: &Poller, token: u32) -> io::Result<()> {
        let wanted = Interest {
            read: self.receiving() && !self.is(flag::DISARMED | flag::CONNECTING) || self.lingers_in_poller(),
            write: self.is(flag::BLOCKED | flag::CONNECTING),
        };
        if wanted == self.registered {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.registered, wanted);
        match (before.any(), wanted.any()) {
            (false, _) => poller.add(&self.socket, token, wanted),
            (true, false) => poller.delete(&self.socket),
            (true, true) => poller.modify(&self.socket, token, wanted),
        }
    }

    /// Not wanted any more, and not yet reported in vain: left where it is.
    fn lingers_in_poller(&self) -> bool {
        self.registered.read && !self.is(flag::DISARMED)
    }

    /// Takes bytes; true when the stream must be put on the list of those to submit.
    pub(super) fn send(&mut self, mut bytes: &[u8], pool: &mut Pool) -> io::Result<bool> {
        if self.is(flag::FAILED | flag::SHUTDOWN) || bytes.is_empty() {
            return Ok(false);
        }
        if bytes.len() >= DIRECT_BYTES && self.queue.is_empty() && !self.is(flag::BLOCKED | flag::CONNECTING) {
            let sent = write(&self.socket, bytes)?;
            bytes = &bytes[sent..];
            if bytes.is_empty() {
                return Ok(false);
            }
        }
        self.queue.push(bytes, pool);
        Ok(self.mark_dirty())
    }

    /// Whether so much is staged that waiting for the submit only costs memory.
    pub(super) fn overflows(&self) -> bool {
        self.queue.len() >= STAGED_BYTES && !self.is(flag::BLOCKED | flag::CONNECTING | flag::FAILED)
    }

    /// Nothing is sent behind what was taken; true when the stream must be put on the list of those to submit.
    pub(super) fn shutdown(&mut self) -> bool {
        if self.is(flag::FAILED | flag::SHUTDOWN) {
            return false;
        }
        self.set(flag::SHUTDOWN, true);
        self.mark_dirty()
    }

    fn mark_dirty(&mut self) -> bool {
        let fresh = !self.is(flag::DIRTY);
        self.set(flag::DIRTY, true);
        fresh
    }

    /// Whether something waited for the connection to be there; true puts it on the list of those to submit.
    pub(super) fn wants_flush(&mut self) -> bool {
        (!self.queue.is_empty() || self.is(flag::SHUTDOWN)) && self.mark_dirty()
    }

    /// Gives the kernel what it takes.
    pub(super) fn flush(&mut self, pool: &mut Pool) -> io::Result<Flushed> {
        self.set(flag::DIRTY, false);
        if self.is(flag::FAILED | flag::CONNECTING) {
            return Ok(Flushed::All);
        }
        if !self.queue.is_empty() {
            let front = self.queue.front();
            let wanted = front.len();
            let sent = write(&self.socket, front)?;
            self.queue.advance(sent, pool);
            if sent < wanted {
                // A short write means that the kernel is full: asking again would only be told so.
                self.set(flag::BLOCKED, true);
                return Ok(Flushed::Some);
            }
        }
        if self.is(flag::SHUTDOWN) {
            // Fails only when the connection is gone, which reading will tell.
            let _ = self.socket.shutdown(Shutdown::Write);
        }
        let waited = self.is(flag::BLOCKED);
        self.set(flag::BLOCKED, false);
        Ok(if waited { Flushed::AllThatWaited } else { Flushed::All })
    }

    pub(super) fn close(&mut self, poller: &Poller, pool: &mut Pool) {
        self.queue.clear(pool);
        if Poller::FORGETS_BY_ITSELF {
            return;
        }
        if self.registered.any() {
            // The socket is closed right after this.
            let _ = poller.delete(&self.socket);
        }
    }
}

/// Writes what the kernel takes, possibly nothing; never raises a signal.
fn write(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    const FLAGS: i32 = libc::MSG_NOSIGNAL;
    // On Apple's systems `socket2` sets SO_NOSIGPIPE on every socket; Windows has no such signal.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    const FLAGS: i32 = 0;
    loop {
        match socket.send_with_flags(bytes, FLAGS) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            outcome => return outcome,
        }
    }
}
