//! One listener, its inbox, and who waits for room in it.

use crate::controller::{Settled, Shared};
use crate::engine::Time;
use crate::inbox::{Inbox, Refused};
use crate::message::{CloseReason, Message, MessageKind};
use crate::options::ListenOptions;
use crate::pending::Answer;
use crate::stats::{Counter, ListenerCounters};
use crate::token::{ConnectionToken, ListenerToken, ReplyToken};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Wake, Waker};

/// How far a listener is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Serves.
    Open,
    /// Accepts and reads no more, and waits for what is owed.
    Draining,
    /// Ended, and waits for its last messages to be delivered.
    Closing,
}

/// The last words about a connection, for which the inbox had no room.
pub(crate) struct Farewell {
    pub(crate) connection: u32,
    pub(crate) error: Option<(u32, String)>,
    pub(crate) reason: CloseReason,
    pub(crate) text: String,
}

/// Remembers that a listener's inbox has room again, and wakes the reactor.
struct Room {
    there: AtomicBool,
    shared: Arc<Shared>,
}

impl Wake for Room {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.there.store(true, SeqCst);
        self.shared.wake_by_ref();
    }
}

/// A listener and its connections' common things.
pub(crate) struct Listener {
    pub(crate) token: u32,
    /// Where it listens in the engine, while it does.
    pub(crate) socket: Option<ListenerToken>,
    /// Told not to accept for now.
    pub(crate) paused: bool,
    pub(crate) options: ListenOptions,
    /// `None` once it is gone.
    inbox: Option<Box<dyn Inbox>>,
    pub(crate) counters: Arc<ListenerCounters>,
    pub(crate) stage: Stage,
    /// Sockets it accepted that are not closed.
    pub(crate) sockets: u32,
    /// Connections that are not over.
    pub(crate) open: u32,
    pub(crate) settled: Settled,
    pub(crate) answers: Vec<Answer<Settled>>,
    /// Something was delivered that is not flushed.
    dirty: bool,
    /// The inbox is full: nobody is read from until it is not.
    pub(crate) full: bool,
    asked_for_room: bool,
    room: Arc<Room>,
    room_waker: Waker,
    /// Connections with something to deliver, in the order in which they were refused.
    pub(crate) waiting: VecDeque<u32>,
    /// What is to be said about connections that are over.
    pub(crate) farewells: VecDeque<Farewell>,
    /// How long the inbox was full, altogether; the time of those periods does not count for its connections.
    held: Time,
    held_since: Time,
}

impl Listener {
    pub(crate) fn new(options: ListenOptions, inbox: Box<dyn Inbox>, shared: &Arc<Shared>) -> Self {
        let room = Arc::new(Room { there: AtomicBool::new(false), shared: shared.clone() });
        Self {
            token: 0,
            socket: None,
            paused: false,
            options,
            inbox: Some(inbox),
            counters: Arc::default(),
            stage: Stage::Open,
            sockets: 0,
            open: 0,
            settled: Settled::default(),
            answers: Vec::new(),
            dirty: false,
            full: false,
            asked_for_room: false,
            room_waker: room.clone().into(),
            room,
            waiting: VecDeque::new(),
            farewells: VecDeque::new(),
            held: Time::default(),
            held_since: Time::default(),
        }
    }

    /// The listener's time: stands still while the inbox is full.
    pub(crate) fn clock(&self, now: Time) -> Time {
        let held = if self.full { now.since(self.held_since) } else { std::time::Duration::ZERO };
        Time(now.since(self.held.after(held)).as_nanos() as u64)
    }

    /// Offers a message to the inbox; a panic in there is its end.
    #[inline]
    pub(crate) fn deliver(&mut self, message: &Message<'_>, panics: &Counter) -> Result<(), Refused> {
        let Some(inbox) = &mut self.inbox else { return Err(Refused::Gone) };
        match catch_unwind(AssertUnwindSafe(|| inbox.deliver(message))) {
            Ok(outcome) => {
                self.dirty |= outcome.is_ok();
                outcome
            }
            Err(_panic) => {
                panics.add(1);
                self.drop_inbox();
                Err(Refused::Gone)
            }
        }
    }

    /// Says the last words about a connection.
    pub(crate) fn farewell(&mut self, farewell: &mut Farewell, panics: &Counter) -> Result<(), Refused> {
        if let Some((number, text)) = &farewell.error {
            let message = self.message(MessageKind::Error, farewell.connection, *number);
            self.deliver(&Message { body: text.as_bytes(), ..message }, panics)?;
            farewell.error = None;
        }
        let message = self.message(MessageKind::Close, farewell.connection, farewell.reason as u32);
        self.deliver(&Message { body: farewell.text.as_bytes(), ..message }, panics)
    }

    /// A message without a payload.
    pub(crate) fn message(&self, kind: MessageKind, connection: u32, detail: u32) -> Message<'static> {
        Message {
            kind,
            listener: ListenerToken(self.token),
            connection: ConnectionToken(connection),
            reply: ReplyToken::NONE,
            detail,
            head: &[],
            body: &[],
        }
    }

    /// Publishes what was delivered, and asks for room if there was none; false when the inbox is gone by that.
    pub(crate) fn flush(&mut self, panics: &Counter) -> bool {
        let (flush, ask) = (std::mem::take(&mut self.dirty), self.full && !self.asked_for_room);
        if !flush && !ask {
            return true;
        }
        let Some(inbox) = &mut self.inbox else { return true };
        let (room, waker) = (&self.room.there, &self.room_waker);
        let asked = catch_unwind(AssertUnwindSafe(|| {
            if flush {
                inbox.flush();
            }
            // After the flush, because only what the reader can see makes room.
            if ask {
                room.store(false, SeqCst);
                if inbox.wait_for_room(waker) {
                    room.store(true, SeqCst);
                }
            }
        }));
        self.asked_for_room |= ask;
        if asked.is_err() {
            panics.add(1);
            self.drop_inbox();
        }
        asked.is_ok()
    }

    /// The inbox refused: from now on time stands still.
    pub(crate) fn fill(&mut self, now: Time) {
        if !self.full {
            self.full = true;
            self.held_since = now;
            self.counters.full.add(1);
        }
        self.asked_for_room = false;
    }

    /// All that waited was delivered.
    pub(crate) fn clear(&mut self, now: Time) {
        if std::mem::take(&mut self.full) {
            self.held = self.held.after(now.since(self.held_since));
        }
    }

    /// Whether the inbox, having been full, said that there is room; asked once a turn.
    pub(crate) fn room_came(&self) -> bool {
        self.full && self.room.there.swap(false, SeqCst)
    }

    /// Whether it would say so now.
    pub(crate) fn room_is_there(&self) -> bool {
        self.full && self.room.there.load(SeqCst)
    }

    pub(crate) fn has_inbox(&self) -> bool {
        self.inbox.is_some()
    }

    /// Drops the inbox; even that may panic.
    pub(crate) fn drop_inbox(&mut self) {
        let inbox = self.inbox.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(inbox)));
        self.dirty = false;
        self.farewells.clear();
    }

    /// Tells those who asked how its connections ended.
    pub(crate) fn answer(&mut self) {
        for answer in self.answers.drain(..) {
            answer.give(self.settled);
        }
    }

    /// Whether nothing is left to be done for it.
    pub(crate) fn is_over(&self) -> bool {
        self.stage != Stage::Open && self.open == 0 && self.farewells.is_empty()
    }
}
