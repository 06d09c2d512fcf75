//! One worker: a thread that gives its coroutines their turns.

use crate::context::{self, Frame, Local, Suspend};
use crate::home::Home;
use crate::job::{Unstarted, contain};
use crate::scheduler::Shared;
use crate::slots::{Fiber, Slot, Slots};
use crate::stack::StackPool;
use crate::timer::Timers;
use crossbeam_deque::{Steal, Worker as Deque};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// Turns between two looks at the other sources of work. Whoever keeps the ready queue long (or alone, by yielding)
/// holds up wakes from other threads, timers and new coroutines by this many turns, and pays a 61st of the look. Go and
/// tokio use the same number.
const TURNS: usize = 61;

/// The body of a worker thread; returns when the scheduler is closed and its last coroutine has ended.
pub(crate) fn run(shared: Arc<Shared>, home: Arc<Home>, unstarted: Deque<Unstarted>) {
    home.move_in();
    context::install(Local::new(shared, home, unstarted));
    context::local(|local| {
        Worker {
            local,
            slots: Slots::default(),
            timers: Timers::default(),
            stacks: StackPool::new(local.shared.stack_size),
            delivered: Vec::new(),
            closing: false,
        }
        .run();
    });
}

/// The part of a worker that its coroutines cannot reach.
struct Worker<'a> {
    local: &'a Local,
    slots: Slots,
    timers: Timers,
    stacks: StackPool,
    /// What the inbox held, to turn its order round.
    delivered: Vec<u32>,
    closing: bool,
}

impl Worker<'_> {
    fn run(mut self) {
        loop {
            self.empty_inbox();
            self.expire_timers();
            if !self.closing && self.local.shared.is_closed() {
                self.close();
            }
            let worked = self.turns() | self.start_some();
            if worked {
                continue;
            }
            if self.closing && self.slots.is_empty() {
                return;
            }
            self.sleep();
        }
    }

    fn empty_inbox(&mut self) {
        let Self { local, slots, delivered, .. } = self;
        local.home.inbox.take(|slot| {
            delivered.push(slot);
            slots.get(slot).core.link.load(millrace_park::sync::atomic::Ordering::Relaxed)
        });
        local.ready.borrow_mut().extend(delivered.drain(..).rev());
    }

    /// Puts coroutines whose time has come into the queue. None of their code runs here.
    fn expire_timers(&mut self) {
        if self.timers.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some(index) = self.timers.expired(now) {
            let slot = self.slots.get(index);
            slot.timer = None;
            if slot.core.state.expire() {
                self.local.ready.borrow_mut().push_back(index);
            }
        }
    }

    /// Gives ready coroutines a turn each, up to a bound; true if there was one.
    fn turns(&mut self) -> bool {
        for turn in 0..TURNS {
            let Some(index) = self.next_ready() else { return turn > 0 };
            self.turn(index);
        }
        true
    }

    fn next_ready(&self) -> Option<u32> {
        self.local.ready.borrow_mut().pop_front()
    }

    fn turn(&mut self, index: u32) {
        let slot = self.slots.get(index);
        if slot.parked {
            slot.parked = false;
            self.local.home.parked.subtract(1);
            if let Some(key) = slot.timer.take() {
                self.timers.remove(key);
            }
        }
        match slot.fiber.resume(()).as_yield() {
            Some(Suspend::Yield) => self.local.ready.borrow_mut().push_back(index),
            Some(Suspend::Park(deadline)) => {
                slot.parked = true;
                slot.timer = deadline.map(|deadline| self.timers.set(deadline, index));
                self.local.home.parked.add(1);
            }
            None => self.end(index),
        }
    }

    fn end(&mut self, index: u32) {
        if let Some(slot) = self.slots.remove(index) {
            slot.core.state.finish();
            self.stacks.give_back(slot.fiber.into_stack());
        }
    }

    /// Gives new coroutines their first turn, up to a bound; true if there was one.
    ///
    /// What came from outside has its one in each round, however many this worker's own coroutines spawn.
    fn start_some(&mut self) -> bool {
        let shared = &self.local.shared;
        let mut started = false;
        // Asked first: a steal that finds nothing costs a fence.
        if !shared.injector.is_empty()
            && let Some(unstarted) = retry(|| shared.injector.steal())
        {
            self.start(unstarted);
            started = true;
        }
        for _ in 0..TURNS {
            let Some(unstarted) = self.local.unstarted.pop() else { break };
            self.start(unstarted);
            started = true;
        }
        if started || !self.local.ready.borrow().is_empty() {
            return started;
        }
        match self.steal() {
            Some(unstarted) => self.start(unstarted),
            None => return false,
        }
        true
    }

    /// Takes about half of what another worker, the next one first, has not started.
    fn steal(&self) -> Option<Unstarted> {
        let (shared, own) = (&self.local.shared, self.local.home.index);
        let others = shared.stealers.len();
        let unstarted = (1..others)
            .map(|step| &shared.stealers[(own + step) % others])
            .find_map(|victim| retry(|| victim.steal_batch_and_pop(&self.local.unstarted)))?;
        self.local.home.steals.add(1 + self.local.unstarted.len() as u64);
        // What we took and do not start now, another sleeper can have.
        if !self.local.unstarted.is_empty() {
            shared.wake_one();
        }
        Some(unstarted)
    }

    fn start(&mut self, unstarted: Unstarted) {
        if self.closing || unstarted.core.is_cancelled() {
            self.local.home.finished.add(1);
            return unstarted.cancel();
        }
        let stack = match self.stacks.take() {
            Ok(stack) => stack,
            Err(error) => {
                self.local.home.finished.add(1);
                return unstarted.refuse(Box::new(crate::StackError::new(error)));
            }
        };
        let Unstarted { core, job } = unstarted;
        let index = self.slots.reserve();
        core.settle(&self.local.home, index);
        let frame_core = core.clone();
        let fiber = Fiber::with_stack(stack, move |yielder, ()| {
            Frame::enter(frame_core, yielder, |local| {
                // SAFETY: the job came with its `Unstarted`, which is consumed: we alone run it, and only here.
                unsafe { job.run() };
                local.home.finished.add(1);
                // SAFETY: as above, after `run`.
                unsafe { job.publish() };
                // A result that nobody joins is dropped here, where it may wait and panic.
                contain(|| drop(job));
            });
        });
        self.slots.put(index, Slot { core, fiber, parked: false, timer: None });
        self.turn(index);
    }

    /// The scheduler is closed: what has not started never will, what waits is unwound.
    fn close(&mut self) {
        self.closing = true;
        for slot in self.slots.iter() {
            slot.core.cancel();
        }
    }

    /// Blocks until there is work. Its looks at the queues come after `arm` and `prepare`: see their proofs.
    fn sleep(&self) {
        let Local { shared, home, .. } = self.local;
        shared.idle.arm(home.index);
        home.flag.prepare();
        if !self.has_work() {
            match self.timers.next() {
                Some(deadline) => thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
                None => thread::park(),
            }
        }
        home.flag.awake();
        shared.idle.disarm(home.index);
    }

    fn has_work(&self) -> bool {
        let Local { shared, home, .. } = self.local;
        !home.inbox.is_empty()
            || !shared.injector.is_empty()
            || shared.stealers.iter().any(|stealer| !stealer.is_empty())
            || (!self.closing && shared.is_closed())
    }
}

/// Repeats a steal that lost a race.
fn retry<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(taken) => return Some(taken),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}
