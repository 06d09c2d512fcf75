//! A worker's sleep against wakes from other threads and against new work.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use loom::thread;
use millrace_fiber::protocol::{Idle, Inbox};
use millrace_park::SleepFlag;

struct Worker {
    inbox: Inbox,
    links: [AtomicU32; 2],
    flag: SleepFlag,
    idle: Idle,
    /// A queue of new coroutines that promises release and acquire only.
    queue: AtomicU32,
}

impl Worker {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inbox: Inbox::new(),
            links: [AtomicU32::new(0), AtomicU32::new(0)],
            flag: SleepFlag::new(),
            idle: Idle::new(1),
            queue: AtomicU32::new(0),
        })
    }

    /// Blocks until the inbox or the queue has something.
    fn sleep(&self) {
        self.idle.arm(0);
        self.flag.prepare();
        if self.inbox.is_empty() && self.queue.load(Acquire) == 0 {
            thread::park();
        }
        self.flag.awake();
        self.idle.disarm(0);
    }

    /// Takes the inbox in the order it gives; the slots as bits.
    fn take(&self) -> u32 {
        let mut taken = 0;
        self.inbox.take(|slot| {
            assert_eq!(taken & 1 << slot, 0, "delivered twice");
            taken |= 1 << slot;
            self.links[slot as usize].load(Relaxed)
        });
        taken
    }
}

#[test]
fn every_remote_unpark_reaches_a_worker_that_falls_asleep() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let worker = Worker::new();
        let thread = thread::current();
        let wakers: Vec<_> = (0..2)
            .map(|slot: u32| {
                let (worker, thread) = (worker.clone(), thread.clone());
                loom::thread::spawn(move || {
                    worker.inbox.push(slot, &worker.links[slot as usize]);
                    worker.flag.wake(|| thread.unpark());
                })
            })
            .collect();
        let mut taken = 0;
        while taken != 0b11 {
            let more = worker.take();
            taken |= more;
            if more == 0 {
                worker.sleep();
            }
        }
        for waker in wakers {
            waker.join().unwrap();
        }
        assert!(worker.inbox.is_empty());
    });
}

#[test]
fn new_work_wakes_a_worker_that_falls_asleep() {
    loom::model(|| {
        let worker = Worker::new();
        let thread = thread::current();
        let spawner = worker.clone();
        let handle = loom::thread::spawn(move || {
            spawner.queue.store(1, Release);
            if spawner.idle.take() == Some(0) {
                spawner.flag.wake(|| thread.unpark());
            }
        });
        while worker.queue.load(Acquire) == 0 {
            worker.sleep();
        }
        handle.join().unwrap();
    });
}

#[test]
fn one_sleeper_is_taken_by_one_spawner() {
    loom::model(|| {
        let idle = Arc::new(Idle::new(1));
        idle.arm(0);
        let other = idle.clone();
        let handle = loom::thread::spawn(move || other.take().is_some());
        let here = idle.take().is_some();
        assert!(here ^ handle.join().unwrap());
    });
}
