//! Park against unpark, and the end against the joiner.
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use loom::thread;
use millrace_fiber::protocol::{Completion, ParkState, Resumed};
use millrace_park::sync::seqcst;

/// A coroutine and the worker's queue, in which it may stand once.
struct Model {
    state: ParkState,
    queued: AtomicU32,
    worker: thread::Thread,
    message: AtomicU32,
    /// Written by the owner before it parks, for whoever unparks it.
    slot: AtomicU32,
}

/// Three threads: every schedule with up to three preemptions, which is where such protocols break.
fn model_of_three(body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(body);
}

impl Model {
    fn new() -> Arc<Self> {
        let model = Self {
            state: ParkState::new(),
            queued: AtomicU32::new(0),
            worker: thread::current(),
            message: AtomicU32::new(0),
            slot: AtomicU32::new(0),
        };
        model.state.start();
        Arc::new(model)
    }

    fn unpark(&self) {
        if self.state.unpark() {
            assert_eq!(self.slot.load(Relaxed), 1, "unparked before its slot is seen");
            assert_eq!(self.queued.fetch_add(1, Relaxed), 0, "queued twice");
            self.worker.unpark();
        }
    }

    /// The worker's side: blocks until the coroutine is queued, takes it and gives it a turn.
    fn turn(&self) -> Resumed {
        while self.queued.compare_exchange(1, 0, Relaxed, Relaxed).is_err() {
            thread::park();
        }
        self.state.resume()
    }

    /// Suspends until queued, as the worker does.
    fn park(&self) -> bool {
        self.slot.store(1, Relaxed);
        if !self.state.park() {
            return true;
        }
        self.turn() == Resumed::Notified
    }
}

#[test]
fn what_was_written_before_the_unpark_is_seen_after_the_park() {
    loom::model(|| {
        let model = Model::new();
        let waker = model.clone();
        let handle = thread::spawn(move || {
            waker.message.store(1, Relaxed);
            waker.unpark();
        });
        assert!(model.park());
        assert_eq!(model.message.load(Relaxed), 1);
        handle.join().unwrap();
    });
}

#[test]
fn two_wakers_queue_a_coroutine_once_and_neither_message_is_lost() {
    model_of_three(|| {
        let model = Model::new();
        let wakers: Vec<_> = (0..2)
            .map(|bit| {
                let waker = model.clone();
                thread::spawn(move || {
                    waker.message.fetch_or(1 << bit, Relaxed);
                    waker.unpark();
                })
            })
            .collect();
        while model.message.load(Relaxed) != 3 {
            assert!(model.park());
        }
        for waker in wakers {
            waker.join().unwrap();
        }
    });
}

#[test]
fn a_deadline_against_an_unpark_queues_once_and_keeps_the_token() {
    loom::model(|| {
        let model = Model::new();
        let waker = model.clone();
        let handle = thread::spawn(move || waker.unpark());
        // The owner parks, and the deadline passes at once.
        model.slot.store(1, Relaxed);
        let notified = if model.state.park() {
            if model.state.expire() {
                assert_eq!(model.queued.fetch_add(1, Relaxed), 0, "queued twice");
            }
            model.turn() == Resumed::Notified
        } else {
            true
        };
        // A token that did not end this park ends the next one.
        if !notified {
            assert!(model.park());
        }
        handle.join().unwrap();
        assert_eq!(model.queued.load(Relaxed), 0);
    });
}

#[test]
fn an_unpark_of_a_coroutine_that_ends_queues_nothing() {
    loom::model(|| {
        let model = Model::new();
        let waker = model.clone();
        let handle = thread::spawn(move || waker.unpark());
        model.state.finish();
        handle.join().unwrap();
        assert_eq!(model.queued.load(Relaxed), 0);
        assert!(!model.state.unpark());
    });
}

#[test]
fn a_cancel_is_seen_by_whoever_takes_its_token() {
    model_of_three(|| {
        let model = Model::new();
        let cancelled = Arc::new(AtomicBool::new(false));
        let (waker, flag) = (model.clone(), cancelled.clone());
        let canceller = thread::spawn(move || {
            flag.store(true, Relaxed);
            waker.unpark();
        });
        let other = model.clone();
        let other = thread::spawn(move || other.unpark());
        while !cancelled.load(Relaxed) {
            assert!(model.park());
        }
        canceller.join().unwrap();
        other.join().unwrap();
    });
}

struct Joined {
    completion: Completion,
    result: UnsafeCell<u32>,
    waker: UnsafeCell<u32>,
    woken: AtomicU32,
}

// SAFETY: this is what the model checks: loom's cells report two who touch one at a time.
unsafe impl Sync for Joined {}

#[test]
fn the_result_reaches_the_joiner_and_its_waker_the_coroutine() {
    loom::model(|| {
        let joined = Arc::new(Joined {
            completion: Completion::new(),
            result: UnsafeCell::new(0),
            waker: UnsafeCell::new(0),
            woken: AtomicU32::new(0),
        });
        let (coroutine, joiner) = (joined.clone(), thread::current());
        let handle = thread::spawn(move || {
            // SAFETY: not finished yet: the joiner does not look.
            coroutine.result.with_mut(|result| unsafe { *result = 7 });
            if coroutine.completion.finish() {
                // SAFETY: `finish` said that the joiner has left it to us.
                let waker = coroutine.waker.with(|waker| unsafe { *waker });
                assert_eq!(waker, 1);
                seqcst::store(&coroutine.woken, waker);
                joiner.unpark();
            }
        });
        if !joined.completion.is_done() {
            // SAFETY: the only joiner, before `wait`.
            joined.waker.with_mut(|waker| unsafe { *waker = 1 });
            if joined.completion.wait() {
                while seqcst::load(&joined.woken) == 0 {
                    thread::park();
                }
                assert!(joined.completion.is_done());
            }
        }
        // SAFETY: done, so the coroutine has let go of it.
        assert_eq!(joined.result.with(|result| unsafe { *result }), 7);
        handle.join().unwrap();
    });
}
