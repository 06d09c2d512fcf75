//! Sleep against wake: no wake-up is lost, for a sequence, for a close, for a flag.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;
use millrace_park::{SleepFlag, Sleepers, WakerTable, sync::seqcst};
use std::task::{Wake, Waker};

struct Unpark(loom::thread::Thread);

impl Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

fn current_waker() -> Waker {
    std::sync::Arc::new(Unpark(thread::current())).into()
}

struct Shared {
    sequence: AtomicU32,
    closed: AtomicU32,
    sleepers: Sleepers,
    wakers: WakerTable,
}

/// Waits until the sequence passes `behind` or the ring is closed; the sequence then.
fn wait(shared: &Shared, bit: u32, behind: u32) -> u32 {
    shared.wakers.set(bit, current_waker());
    loop {
        shared.sleepers.arm(bit);
        let sequence = seqcst::load(&shared.sequence);
        if sequence != behind || seqcst::load(&shared.closed) != 0 {
            shared.sleepers.disarm(bit);
            return seqcst::load(&shared.sequence);
        }
        thread::park();
    }
}

fn shared() -> Arc<Shared> {
    Arc::new(Shared {
        sequence: AtomicU32::new(0),
        closed: AtomicU32::new(0),
        sleepers: Sleepers::new(),
        wakers: WakerTable::new(),
    })
}

#[test]
fn a_waiter_sees_every_advance_it_waits_for() {
    loom::model(|| {
        let shared = shared();
        let publisher = shared.clone();
        let handle = thread::spawn(move || {
            for next in 1..=2 {
                seqcst::store(&publisher.sequence, next);
                publisher.wakers.wake(publisher.sleepers.take());
            }
        });
        let mut seen = 0;
        while seen != 2 {
            seen = wait(&shared, 3, seen);
        }
        handle.join().unwrap();
    });
}

#[test]
fn two_waiters_on_one_sequence_are_both_woken() {
    loom::model(|| {
        let shared = shared();
        let other = shared.clone();
        let waiter = thread::spawn(move || assert_eq!(wait(&other, 1, 0), 1));
        let publisher = shared.clone();
        let handle = thread::spawn(move || {
            seqcst::store(&publisher.sequence, 1);
            publisher.wakers.wake(publisher.sleepers.take());
        });
        assert_eq!(wait(&shared, 0, 0), 1);
        waiter.join().unwrap();
        handle.join().unwrap();
    });
}

#[test]
fn a_close_reaches_a_waiter_that_is_about_to_sleep() {
    loom::model(|| {
        let shared = shared();
        let closer = shared.clone();
        let handle = thread::spawn(move || {
            seqcst::store(&closer.closed, 1);
            closer.wakers.wake(closer.sleepers.take());
        });
        assert_eq!(wait(&shared, 0, 0), 0);
        handle.join().unwrap();
    });
}

#[test]
fn a_flag_never_loses_what_was_queued_before_the_wake() {
    loom::model(|| {
        struct Loop {
            flag: SleepFlag,
            queued: AtomicBool,
        }
        let shared = Arc::new(Loop { flag: SleepFlag::new(), queued: AtomicBool::new(false) });
        let waker = shared.clone();
        let owner = thread::current();
        let handle = thread::spawn(move || {
            waker.queued.store(true, Ordering::Relaxed);
            waker.flag.wake(|| owner.unpark());
        });
        loop {
            shared.flag.prepare();
            if shared.queued.load(Ordering::Relaxed) {
                shared.flag.awake();
                break;
            }
            thread::park();
            shared.flag.awake();
        }
        handle.join().unwrap();
    });
}
