//! What the reactor asks of an operating system: the contract every engine keeps.
//!
//! # Shape
//! An engine *completes* operations: it accepts connections, receives into buffers of its own and lends them, sends
//! from buffers of its own, connects, and keeps one timer. io_uring and a simulator are that by nature; a readiness
//! engine (epoll, kqueue, IOCP through `polling`) makes the call itself when the system says it is ready.
//!
//! A turn is [`wait`](Engine::wait), then [`next`](Engine::next) until it is `None`, then [`submit`](Engine::submit):
//! ```text
//!        wait(block)          next() … next() = None            send() send() …        submit()
//!   ─────────┬────────────────────┬───────────────────────────────┬──────────────────────┬─────▶
//!     blocks until there   receives, accepts;           copies into the engine's   at most one write
//!     is something         lends buffers                buffers                    a connection
//! ```
//!
//! # Contract
//! 1. **Completions are lent one at a time.** What `next` gives is valid until the next call of the engine. An engine
//!    does the work for a completion in `next`, as late as possible, so that `stop_receive`, `hold` and `close` between
//!    two of them are obeyed at once: after them no completion of that kind comes for that connection or gate.
//!    An engine whose bytes have already arrived keeps them in its buffers, in order.
//! 2. **Bounded.** Between two waits an engine receives a bounded number of bytes from one connection and accepts a
//!    bounded number of connections; the rest comes after the next wait. Connections take turns.
//! 3. **Order.** Bytes of a connection arrive in order, then `Ended` at most once, after them. `Failed` is a
//!    connection's last completion; the caller still has to `close` it. Between connections there is no order.
//! 4. **Sending never blocks and never refuses.** `send` copies; `submit` gives the kernel what it takes; the rest goes
//!    out when there is room, without being asked again. `Sent` comes when, after a `submit` or `send` that left
//!    something behind, nothing is left: always, or whoever waits for it would wait for ever. A failure to send is a `Failed`, never a panic or a signal (`MSG_NOSIGNAL`).
//! 5. **Tokens carry a generation.** A call with the token of something closed does nothing. After `close` no
//!    completion with that token comes.
//! 6. **Time is the engine's.** `now` is the time of the last `wait`, or later, and never goes back. `timer` sets the
//!    one timer; `Timer` comes once, not before its time, and after that only when it is set again.
//! 7. **Wakes.** A call of the notifier from any thread makes the current or the next blocking `wait` return. The
//!    caller elides calls that are not needed; the engine need not.
//! 8. **Descriptors.** All are close-on-exec and non-blocking. When the process is out of them, waiting connections
//!    are accepted with a spare one and closed, each told by `OutOfDescriptors`: the listener never spins.
//! 9. **Gates.** A connection belongs to the gate it was accepted or connected with. While a gate is held no bytes are
//!    received from its connections; what an engine could not help receiving stays with it. Whoever had
//!    something to receive meanwhile is received from first after the release, so that a flood cannot keep others out
//!    by filling the gate again and again. The cost of `hold` and
//!    `release` is at most proportional to the connections that had something to receive meanwhile.
//!
//! The suite in `contract.rs` states this as tests, for any engine.

use crate::token::{ConnectionToken, ListenerToken};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A point in an engine's time: nanoseconds since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Time(pub u64);

impl Time {
    /// Later by `duration`; the end of time when that is beyond it.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier`; nothing when it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Connections that are held and released together; the caller chooses the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Gate(pub u32);

/// How a socket is made.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// Connections the kernel keeps for a listener that does not accept.
    pub backlog: u32,
    /// `TCP_NODELAY`.
    pub no_delay: bool,
    /// `SO_REUSEPORT`, where there is one.
    pub reuse_port: bool,
}

