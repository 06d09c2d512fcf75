//! The loop of a reactor's thread.
//!
//! A turn:
//! 1. **poll**: the engine's completions; bytes are decoded and delivered to the listener's inbox as they come;
//! 2. commands, alarms, and inboxes that have room again;
//! 3. **flush** the inboxes, before anything is written: whoever reads them works while we write;
//! 4. **drain** all outboxes, each up to a budget: bytes are handed to the engine, which keeps them;
//! 5. **submit**: at most one write a connection;
//! 6. **sleep**, only if none of this had anything to do for a while.
//!
//! # Sleeping
//! The loop sets the sleep flag, then arms every outbox and looks at the commands and the inboxes' room once more, and
//! only then blocks. Whoever fills one of these looks at the flag afterwards. Both sides do it in this order, so
//! either the loop sees the content or the other one sees the flag and wakes the engine.
//!
//! Before that it spins for a little: a wake costs its maker a system call and the loop about 5 us. Spinning that
//! finds nothing halves the budget; work that comes soon after the loop had to block shows that a longer budget would
//! have paid, and restores it.

use crate::controller::{Command, Listening, Shared};
use crate::core::Core;
use crate::engine::{Completion, Engine, Gate, SocketOptions, Time};
use crate::inbox::Inbox;
use crate::listener::Listener;
use crate::message::CloseReason;
use crate::options::{ListenOptions, RuntimeOptions};
use crate::outbox::{Drained, Outbox};
use crate::token::{ListenerToken, OutboxToken};
use millrace_park::sync::lock;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;

/// What one outbox may give in a turn. Enough that a full one costs few turns, and short enough (under a millisecond)
/// that sockets are not kept waiting.
const BUDGET: usize = 4096;
/// A spin budget below this is none: less than one poll.
const LEAST_SPIN: u64 = 500;

struct Registered {
    token: OutboxToken,
    /// `None` once it is gone.
    outbox: Option<Box<dyn Outbox>>,
}

pub(crate) struct Reactor<E> {
    engine: E,
    core: Core,
    outboxes: Vec<Registered>,
    waker: Waker,
    ending: bool,
    /// The spin budget as configured, and what is left of it after spinning in vain; nanoseconds.
    full_spin: u64,
    spin: u64,
    /// When the loop last had something to do.
    worked: Time,
}

impl<E: Engine> Reactor<E> {
    pub(crate) fn new(engine: E, shared: Arc<Shared>, options: &RuntimeOptions) -> Self {
        let full_spin = u64::try_from(options.spin.as_nanos()).unwrap_or(u64::MAX);
        Self {
            engine,
            waker: shared.clone().into(),
            core: Core::new(shared, options.linger),
            outboxes: Vec::new(),
            ending: false,
            full_spin,
            spin: full_spin,
            worked: Time::default(),
        }
    }

    /// Runs until it is told to end.
    pub(crate) fn run(mut self) {
        let mut block = false;
        while !self.ending {
            let blocked_at = self.engine.now();
            let waited = if block { self.sleep() } else { self.engine.wait(false).map(|()| false) };
            let Ok(slept) = waited else { break };
            self.core.now = self.engine.now();
            if slept && self.core.now.since(blocked_at).as_nanos() < u128::from(self.full_spin) {
                self.spin = self.full_spin;
            }
            block = self.turn();
        }
        let tokens: Vec<u32> = self.core.listeners.tokens().collect();
        for token in tokens {
            self.core.end_listener(&mut self.engine, token, CloseReason::Closed);
        }
        self.core.flush(&mut self.engine);
        self.core.bury(&mut self.engine);
        for registered in &mut self.outboxes {
            drop_outbox(&mut registered.outbox);
        }
    }

