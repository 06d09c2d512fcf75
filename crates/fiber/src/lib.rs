//! Stackful coroutines, many on a few native threads.
//!
//! Code that waits is written as if it had a thread to itself: it calls [`park`], [`sleep`], or the `join` of another
//! coroutine, and the worker beneath goes on with somebody else. What waits through the `park` crate waits in a
//! coroutine as well: [`current_sleeper`] finds the right way to sleep.
//!
//! # Algorithm
//! Each worker is a native thread with four sources of work, looked at in this order, and a bound on what it takes from
//! the second and the third in one round, so that none starves:
//!
//! ```text
//!              other threads                 spawn outside          spawn inside
//!                    │ unpark                      │                     │
//!                    ▼                             ▼                     ▼
//!   1 inbox (Treiber stack) ─┐          3 injector (shared)   3 own deque ◀──── stolen by
//!   1 timers (tree) ─────────┤                     │                     │      other workers
//!                            ▼                     └──────────┬──────────┘
//!   2 ready queue (own, FIFO) ───▶ turn ◀── first turn, stack ┘
//!          ▲                        │
//!          └── yield, local unpark ─┘          4 nothing: steal from others, else sleep
//! ```
//!
//! Queues of coroutines that have not started are work-stealing deques (Chase and Lev, SPAA 2005) with a shared
//! injector, as in rayon, tokio and Go. **A coroutine that has started stays on its worker.** Its frames may hold the
//! address of a thread-local: the compiler computes it once and keeps it, because Rust knows no way to change threads
//! in the middle of a function. Resumed elsewhere, such a frame would write another thread's variable, without a data
//! race that anything reports; and what is on the stack need not be `Send`. Nothing in the language forbids such
//! frames; where coroutines migrate, their authors have to know. So stealing moves closures, which are `Send` by
//! `spawn`'s bound, and never stacks. The price is that one worker's started coroutines cannot be spread again.
//!
//! Wakes from other threads therefore go to one place, the inbox of the coroutine's worker, and the system call is made
//! only when that worker sleeps (`millrace_park::SleepFlag`). Expired timers put their coroutine into the ready queue
//! and run nothing themselves.
//!
//! # States of a coroutine
//! *Ready*, *Running*, *Parked*, *Notified*, *Done*: `protocol/state.rs` draws them. Token semantics as in
//! [`std::thread::park`]: an unpark before the park makes it return at once. A yield changes no state: the coroutine
//! goes to the end of its worker's queue as *Running*, and the word is not touched.
//!
//! Unlike where coroutines migrate, *Parked* may be set before the stack is left: whoever unparks it only queues it at
//! the worker it still runs on, which cannot look at that queue before the switch is done.
//!
//! # Memory ordering
//! | store | load | without it |
//! |---|---|---|
//! | `unpark`: exchange to *Notified*, release | `park`, `resume`: exchange to *Running*, acquire | the coroutine misses what it was woken for |
//! | `park`: exchange to *Parked*, release | `unpark`: exchange, acquire | the waker reads a slot that is not set yet |
//! | `Inbox::push`: exchange of the head, release | `Inbox::take`: swap, acquire | the worker follows a link that is not written yet |
//! | push, then `SleepFlag::wake`: swap | `SleepFlag::prepare`: swap, then looks at the inbox | the worker sleeps on a full inbox |
//! | spawn: push, fence, look at the idle bits | worker: idle bit, fence, look at the queues | new work lies while its only free worker sleeps |
//! | `Completion::finish`: swap, release | `is_done`: load, acquire | the joiner reads half a result |
//! | spawn: push, fence, look at `closed` | shutdown: `closed`, fence, look at the injector | a join that never returns |
//!
//! The first six are modelled with loom in `tests/loom_*.rs`, on the very types the scheduler uses.
//!
//! # What a coroutine has to know
//! - Thread-locals are sound, but other coroutines of the same worker see and change them between two turns. A
//!   `std::sync::MutexGuard` held across a suspension blocks the whole worker as soon as another coroutine locks.
//! - [`std::thread::panicking`] is such a thread-local: it says true for all coroutines of a worker while one of them
//!   waits in a destructor that an unwind runs.
//! - A call that blocks the thread blocks its worker; what has not started is stolen from it meanwhile.
//! - The guard below each stack turns an overflow into the death of the process. No signal handler says which coroutine
//!   it was: signals belong to the host.

#![deny(rustdoc::broken_intra_doc_links)]

mod cancel;
mod config;
mod context;
mod coroutine;
mod home;
mod job;
mod join;
#[doc(hidden)]
pub mod protocol;
mod scheduler;
mod sleeper;
mod slots;
mod stack;
mod stats;
mod suspend;
mod thread;
mod timer;
mod worker;

pub use cancel::Cancelled;
pub use config::Config;
pub use coroutine::Coroutine;
pub use join::JoinHandle;
pub use scheduler::{Scheduler, spawn};
pub use sleeper::{CoroutineSleeper, CurrentSleeper, current_sleeper};
pub use stack::StackError;
pub use stats::Stats;
pub use suspend::{current, park, park_timeout, sleep, yield_now};

/// The guide: its programs run as doc tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/fiber.md")]
mod guide {}