/// What an engine finished.
#[derive(Debug)]
pub enum Completion<'a> {
    /// A connection was accepted. Nothing is received from it before [`Engine::receive`].
    Accepted {
        /// The listener it came to.
        listener: ListenerToken,
        /// The connection.
        connection: ConnectionToken,
        /// Who it is, where that can be said.
        peer: Option<SocketAddr>,
    },
    /// A connection was accepted and closed because the process is out of descriptors.
    OutOfDescriptors {
        /// The listener it came to.
        listener: ListenerToken,
    },
    /// Accepting failed in a way that lasts; accepting has stopped.
    AcceptFailed {
        /// The listener.
        listener: ListenerToken,
        /// Why.
        error: io::Error,
    },
    /// A connection that was begun is there.
    Connected {
        /// The connection.
        connection: ConnectionToken,
    },
    /// Bytes arrived; never none.
    Received {
        /// The connection.
        connection: ConnectionToken,
        /// In the engine's buffer.
        bytes: &'a [u8],
    },
    /// The peer sends no more.
    Ended {
        /// The connection.
        connection: ConnectionToken,
    },
    /// What a submit had left behind has gone out.
    Sent {
        /// The connection.
        connection: ConnectionToken,
    },
    /// The connection failed: to connect, to receive or to send.
    Failed {
        /// The connection.
        connection: ConnectionToken,
        /// Why.
        error: io::Error,
    },
    /// The timer's time has come.
    Timer,
}

/// An engine; the module's text is its contract.
pub trait Engine {
    /// Its name, as users see it.
    fn name(&self) -> &'static str;

    /// The time of the last `wait`, or later.
    fn now(&self) -> Time;

    /// What makes `wait` return, from any thread.
    fn notifier(&self) -> Box<dyn Fn() + Send + Sync>;

    /// Opens a listening socket and begins to accept. Connections belong to `gate`.
    ///
    /// # Errors
    /// The operating system's.
    fn listen(
        &mut self,
        address: SocketAddr,
        options: &SocketOptions,
        gate: Gate,
    ) -> io::Result<(ListenerToken, SocketAddr)>;

    /// Accepts, or accepts again.
    fn accept(&mut self, listener: ListenerToken);

    /// Accepts no more; the kernel queues or refuses.
    fn stop_accept(&mut self, listener: ListenerToken);

    /// Closes a listening socket. Its connections live on.
    fn close_listener(&mut self, listener: ListenerToken);

    /// Begins to connect; completes with `Connected` or `Failed`.
    ///
    /// # Errors
    /// The operating system's, when there is not even a socket.
    fn connect(&mut self, address: SocketAddr, options: &SocketOptions, gate: Gate) -> io::Result<ConnectionToken>;

    /// Receives, or receives again, until it is told to stop.
    fn receive(&mut self, connection: ConnectionToken);

    /// Receives no more.
    fn stop_receive(&mut self, connection: ConnectionToken);

    /// Receives nothing from any connection of this gate until [`release`](Self::release).
    fn hold(&mut self, gate: Gate);

    /// Receives again from those connections of this gate that are to be received from.
    fn release(&mut self, gate: Gate);

    /// Takes bytes to be sent behind those taken before.
    fn send(&mut self, connection: ConnectionToken, bytes: &[u8]);

    /// Bytes taken and not yet given to the kernel.
    fn queued(&self, connection: ConnectionToken) -> usize;

    /// Tells the peer that no more will be sent, once what was taken has gone out.
    fn shutdown(&mut self, connection: ConnectionToken);

    /// Closes at once; what was taken and not given to the kernel is lost.
    fn close(&mut self, connection: ConnectionToken);

    /// Sets the one timer, or takes it back.
    fn timer(&mut self, at: Option<Time>);

    /// Hands to the kernel what was taken since the last time.
    fn submit(&mut self);

    /// Gathers what is ready; if nothing is and `block` says so, waits for it, for the timer, or for the notifier.
    ///
    /// # Errors
    /// The operating system's; there is no going on after one.
    fn wait(&mut self, block: bool) -> io::Result<()>;

    /// The next completion of this turn.
    fn next(&mut self) -> Option<Completion<'_>>;
}
