//! What the running code can find out: which worker it is on, and in which coroutine.

use crate::coroutine::Core;
use crate::home::Home;
use crate::job::Unstarted;
use crate::protocol::Resumed;
use crate::scheduler::Shared;
use corosensei::Yielder;
use crossbeam_deque::Worker as Deque;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

/// Why a coroutine gives its worker back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Suspend {
    /// It wants its next turn behind all others that are ready.
    Yield,
    /// It is parked, until then at most.
    Park(Option<Instant>),
}

/// What a worker shares with the coroutines that run on it. Lives in a thread-local of the worker until the thread
/// ends, longer than any coroutine on it.
pub(crate) struct Local {
    pub(crate) shared: Arc<Shared>,
    pub(crate) home: Arc<Home>,
    /// Slots of coroutines that are ready for a turn. Never borrowed across user code.
    pub(crate) ready: RefCell<VecDeque<u32>>,
    /// Coroutines spawned here that nobody has started. Other workers steal from its other end.
    pub(crate) unstarted: Deque<Unstarted>,
    /// The running coroutine; null while the worker's own code runs.
    current: Cell<*const Frame<'static>>,
}

impl Local {
    pub(crate) fn new(shared: Arc<Shared>, home: Arc<Home>, unstarted: Deque<Unstarted>) -> Self {
        Self { shared, home, ready: RefCell::default(), unstarted, current: Cell::new(ptr::null()) }
    }
}

thread_local! {
    static LOCAL: OnceCell<Local> = const { OnceCell::new() };
}

/// Makes the calling thread a worker, for the rest of its life.
pub(crate) fn install(local: Local) {
    LOCAL.with(|cell| {
        assert!(cell.set(local).is_ok(), "a thread is a worker once");
    });
}

/// Calls `with` with the worker that the calling thread is; `None` elsewhere, also in the destructors of thread-locals.
#[inline]
pub(crate) fn local<R>(with: impl FnOnce(&Local) -> R) -> Option<R> {
    LOCAL.try_with(|cell| cell.get().map(with)).ok().flatten()
}

/// Puts a slot of this thread's own worker into its queue; false on any other thread.
pub(crate) fn enqueue(home: &Arc<Home>, slot: u32) -> bool {
    local(|local| {
        let ours = Arc::ptr_eq(&local.home, home);
        if ours {
            local.ready.borrow_mut().push_back(slot);
        }
        ours
    })
    .unwrap_or(false)
}

/// The running coroutine. Lies at the root of that coroutine's stack, so it is good for as long as anything runs there.
pub(crate) struct Frame<'a> {
    yielder: &'a Yielder<(), Suspend>,
    local: &'a Local,
    pub(crate) core: Arc<Core>,
}

impl Frame<'_> {
    /// Runs `body` as the coroutine `core`.
    pub(crate) fn enter(core: Arc<Core>, yielder: &Yielder<(), Suspend>, body: impl FnOnce(&Local)) {
        local(|local| {
            let frame = Frame { yielder, local, core };
            local.current.set((&raw const frame).cast());
            body(local);
            local.current.set(ptr::null());
        });
    }

    /// Gives the worker back until the next turn.
    #[inline]
    fn suspend(&self, why: Suspend) {
        self.local.current.set(ptr::null());
        self.yielder.suspend(why);
        self.local.current.set(ptr::from_ref(self).cast());
    }

    #[inline]
    pub(crate) fn yield_now(&self) {
        self.suspend(Suspend::Yield);
    }

    /// Parks until a token comes or the deadline passes; says which.
    pub(crate) fn park(&self, deadline: Option<Instant>) -> Resumed {
        if !self.core.state.park() {
            return Resumed::Notified;
        }
        self.suspend(Suspend::Park(deadline));
        self.core.state.resume()
    }
}

/// Calls `with` with the running coroutine; `None` outside of one.
#[inline]
pub(crate) fn current<R>(with: impl FnOnce(&Frame<'_>) -> R) -> Option<R> {
    local(|local| {
        let frame = local.current.get();
        // SAFETY: `current` is set by `Frame` only, to itself, and is null whenever another stack than its own runs.
        // So not null means that we run on the very stack at whose root the frame lies, and it outlives this call.
        unsafe { frame.as_ref() }.map(with)
    })
    .flatten()
}
