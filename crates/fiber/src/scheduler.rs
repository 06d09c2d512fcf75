//! The scheduler: its workers, what they share, their beginning and end.

use crate::config::Config;
use crate::context;
use crate::coroutine::Core;
use crate::home::Home;
use crate::job::{Task, Unstarted};
use crate::join::JoinHandle;
use crate::protocol::Idle;
use crate::stats::Stats;
use crate::{thread, worker};
use crossbeam_deque::{Injector, Stealer, Worker as Deque};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle as ThreadHandle;

/// What the workers of one scheduler have in common.
///
/// Queues of what has not started are `crossbeam-deque`'s: the Chase-Lev deque with a shared injector, with batches,
/// proved on weakly ordered machines, and kept by people who keep nothing else.
pub(crate) struct Shared {
    pub(crate) stack_size: usize,
    /// Spawned from outside.
    pub(crate) injector: Injector<Unstarted>,
    /// The far ends of the workers' own queues.
    pub(crate) stealers: Box<[Stealer<Unstarted>]>,
    pub(crate) idle: Idle,
    homes: Box<[Arc<Home>]>,
    closed: AtomicBool,
    spawned: AtomicU64,
    /// Ended by somebody who is no worker, after the end of all of them.
    refused: AtomicU64,
}

impl Shared {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// New work lies in a queue: gets one worker to look, if one sleeps.
    pub(crate) fn wake_one(&self) {
        if let Some(worker) = self.idle.take() {
            self.homes[worker].wake();
        }
    }

    fn spawn<F, T>(self: &Arc<Self>, closure: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let core = Arc::new(Core::new(self.spawned.fetch_add(1, Ordering::Relaxed)));
        let task = Arc::new(Task::new(closure));
        let handle = JoinHandle { outcome: task.clone(), core: core.clone() };
        self.push(Unstarted { core, job: task });
        self.wake_one();
        if self.is_closed() {
            self.refuse_all();
        }
        handle
    }

    /// Into the queue of the worker that calls, or into the common one.
    fn push(self: &Arc<Self>, unstarted: Unstarted) {
        let mut unstarted = Some(unstarted);
        context::local(|local| {
            if Arc::ptr_eq(&local.shared, self)
                && let Some(unstarted) = unstarted.take()
            {
                local.unstarted.push(unstarted);
            }
        });
        if let Some(unstarted) = unstarted {
            self.injector.push(unstarted);
        }
    }

    /// Ends what workers that have gone left in the common queue.
    ///
    /// Called by `shutdown` after the workers, and by a spawn that finds the scheduler closed: a spawn pushes, fences
    /// (in `wake_one`) and looks at `closed`; a shutdown sets `closed`, fences and looks at the queue. One of the two
    /// sees the other.
    fn refuse_all(&self) {
        fence(Ordering::SeqCst);
        loop {
            match self.injector.steal() {
                crossbeam_deque::Steal::Success(unstarted) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    unstarted.cancel();
                }
                crossbeam_deque::Steal::Empty => return,
                crossbeam_deque::Steal::Retry => {}
            }
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for home in &self.homes {
            home.wake();
        }
    }
}

/// A set of named worker threads and the coroutines on them. There can be several in one process; each knows nothing
/// of the others, except that their coroutines can wait for each other.
///
/// Dropping it shuts it down.
///
/// ```
/// use millrace_fiber::{Config, Scheduler};
/// let scheduler = Scheduler::new(Config { workers: 2, ..Config::default() })?;
/// let parts: Vec<_> = (0..4).map(|part| scheduler.spawn(move || part * part)).collect();
/// let total: u32 = parts.into_iter().map(|part| part.join().unwrap()).sum();
/// assert_eq!(total, 14);
/// # std::io::Result::Ok(())
/// ```
pub struct Scheduler {
    shared: Arc<Shared>,
    /// Emptied by the shutdown.
    threads: Mutex<Vec<ThreadHandle<()>>>,
}

impl Scheduler {
    /// Starts the workers. They take no asynchronous signals and no signal handler or panic hook is installed.
    ///
    /// # Errors
    /// `InvalidInput` when the configuration is out of range, otherwise what kept a thread from starting.
    pub fn new(config: Config) -> io::Result<Self> {
        config.check()?;
        let deques: Vec<_> = (0..config.workers).map(|_| Deque::new_fifo()).collect();
        let shared = Arc::new(Shared {
            stack_size: config.stack_size,
            injector: Injector::new(),
            stealers: deques.iter().map(Deque::stealer).collect(),
            idle: Idle::new(config.workers),
            homes: (0..config.workers).map(|index| Arc::new(Home::new(index))).collect(),
            closed: AtomicBool::new(false),
            spawned: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        // Made first, so that an error half-way shuts down those that run.
        let scheduler = Self { shared, threads: Mutex::default() };
        for (index, deque) in deques.into_iter().enumerate() {
            let shared = scheduler.shared.clone();
            let home = shared.homes[index].clone();
            let thread = thread::spawn(format!("{}-{index}", config.name), move || worker::run(shared, home, deque))?;
            scheduler.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(scheduler)
    }

    /// Makes a coroutine of `closure`. It gets its first turn on any worker, and stays on that one from then.
    ///
    /// Callable from any thread and coroutine. Allocates twice; the stack comes with the first turn. A panic in the
    /// closure reaches [`JoinHandle::join`] and nobody else. On a scheduler that is shut down, the closure is dropped
    /// and the join gives [`Cancelled`](crate::Cancelled).
    pub fn spawn<F, T>(&self, closure: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared.spawn(closure)
    }

    /// Ends the scheduler: what has not started never will, what waits unwinds where it waits, what runs unwinds at its
    /// next suspension; then the workers end.
    ///
    /// Blocks the calling thread until all that has happened, so a coroutine that neither suspends nor ends holds it up.
    /// Called again, it waits for the first call. From a coroutine of this very scheduler it only begins the shutdown,
    /// and returns.
    pub fn shutdown(&self) {
        self.shared.close();
        let ours = context::local(|local| Arc::ptr_eq(&local.shared, &self.shared));
        if ours == Some(true) {
            return;
        }
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // An error would be a panic of the worker itself, already reported by the host's hook.
            let _ = thread.join();
        }
        self.shared.refuse_all();
    }

    /// What it has done so far, and what it holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let shared = &self.shared;
        let sum = |figure: fn(&Home) -> u64| shared.homes.iter().map(|home| figure(home)).sum::<u64>();
        Stats {
            spawned: shared.spawned.load(Ordering::Relaxed),
            finished: sum(|home| home.finished.get()) + shared.refused.load(Ordering::Relaxed),
            steals: sum(|home| home.steals.get()),
            wakes_made: sum(|home| home.flag.made()),
            wakes_elided: sum(|home| home.flag.elided()),
            parked: sum(|home| home.parked.get()),
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Scheduler").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// Makes a coroutine of `closure` on the scheduler of the caller, as [`Scheduler::spawn`] does.
///
/// # Panics
/// When the caller is not a coroutine: a plain thread has no scheduler.
pub fn spawn<F, T>(closure: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let shared = context::local(|local| local.shared.clone());
    shared.expect("spawn() needs a coroutine around it; on a plain thread, use Scheduler::spawn").spawn(closure)
}
