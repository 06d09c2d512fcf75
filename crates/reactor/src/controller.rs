//! Commands from any thread.

use crate::inbox::Inbox;
use crate::options::ListenOptions;
use crate::outbox::Outbox;
use crate::pending::{Answer, Pending, pending};
use crate::stats::{ListenerCounters, ListenerStats, ReactorCounters, ReactorStats};
use crate::token::{ListenerToken, OutboxToken};
use millrace_park::SleepFlag;
use millrace_park::sync::lock;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;

/// A listener that is open.
#[derive(Clone, Debug)]
pub struct Listening {
    /// The listener, for commands; also in every message.
    pub listener: ListenerToken,
    /// Where it listens: the port is the real one.
    pub address: SocketAddr,
    pub(crate) counters: Arc<ListenerCounters>,
}

impl Listening {
    /// The listener's totals, also after it was closed. Never blocks.
    #[must_use]
    pub fn stats(&self) -> ListenerStats {
        self.counters.snapshot()
    }
}

/// How the connections of a drained or closed listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Settled {
    /// Connections that got all they were owed.
    pub drained: u64,
    /// Connections that were closed with replies owed or bytes unwritten.
    pub cut: u64,
}

/// What a controller asks of the reactor's thread.
pub(crate) enum Command {
    Listen { options: Box<ListenOptions>, inbox: Box<dyn Inbox>, answer: Answer<io::Result<Listening>> },
    AddOutbox { token: OutboxToken, outbox: Box<dyn Outbox> },
    RemoveOutbox { token: OutboxToken, answer: Answer<()> },
    Pause { listener: ListenerToken },
    Resume { listener: ListenerToken },
    Drain { listener: ListenerToken, timeout: Option<Duration>, answer: Answer<Settled> },
    Close { listener: ListenerToken, answer: Answer<Settled> },
    Shutdown,
}

/// What the reactor's thread and its controllers share.
pub(crate) struct Shared {
    /// `None` once the thread has ended: what comes later is dropped, which answers it.
    pub(crate) commands: Mutex<Option<Vec<Command>>>,
    pub(crate) flag: SleepFlag,
    /// Makes the engine's wait return.
    pub(crate) notify: Box<dyn Fn() + Send + Sync>,
    pub(crate) counters: ReactorCounters,
    pub(crate) engine: &'static str,
    outboxes: AtomicU32,
}

impl Shared {
    pub(crate) fn new(engine: &'static str, notify: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            commands: Mutex::new(Some(Vec::new())),
            flag: SleepFlag::new(),
            notify,
            counters: ReactorCounters::default(),
            engine,
            outboxes: AtomicU32::new(0),
        }
    }

    fn command(&self, command: Command) {
        let refused = match &mut *lock(&self.commands) {
            Some(commands) => {
                commands.push(command);
                None
            }
            None => Some(command),
        };
        // Not under the lock: dropping a command drops an implementer's inbox, and answers, which calls a waker.
        drop(refused);
        self.flag.wake(|| (self.notify)());
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.flag.wake(|| (self.notify)());
    }
}

/// Commands a reactor from any thread. Never blocks by itself; what has an answer gives a [`Pending`].
///
/// After the reactor has ended every answer is `None`.
#[derive(Clone)]
pub struct Controller {
    shared: Arc<Shared>,
}

impl fmt::Debug for Controller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Controller").field("engine", &self.engine()).field("stats", &self.stats()).finish()
    }
}

impl Controller {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Opens a listener whose connections' messages go to `inbox`.
    ///
    /// An error is the operating system's, with its number: a port in use is `EADDRINUSE`.
    pub fn listen(&self, options: ListenOptions, inbox: Box<dyn Inbox>) -> Pending<io::Result<Listening>> {
        let (answer, question) = pending();
        self.shared.command(Command::Listen { options: Box::new(options), inbox, answer });
        question
    }

    /// Lets the reactor take replies and commands from `outbox`, in turns with the other outboxes.
    pub fn add_outbox(&self, outbox: Box<dyn Outbox>) -> OutboxToken {
        let token = OutboxToken(self.shared.outboxes.fetch_add(1, Relaxed) + 1);
        self.shared.command(Command::AddOutbox { token, outbox });
        token
    }

    /// Takes what is still in the outbox and drops it; answered when that is done and the reactor no longer reaches it.
    pub fn remove_outbox(&self, token: OutboxToken) -> Pending<()> {
        let (answer, question) = pending();
        self.shared.command(Command::RemoveOutbox { token, answer });
        question
    }

    /// Stops accepting; connections that are open go on.
    pub fn pause(&self, listener: ListenerToken) {
        self.shared.command(Command::Pause { listener });
    }

    /// Accepts again after [`pause`](Self::pause).
    pub fn resume(&self, listener: ListenerToken) {
        self.shared.command(Command::Resume { listener });
    }

    /// Ends a listener in good order: accepts no more, reads no more, delivers what is whole, waits until every frame
    /// that was delivered is answered and flushed, and closes each connection as soon as that is so.
    ///
    /// After `timeout` the rest is closed at once, as by [`close`](Self::close). Answered when no connection is left;
    /// draining what is not open (any more) is answered with zeros.
    pub fn drain(&self, listener: ListenerToken, timeout: Option<Duration>) -> Pending<Settled> {
        let (answer, question) = pending();
        self.shared.command(Command::Drain { listener, timeout, answer });
        question
    }

    /// Ends a listener and its connections at once.
    ///
    /// Answered when their `Close` messages are delivered and the inbox is dropped; or before that, when the inbox is
    /// full and its reader seems to read no more.
    pub fn close(&self, listener: ListenerToken) -> Pending<Settled> {
        let (answer, question) = pending();
        self.shared.command(Command::Close { listener, answer });
        question
    }

    /// Ends the reactor: closes everything at once, and the thread ends.
    pub fn shutdown(&self) {
        self.shared.command(Command::Shutdown);
    }

    /// The reactor's totals. Never blocks.
    #[must_use]
    pub fn stats(&self) -> ReactorStats {
        self.shared.counters.snapshot(&self.shared.flag)
    }

    /// The engine that runs, by name: `epoll`, `kqueue`, `iocp`, …
    #[must_use]
    pub fn engine(&self) -> &'static str {
        self.shared.engine
    }

    /// What wakes the reactor's thread; costs a system call only if it sleeps.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.shared.clone().into()
    }
}