    /// One turn after the wait; says whether the next wait may block.
    fn turn(&mut self) -> bool {
        let Self { engine, core, .. } = self;
        let completions = complete(engine, core);
        let counters = &core.shared.counters;
        counters.turns.add(1);
        counters.completions.add(completions);
        let mut busy = completions > 0;
        busy |= self.obey();
        let Self { engine, core, .. } = self;
        core.ring(engine);
        let with_room = core.listeners.values_mut().find(|listener| listener.room_came()).map(|it| it.token);
        if let Some(token) = with_room {
            busy = true;
            core.refill(engine, token);
        }
        core.flush(engine);
        let (taken, more) = self.drain();
        busy |= taken > 0;
        let Self { engine, core, .. } = self;
        core.feed(engine);
        engine.submit();
        core.judge(engine);
        core.flushed(engine);
        core.flush(engine);
        core.bury(engine);
        self.engine.timer(self.core.alarms.next());
        // Lists that were filled after they were looked at are looked at in the next turn, which must not wait.
        !more && self.core.is_quiet() && !self.spins(busy)
    }

    /// Whether to look again without blocking.
    fn spins(&mut self, busy: bool) -> bool {
        let now = self.core.now;
        if busy {
            self.worked = now;
            return self.spin >= LEAST_SPIN;
        }
        let spent = now.since(self.worked).as_nanos() < u128::from(self.spin);
        if !spent {
            self.spin /= 2;
        }
        spent
    }

    /// Blocks, unless there turns out to be something to do; says whether it did.
    fn sleep(&mut self) -> io::Result<bool> {
        let shared = self.core.shared.clone();
        shared.flag.prepare();
        let mut quiet = true;
        for registered in &mut self.outboxes {
            let Some(outbox) = &mut registered.outbox else { continue };
            match catch_unwind(AssertUnwindSafe(|| outbox.arm(&self.waker))) {
                Ok(armed) => quiet &= armed,
                Err(_panic) => {
                    shared.counters.panics.add(1);
                    drop_outbox(&mut registered.outbox);
                }
            }
        }
        quiet &= lock(&shared.commands).as_ref().is_some_and(Vec::is_empty);
        quiet &= !self.core.listeners.values_mut().any(|listener| listener.room_is_there());
        let waited = self.engine.wait(quiet);
        shared.flag.awake();
        if quiet {
            shared.counters.blocked.add(1);
        }
        for registered in &mut self.outboxes {
            let Some(outbox) = &mut registered.outbox else { continue };
            if catch_unwind(AssertUnwindSafe(|| outbox.disarm())).is_err() {
                shared.counters.panics.add(1);
                drop_outbox(&mut registered.outbox);
            }
        }
        waited.map(|()| quiet)
    }

    /// Takes from every outbox; gives how much there was, and whether there is more.
    fn drain(&mut self) -> (usize, bool) {
        let Self { engine, core, outboxes, .. } = self;
        let (mut taken, mut more) = (0, false);
        for registered in outboxes.iter_mut() {
            let Some(outbox) = &mut registered.outbox else { continue };
            let drained = catch_unwind(AssertUnwindSafe(|| {
                outbox.drain(BUDGET, &mut |outgoing| {
                    taken += 1;
                    core.outgoing(engine, outgoing);
                })
            }));
            match drained {
                Ok(Drained::Empty) => {}
                Ok(Drained::More) => more = true,
                Ok(Drained::Gone) => drop_outbox(&mut registered.outbox),
                Err(_panic) => {
                    core.shared.counters.panics.add(1);
                    drop_outbox(&mut registered.outbox);
                }
            }
        }
        core.shared.counters.outgoing.add(taken as u64);
        (taken, more)
    }

    /// Does what was commanded; says whether anything was.
    fn obey(&mut self) -> bool {
        let commands = match &mut *lock(&self.core.shared.commands) {
            Some(commands) if !commands.is_empty() => std::mem::take(commands),
            _ => return false,
        };
        for command in commands {
            let Self { engine, core, .. } = self;
            match command {
                Command::Listen { options, inbox, answer } => answer.give(self.listen(*options, inbox)),
                Command::AddOutbox { token, outbox } => {
                    self.outboxes.push(Registered { token, outbox: Some(outbox) });
                }
                Command::RemoveOutbox { token, answer } => {
                    self.remove_outbox(token);
                    answer.give(());
                }
                Command::Pause { listener } => {
                    if let Some(listener) = core.listeners.get_mut(listener.0)
                        && let Some(socket) = listener.socket
                    {
                        listener.paused = true;
                        engine.stop_accept(socket);
                    }
                }
                Command::Resume { listener } => {
                    if let Some(listener) = core.listeners.get_mut(listener.0)
                        && let Some(socket) = listener.socket
                    {
                        listener.paused = false;
                        engine.accept(socket);
                    }
                }
                Command::Drain { listener, timeout, answer } => core.drain(engine, listener.0, timeout, answer),
                Command::Close { listener, answer } => match core.listeners.get_mut(listener.0) {
                    Some(known) => {
                        known.answers.push(answer);
                        core.end_listener(engine, listener.0, CloseReason::Closed);
                    }
                    None => answer.give(Default::default()),
                },
                Command::Shutdown => self.ending = true,
            }
        }
        true
    }

