//! Workers of one stage against each other, against the stage behind them, and against the death of one: every event is
//! finished once, the stage's sequence never passes one that is not, and reaches the end.
#![cfg(loom)]

use loom::sync::atomic::{AtomicU32, Ordering::Relaxed};
use loom::thread;
use millrace_park::ThreadSleeper;
use millrace_ring::typed::{Block, Builder};
use millrace_ring::{Config, Failed, Ring, Seats, Wait};
use std::sync::Arc;

/// The wrap comes within the events.
const START: u32 = u32::MAX;
const EVENTS: u32 = 3;

fn bounded(preemptions: usize, check: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(check);
}

/// A ring with events for two workers, and what became of these.
struct Shared {
    ring: Seats,
    handed: [AtomicU32; EVENTS as usize],
    finished: [AtomicU32; EVENTS as usize],
}

impl Shared {
    fn new() -> Arc<Self> {
        // Records of a granule each, so that an event is a sequence.
        let config = Config::bytes(128).wait(Wait::Block).start(START);
        let ring = Ring::create_bytes(config.workers("work", &[], 2).stage("behind", &["work"]), 0).unwrap();
        let mut out = ring.byte_producer(9).unwrap();
        (0..EVENTS).for_each(|_| out.try_push(|_| (), &[]).unwrap());
        drop(out);
        // SAFETY: a thread has a seat to itself, and it is given back for the thread when that has ended.
        let ring = unsafe { Seats::of(ring) };
        let counts = || std::array::from_fn(|_| AtomicU32::new(0));
        Arc::new(Self { ring, handed: counts(), finished: counts() })
    }

    fn event(sequence: u32) -> usize {
        sequence.wrapping_sub(START) as usize
    }

    /// Does all that is ready.
    fn work(&self, seat: u32, most: u32) {
        while let Some((start, n)) = self.ring.claim_work(seat, most) {
            self.hand(start, n);
            self.finish(seat, start, n);
        }
    }

    fn hand(&self, start: u32, n: u32) {
        for at in 0..n {
            self.handed[Self::event(start.wrapping_add(at))].fetch_add(1, Relaxed);
        }
    }

    fn finish(&self, seat: u32, start: u32, n: u32) {
        for at in 0..n {
            self.finished[Self::event(start.wrapping_add(at))].fetch_add(1, Relaxed);
        }
        self.ring.finish_work(seat, start.wrapping_add(n));
    }

    /// What the stage behind is handed is finished; gives its number.
    fn follow(&self) -> u32 {
        let mut behind = self.ring.byte_consumer("behind", 9).unwrap();
        let finished = |sequence| self.finished[Self::event(sequence)].load(Relaxed);
        behind.poll(u32::MAX, |record| assert_eq!(finished(record.sequence), 1)).unwrap()
    }
}

/// One worker works and looks what comes to the stage behind, while the other does `other`.
fn beside(other: impl Fn(&Shared, u32) + Send + Sync + Copy + 'static, most: u32) {
    bounded(3, move || {
        let shared = Shared::new();
        let seat = shared.ring.take_worker(0, 1).unwrap();
        let thread = thread::spawn({
            let shared = shared.clone();
            move || {
                let seat = shared.ring.take_worker(0, 2).unwrap();
                other(&shared, seat);
            }
        });
        let mut seen = 0;
        while let Some((start, n)) = shared.ring.claim_work(seat, 2) {
            shared.hand(start, n);
            shared.finish(seat, start, n);
            seen += shared.follow();
        }
        thread.join().unwrap();
        shared.work(seat, 2);
        assert_eq!(seen + shared.follow(), EVENTS);
        for (handed, finished) in shared.handed.iter().zip(&shared.finished) {
            assert!((1..=most).contains(&handed.load(Relaxed)));
            assert_eq!(finished.load(Relaxed), 1);
        }
    });
}

#[test]
fn every_event_goes_to_one_worker_and_the_stage_follows() {
    beside(|shared, seat| shared.work(seat, 2), 1);
}

/// The other does `last` and dies; events come `most` times.
fn a_worker_dies(last: fn(&Shared, u32), most: u32) {
    let die = move |shared: &Shared, seat| {
        last(shared, seat);
        shared.ring.release_owner(2);
    };
    beside(die, most);
}

#[test]
fn a_worker_dies_before_its_claim() {
    a_worker_dies(|shared, seat| shared.ring.intend_work(seat, 2), 1);
}

#[test]
fn a_worker_dies_behind_its_claim() {
    let claim = |shared: &Shared, seat| {
        if let Some((start, n)) = shared.ring.claim_work(seat, 2) {
            shared.hand(start, n);
        }
    };
    a_worker_dies(claim, 2);
}

