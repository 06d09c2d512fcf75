//! What the world holds of a coroutine: its handle, which is its waker too.

use crate::context;
use crate::home::Home;
use crate::protocol::ParkState;
use millrace_park::sync::atomic::{AtomicU32, Ordering};
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::task::{Wake, Waker};

/// A coroutine, as others see it. It holds neither the stack nor the closure: those belong to a queue first and to a
/// worker then, so that a waker kept for ever keeps nothing but this alive.
#[derive(Debug)]
pub(crate) struct Core {
    id: u64,
    pub(crate) state: ParkState,
    cancelled: AtomicBool,
    /// Where it stays. Set by its worker before its first turn, so before anybody can find it parked.
    home: OnceLock<Arc<Home>>,
    /// Its place in the worker's table. Set together with `home`.
    slot: AtomicU32,
    /// The inbox's link. Belongs to whoever took the coroutine out of `Parked`, until its worker has emptied the inbox.
    pub(crate) link: AtomicU32,
}

impl Core {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            state: ParkState::new(),
            cancelled: AtomicBool::new(false),
            home: OnceLock::new(),
            slot: AtomicU32::new(0),
            link: AtomicU32::new(0),
        }
    }

    /// Ties the coroutine to the worker that is about to give it its first turn.
    pub(crate) fn settle(&self, home: &Arc<Home>, slot: u32) {
        self.slot.store(slot, Ordering::Relaxed);
        let _ = self.home.set(home.clone());
        self.state.start();
    }

    pub(crate) fn unpark(&self) {
        if self.state.unpark()
            && let Some(home) = self.home.get()
        {
            // Relaxed: `unpark` has acquired what the worker wrote before the park.
            let slot = self.slot.load(Ordering::Relaxed);
            if !context::enqueue(home, slot) {
                home.deliver(slot, &self.link);
            }
        }
    }

    /// The flag comes before the unpark, whose release covers it: who takes that token sees the flag.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.unpark();
    }

    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Wake for Core {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.unpark();
    }
}

/// A handle to a coroutine, as [`std::thread::Thread`] is to a thread. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Coroutine {
    pub(crate) core: Arc<Core>,
}

impl Coroutine {
    /// The coroutine's number: unique within its scheduler, counted from 0 in the order of `spawn`.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.core.id
    }

    /// Ends the coroutine's [`park`](crate::park), or makes its next one return at once.
    ///
    /// What the caller wrote before is seen by the coroutine after. One token is kept: two unparks before a park count
    /// as one. Makes a system call only when the coroutine's worker sleeps. Does nothing when it is done.
    pub fn unpark(&self) {
        self.core.unpark();
    }

    /// The coroutine as a [`Waker`]: to wake is to [`unpark`](Self::unpark). Cloning it counts a reference.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.core.clone().into()
    }
}

impl fmt::Debug for Coroutine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Coroutine").field("id", &self.core.id).finish_non_exhaustive()
    }
}