    fn listen(&mut self, options: ListenOptions, inbox: Box<dyn Inbox>) -> io::Result<Listening> {
        let Self { engine, core, .. } = self;
        let how =
            SocketOptions { backlog: options.backlog, no_delay: options.no_delay, reuse_port: options.reuse_port };
        let address = options.address;
        let listener = Listener::new(options, inbox, &core.shared);
        let counters = listener.counters.clone();
        let Ok(token) = core.listeners.insert(listener) else {
            return Err(io::Error::other("more listeners than a reactor has tokens for"));
        };
        match engine.listen(address, &how, Gate(token)) {
            Ok((socket, address)) => {
                if let Some(listener) = core.listeners.get_mut(token) {
                    listener.token = token;
                    listener.socket = Some(socket);
                }
                Ok(Listening { listener: ListenerToken(token), address, counters })
            }
            Err(error) => {
                if let Some(mut listener) = core.listeners.remove(token) {
                    listener.drop_inbox();
                }
                Err(error)
            }
        }
    }

    /// Takes what is left in an outbox, and drops it.
    fn remove_outbox(&mut self, token: OutboxToken) {
        let Some(at) = self.outboxes.iter().position(|registered| registered.token == token) else { return };
        let mut registered = self.outboxes.remove(at);
        let Self { engine, core, .. } = self;
        if let Some(outbox) = &mut registered.outbox {
            let rest = catch_unwind(AssertUnwindSafe(|| {
                while outbox.drain(BUDGET, &mut |outgoing| core.outgoing(engine, outgoing)) == Drained::More {}
            }));
            if rest.is_err() {
                core.shared.counters.panics.add(1);
            }
        }
        drop_outbox(&mut registered.outbox);
    }
}

/// Takes the engine's completions; gives how many there were.
fn complete<E: Engine>(engine: &mut E, core: &mut Core) -> u64 {
    let mut completions = 0;
    while let Some(completion) = engine.next() {
        completions += 1;
        match completion {
            Completion::Received { connection, bytes } => {
                if let Some(stop) = core.received(connection.0, bytes) {
                    core.stopped(engine, connection.0, stop);
                }
            }
            Completion::Accepted { listener, connection, peer } => core.accepted(engine, listener, connection, peer),
            Completion::OutOfDescriptors { .. } => core.shared.counters.out_of_descriptors.add(1),
            Completion::AcceptFailed { listener, .. } => {
                let found = core.listeners.values_mut().find(|known| known.socket == Some(listener));
                if let Some(token) = found.map(|known| known.token) {
                    core.accept_later(token);
                }
            }
            Completion::Ended { connection } => core.ended(engine, connection.0),
            Completion::Sent { connection } => core.sent(engine, connection.0),
            Completion::Failed { connection, error } => core.failed(engine, connection.0, &error),
            // Nothing is connected from here yet, and alarms are looked at every turn.
            Completion::Connected { .. } | Completion::Timer => {}
        }
    }
    completions
}

/// Drops an outbox; even that may panic.
fn drop_outbox(outbox: &mut Option<Box<dyn Outbox>>) {
    let outbox = outbox.take();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(outbox)));
}

impl Core {
    /// Whether nothing waits for the next turn.
    fn is_quiet(&self) -> bool {
        self.hungry.is_empty() && self.suspects.is_empty() && self.ending.is_empty() && self.orphans.is_empty()
    }
}