#[test]
fn a_worker_dies_in_the_middle_of_its_batch() {
    let begin = |shared: &Shared, seat| {
        if let Some((start, n)) = shared.ring.claim_work(seat, 2) {
            shared.hand(start, n);
            shared.finish(seat, start, 1);
        }
    };
    a_worker_dies(begin, 2);
}

#[test]
fn a_worker_that_waits_is_woken_for_what_another_leaves() {
    bounded(2, || {
        let ring = Builder::new(2).wait(Block).start(START).workers("work", &[], 2).create(|| 0).unwrap();
        ring.producer().unwrap().try_publish_many(2, |at, event| *event = at).unwrap();
        let (mut leaving, mut staying) = (ring.worker("work").unwrap(), ring.worker("work").unwrap());
        let leaving = thread::spawn(move || {
            let mut seen = 0;
            leaving.poll(1, |_, _, _| seen += 1);
            // One more is taken, and left.
            let take =
                std::panic::AssertUnwindSafe(|| leaving.poll(1, |_, _, _| std::panic::resume_unwind(Box::new(()))));
            let _ = std::panic::catch_unwind(take);
            seen
        });
        let staying = thread::spawn(move || {
            let mut seen = 0;
            staying.run(|_, _, _| seen += 1);
            seen
        });
        ring.close();
        assert_eq!(leaving.join().unwrap() + staying.join().unwrap(), 2);
        assert_eq!(ring.stats().stages[0].sequence, u64::from(START) + 2);
    });
}

#[test]
fn a_worker_of_records_that_waits_is_woken_for_what_another_leaves() {
    bounded(2, || {
        let config = Config::bytes(64).wait(Wait::Block).start(START).workers("work", &[], 2);
        let ring = Ring::create_bytes(config, 0).unwrap();
        let mut out = ring.byte_producer(9).unwrap();
        (0..2).for_each(|_| out.try_push(|_| (), &[]).unwrap());
        drop(out);
        let (mut leaving, mut staying) = (ring.byte_worker("work", 1).unwrap(), ring.byte_worker("work", 1).unwrap());
        let leaving = thread::spawn(move || {
            let done = leaving.poll(32, |_| ()).unwrap();
            // One more is taken, and left.
            leaving.try_poll(32, |_| Err(Failed::Stop)).unwrap();
            done
        });
        let staying = thread::spawn(move || {
            let mut done = 0;
            staying.run(&ThreadSleeper::current(), |_| done += 1);
            done
        });
        ring.close();
        assert_eq!(leaving.join().unwrap() + staying.join().unwrap(), 2);
        assert_eq!(ring.stats().unwrap().stages[0].sequence, u64::from(START) + 2);
    });
}

#[test]
fn what_two_workers_pass_over_at_the_same_time_comes_to_neither() {
    bounded(3, || {
        let config = Config::new(4, 4).wait(Wait::Block).multi(1).start(START);
        // SAFETY: a thread has a seat to itself.
        let ring = unsafe { Seats::of(Ring::create(config.workers("work", &[], 2)).unwrap()) };
        let (producer, seat) = (ring.take_producer(9).unwrap(), ring.take_worker(0, 1).unwrap());
        let give_one_up = move |ring: &Seats| {
            ring.claim(producer, 1).unwrap();
            ring.commit_claim(producer, 0).unwrap();
        };
        give_one_up(&ring);
        let other = thread::spawn({
            let ring = ring.clone();
            move || {
                // The one worker sees both, the other may have seen the first alone and be faster with that.
                give_one_up(&ring);
                let seat = ring.take_worker(0, 2).unwrap();
                assert_eq!(ring.claim_work(seat, 4), None);
            }
        });
        assert_eq!(ring.claim_work(seat, 4), None);
        other.join().unwrap();
    });
}

#[test]
fn a_worker_that_never_waits_gets_what_producers_left_to_publish() {
    bounded(3, || {
        let ring = Builder::new(4).wait(Block).multi(2).start(START).workers("work", &[], 1).create(|| 0).unwrap();
        let mut worker = ring.worker("work").unwrap();
        let producers = [1, 2].map(|value| {
            let ring = ring.clone();
            thread::spawn(move || ring.producer().unwrap().try_publish(|event| *event = value).unwrap())
        });
        for producer in producers {
            producer.join().unwrap();
        }
        let mut sum = 0;
        while worker.poll(u32::MAX, |value, _, _| sum += *value) > 0 {}
        assert_eq!(sum, 3);
    });
}
