//! What a reactor and a listener can be told.

use crate::codec::Framing;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How a [`Runtime`](crate::Runtime) runs.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// The thread's name; the kernel shows the first 15 bytes.
    pub name: String,
    /// How long the thread looks for work without blocking once it has run out of it; default 20 us, 0 for never.
    ///
    /// A wake-up costs the waker a system call and the sleeper about 5 us. The budget is adaptive: it is only spent
    /// after a turn that had work, and it halves each time it was spent in vain (and is back in full once something
    /// came in time), so an idle or rarely used reactor does not burn a core.
    pub spin: Duration,
    /// How long a connection that we ended is read from and thrown away until the peer has seen our end, in order
    /// that a reset does not take the last bytes from it; default 1 s.
    pub linger: Duration,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        Self { name: "millrace-reactor".into(), spin: Duration::from_micros(20), linger: Duration::from_secs(1) }
    }
}

/// In which order replies go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Replies {
    /// In the order of a connection's frames, whatever order they come in. Early ones wait in memory.
    #[default]
    Ordered,
    /// As they come.
    Any,
    /// Frames are not answered by token: each comes with [`ReplyToken::NONE`](crate::ReplyToken::NONE), nothing is
    /// owed.
    None,
}

/// What happens when a peer does not read what is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WritePolicy {
    /// No more frames are read from it until it has read. Bounds what answers can pile up; what is sent without
    /// being asked for is not held back.
    #[default]
    Pause,
    /// As `Pause`, and what is sent without being asked for is dropped and counted. A reply never is.
    Drop,
    /// The connection is closed with [`CloseReason::WriteLimit`](crate::CloseReason::WriteLimit).
    Close,
}

/// Bytes that may wait for one peer, and what happens beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteLimit {
    /// Bytes waiting for the socket, with those of replies that wait for their turn; default 1 MiB.
    pub bytes: usize,
    /// What happens beyond.
    pub policy: WritePolicy,
}

impl Default for WriteLimit {
    fn default() -> Self {
        Self { bytes: 1 << 20, policy: WritePolicy::default() }
    }
}

/// What a listener is told.
///
/// ```
/// use millrace_reactor::{Framing, Lines, ListenOptions};
/// let options = ListenOptions { max_connections: 100, ..ListenOptions::new(Framing::Lines(Lines { max: 1024 })) };
/// assert!(options.address.ip().is_loopback());
/// ```
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// Where; port 0 for any free one. Default `127.0.0.1:0`.
    pub address: SocketAddr,
    /// How bytes become frames.
    pub framing: Framing,
    /// Connections the kernel keeps ready while we do not accept; default 4096 (the kernel's own limit applies).
    pub backlog: u32,
    /// Beyond this many, a connection is accepted and closed at once, and counted; default 15,000.
    pub max_connections: u32,
    /// Closes a connection that neither received nor was sent a byte, and is owed nothing, for this long; default never.
    pub idle_timeout: Option<Duration>,
    /// Closes a connection whose frame is not whole this long after its first byte; default never.
    /// Like the idle timeout it stands still while we ourselves do not read.
    pub frame_timeout: Option<Duration>,
    /// Bytes that may wait for one peer.
    pub write_limit: WriteLimit,
    /// In which order replies go out.
    pub replies: Replies,
    /// Frames of one connection that may wait for their replies before no more are read from it; default 1024.
    pub max_owed: u32,
    /// Whether small writes are sent without delay; default true.
    pub no_delay: bool,
    /// Whether several processes may listen on the port (`SO_REUSEPORT`); default false.
    pub reuse_port: bool,
}

impl ListenOptions {
    /// The defaults, on any free port of 127.0.0.1.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            framing,
            backlog: 4096,
            max_connections: 15_000,
            idle_timeout: None,
            frame_timeout: None,
            write_limit: WriteLimit::default(),
            replies: Replies::default(),
            max_owed: 1024,
            no_delay: true,
            reuse_port: false,
        }
    }
}
