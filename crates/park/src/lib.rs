//! How anything in Millrace sleeps and is woken.
//!
//! A thread, a coroutine, the reactor's loop and a JavaScript event loop all wait in the same way. What they wait
//! for is a *sequence*: a number in shared memory that only grows. Beside every sequence stands a word of
//! [`Sleepers`], one bit a waiter; behind every bit stands a [`std::task::Waker`] in a [`WakerTable`].
//! The protocol is an eventcount (Vyukov's, as in folly and rayon) whose count is the sequence itself:
//!
//! ```text
//!   waiter                                 whoever advances the sequence
//!   W1  sleepers |= my bit      (SeqCst)   A1  sequence = next            (SeqCst)
//!   W2  look at the sequence    (SeqCst)   A2  look at sleepers           (SeqCst)
//!   W3  still behind: sleep                A3  not zero: sleepers = 0, wake each bit taken
//! ```
//!
//! # States of a waiter
//! *Awake* (bit clear) → *armed* (bit set, W1) → *asleep* (W3) → *awake*, by the waker that took the bit, or by the
//! waiter itself, which clears its bit when W2 shows that nothing is missing. A wake that finds its waiter awake
//! already is harmless: every sleep is a loop around W1 to W3.
//!
//! # Memory ordering
//! W1 before W2 and A1 before A2 is Dekker's handshake: one of the two sides must see the other. Acquire and
//! release do not give that, because they let a store pass a later load of another address, on x86 through the
//! store buffer and on arm64 by the model; so all four are sequentially consistent. When A2 sees no bit, W2 comes
//! later in the single order of such accesses and sees the new sequence. What the advancing side wrote before A1
//! is visible to who reads the sequence, because a SeqCst store releases and a SeqCst load acquires.
//!
//! [`SleepFlag`] is the same for one sleeper with queues of its own in place of a sequence. There both sides use a
//! read-modify-write on the one flag, whose modification order alone decides who came first; acquire and release
//! then suffice.
//!
//! # Who may touch memory that JavaScript owns
//! A [`Region`] is a block of shared memory that belongs to JavaScript. It is good while an environment is attached to
//! it; native threads reach it only inside a short [`Turn`]. A [`Doorbell`] reaches an event loop only while that
//! loop's environment is attached. Detaching waits for the turn or the ring under way, and for nothing longer.

#![deny(rustdoc::broken_intra_doc_links)]

mod barrier;
mod crowd;
mod doorbell;
mod failure;
mod flag;
mod region;
mod registry;
mod sleeper;
mod sleepers;
pub mod sync;

pub use barrier::Barrier;
pub use crowd::Crowd;
pub use doorbell::{Bell, Doorbell, SOURCES};
pub use failure::Failure;
pub use flag::SleepFlag;
pub use region::{CLOSERS, Region, Turn};
pub use registry::{AttachError, Registry};
pub use sleeper::{Sleeper, ThreadSleeper};
pub use sleepers::{Sleepers, WAITERS, WakerTable};
