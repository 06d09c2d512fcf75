//! Workers that share a stage: each event goes to one of them, and what one leaves comes to the others.
#![cfg(not(loom))]

use millrace_ring::typed::{
    Adaptive, Block, Builder, ExclusiveError, OnError, Owned, Ran, Ring, Spin, Stage, Stopped, WaitStrategy, Worker,
    Yield,
};
use millrace_ring::{ClaimError, Config, ConfigError, GraphError, OpenError, Seats, Waited};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// The wrap comes soon.
const START: u32 = u32::MAX - 1000;
const EVENTS: u64 = 10_000;

/// An event, and how often a worker had it.
#[derive(Debug, Default)]
struct Job {
    n: u64,
    times: AtomicU32,
}

fn jobs<W: WaitStrategy>(strategy: W, workers: u32) -> Ring<Job, W> {
    let builder = Builder::new(64).wait(strategy).start(START).workers("work", &[], workers);
    builder.stage("behind", &["work"]).create(Job::default).unwrap()
}

fn publish<W: WaitStrategy>(ring: &Ring<Job, W>) {
    let mut out = ring.producer().unwrap();
    for n in 0..EVENTS {
        out.publish(|job| *job = Job { n, times: AtomicU32::new(0) }).unwrap();
    }
    ring.close();
}

/// What the stage behind sees: every event in order, had by one worker.
fn follow<W: WaitStrategy>(ring: &Ring<Job, W>) -> u64 {
    let mut next = 0;
    ring.consumer("behind").unwrap().run(|job, sequence, _| {
        assert_eq!((job.n, sequence), (next, u64::from(START) + next));
        assert_eq!(job.times.load(Relaxed), 1);
        next += 1;
    });
    next
}

fn each_event_goes_to_one_worker<W: WaitStrategy>(strategy: W, workers: u32) {
    let ring = jobs(strategy, workers);
    thread::scope(|scope| {
        let working: Vec<_> = (0..workers)
            .map(|_| {
                let mut worker = ring.worker("work").unwrap();
                scope.spawn(move || {
                    let mut count = 0;
                    worker.run(|job, sequence, _| {
                        assert_eq!(sequence, u64::from(START) + job.n);
                        job.times.fetch_add(1, Relaxed);
                        count += 1;
                    });
                    count
                })
            })
            .collect();
        let following = scope.spawn(|| follow(&ring));
        publish(&ring);
        let counts: u64 = working.into_iter().map(|worker| worker.join().unwrap()).sum();
        assert_eq!((counts, following.join().unwrap()), (EVENTS, EVENTS));
    });
    let stage = &ring.stats().stages[0];
    assert_eq!((stage.lag, stage.sequence), (0, u64::from(START) + EVENTS));
    assert!(stage.batches > 0);
}

#[test]
fn each_event_goes_to_one_of_three_workers_that_sleep() {
    each_event_goes_to_one_worker(Block, 3);
}

#[test]
fn each_event_goes_to_one_of_two_adaptive_workers() {
    each_event_goes_to_one_worker(Adaptive::default(), 2);
}

#[test]
fn each_event_goes_to_one_of_two_workers_that_yield() {
    each_event_goes_to_one_worker(Yield, 2);
}

#[test]
fn a_stage_with_one_worker_is_one_like_others() {
    each_event_goes_to_one_worker(Spin, 1);
}

#[test]
fn what_a_panicking_worker_leaves_comes_to_the_others() {
    let ring = jobs(Block, 4);
    thread::scope(|scope| {
        for dying in 0..4 {
            let ring = &ring;
            scope.spawn(move || {
                // Each dies some times, and is opened again; the last one of each stays.
                for lives in (0..if dying == 0 { 1 } else { 100 }).rev() {
                    let mut worker = ring.worker("work").unwrap();
                    let mut left = if lives == 0 { u64::MAX } else { 50 };
                    let run = AssertUnwindSafe(|| {
                        worker.run(|job, _, _| {
                            if left == 0 {
                                std::panic::resume_unwind(Box::new(()));
                            }
                            left -= 1;
                            job.times.store(1, Relaxed);
                        });
                    });
                    if catch_unwind(run).is_ok() {
                        break;
                    }
                }
            });
        }
        let following = scope.spawn(|| follow(&ring));
        publish(&ring);
        assert_eq!(following.join().unwrap(), EVENTS);
    });
}

#[test]
fn a_batch_whose_handler_panicked_is_still_the_workers() {
    let ring = jobs(Block, 2);
    let mut worker = ring.worker("work").unwrap();
    ring.producer().unwrap().try_publish_many(3, |at, job| job.n = at.into()).unwrap();
    let take = AssertUnwindSafe(|| worker.poll(2, |_, _, _| std::panic::resume_unwind(Box::new(()))));
    assert!(catch_unwind(take).is_err());
    let mut seen = Vec::new();
    worker.poll(1, |job, _, last| seen.push((job.n, last)));
    worker.poll(8, |job, _, last| seen.push((job.n, last)));
    worker.poll(8, |job, _, last| seen.push((job.n, last)));
    assert_eq!(seen, [(0, true), (1, true), (2, true)]);
}

#[test]
fn a_slow_worker_holds_only_the_stages_sequence_back() {
    let ring = jobs(Block, 2);
    ring.producer().unwrap().try_publish_many(64, |at, job| job.n = at.into()).unwrap();
    let (mut slow, mut fast) = (ring.worker("work").unwrap(), ring.worker("work").unwrap());
    slow.poll(1, |job, _, _| {
        assert_eq!(job.n, 0);
        let mut seen = 0;
        while fast.poll(u32::MAX, |_, _, _| seen += 1) > 0 {}
        assert_eq!(seen, 63);
        assert_eq!(ring.stats().stages[0].lag, 64);
    });
    assert_eq!(ring.stats().stages[0].lag, 0);
}

#[test]
fn what_producers_gave_up_is_no_workers() {
    let builder = Builder::new(64).wait(Block).start(START).multi(2).workers("work", &[], 3);
    let ring = builder.stage("behind", &["work"]).create(|| 0u64).unwrap();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let mut worker = ring.worker("work").unwrap();
                scope.spawn(move || {
                    let mut sum = 0;
                    worker.run(|n, _, _| sum += *n);
                    sum
                })
            })
            .collect();
        let following = scope.spawn(|| {
            let mut sum = 0;
            ring.consumer("behind").unwrap().run(|n, _, _| sum += *n);
            sum
        });
        let producers: Vec<_> = (0..2)
            .map(|_| {
                let mut out = ring.producer().unwrap();
                scope.spawn(move || {
                    for n in 1..=5000 {
                        let claim = loop {
                            match out.try_claim(2) {
                                Ok(claim) => break claim,
                                Err(_) => thread::yield_now(),
                            }
                        };
                        let mut claim = claim;
                        (claim[0], claim[1]) = (n, u64::MAX >> 20);
                        if n % 3 == 0 { drop(claim) } else { claim.commit_first(1) }
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.join().unwrap();
        }
        ring.close();
        let published: u64 = 2 * (1..=5000u64).filter(|n| n % 3 != 0).sum::<u64>();
        let taken: u64 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        assert_eq!((taken, following.join().unwrap()), (published, published));
    });
}

#[test]
fn a_worker_waits_for_the_end_of_the_whole_stage() {
    let ring = jobs(Block, 2);
    ring.producer().unwrap().try_publish_many(1, |_, _| ()).unwrap();
    ring.close();
    let (mut one, mut other) = (ring.worker("work").unwrap(), ring.worker("work").unwrap());
    one.poll(1, |_, _, _| assert_eq!(other.wait(Some(std::time::Duration::ZERO)), Waited::TimedOut));
    assert_eq!((one.wait(None), other.wait(None)), (Waited::Ended, Waited::Ended));
}

#[test]
fn a_failed_ring_gives_what_is_ready_and_not_what_a_worker_left() {
    let ring = jobs(Block, 2);
    ring.producer().unwrap().try_publish_many(4, |at, job| job.n = at.into()).unwrap();
    let (mut failing, mut other) = (ring.worker("work").unwrap(), ring.worker("work").unwrap());
    let fail = AssertUnwindSafe(|| failing.poll(1, |_, _, _| std::panic::resume_unwind(Box::new(()))));
    assert!(catch_unwind(fail).is_err());
    ring.fail("work", "it panicked");
    drop(failing);
    let mut seen = Vec::new();
    other.run(|job, _, _| seen.push(job.n));
    assert_eq!(seen, [1, 2, 3]);
    assert_eq!(ring.stats().stages[0].lag, 4);
}

#[test]
fn a_stage_is_opened_by_as_many_workers_as_it_has_and_by_no_other() {
    let ring = jobs(Block, 2);
    let one = ring.worker("work").unwrap();
    let _other = ring.worker("work").unwrap();
    assert_eq!(ring.worker("work").unwrap_err(), OpenError::Taken);
    drop(one);
    ring.worker("work").unwrap();
    assert_eq!(ring.consumer("work").unwrap_err(), OpenError::Shared);
    assert_eq!(ring.exclusive_consumer("work").unwrap_err(), ExclusiveError::Open(OpenError::Shared));
    assert_eq!(ring.worker("behind").unwrap_err(), OpenError::Shared);
    assert_eq!(ring.worker("nobody").unwrap_err(), OpenError::Stage);
    let untyped = millrace_ring::Ring::create(Config::new(4, 4).workers("work", &[], 1)).unwrap();
    assert_eq!(untyped.consumer("work", 1).unwrap_err(), OpenError::Shared);
    // SAFETY: nobody works with its seats.
    assert_eq!(unsafe { Seats::of(untyped) }.take_worker(7, 1), Err(OpenError::Stage));
}

#[test]
fn stages_and_workers_have_31_places() {
    let create = |config: Config| millrace_ring::Ring::create(config).map(drop).unwrap_err();
    let config = || Config::new(4, 4);
    for got in [0, 31] {
        let error = GraphError::Workers("work".into(), got);
        assert_eq!(create(config().workers("work", &[], got)), ConfigError::Graph(error));
    }
    let full = config().workers("a", &[], 14).workers("b", &[], 15);
    millrace_ring::Ring::create(full.clone()).unwrap();
    assert_eq!(create(full.stage("c", &[])), ConfigError::Graph(GraphError::Seats(32)));
}

enum Work {}

impl Stage for Work {
    const NAME: &'static str = "work";
}

#[test]
fn what_workers_own_is_seen_by_the_stage_behind_them() {
    let builder = Builder::new(64).wait(Block).start(START).workers("work", &[], 3);
    let ring = builder.stage("behind", &["work"]).create(Owned::<Work, u64>::default).unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            let mut worker = ring.worker_of::<Work>().unwrap();
            scope.spawn(move || worker.run(|number, writer, sequence, _| number.set(writer, sequence)));
        }
        let following = scope.spawn(|| {
            let mut count = 0;
            ring.consumer("behind").unwrap().run(|number, sequence, _| {
                assert_eq!(number.get(), sequence);
                count += 1;
            });
            count
        });
        let mut out = ring.producer().unwrap();
        (0..EVENTS).for_each(|_| out.publish(|number| number.reset(0)).unwrap());
        ring.close();
        assert_eq!(following.join().unwrap(), EVENTS);
    });
    assert_eq!(ring.worker_of::<Work>().unwrap().wait(None), Waited::Ended);
}

/// Two workers, and events 0 to 7 of which each can take four at a time.
fn two_with_eight() -> (Ring<Job, Block>, Worker<Job, Block>, Worker<Job, Block>) {
    let ring = jobs(Block, 2);
    ring.producer().unwrap().try_publish_many(8, |at, job| job.n = at.into()).unwrap();
    let [one, other] = [(); 2].map(|()| ring.worker("work").unwrap());
    (ring, one, other)
}

fn fail_on(bad: u64) -> impl FnMut(&Job, u64, bool) -> Result<(), u64> {
    move |job, sequence, _| if job.n == bad { Err(sequence) } else { Ok(()) }
}

#[test]
fn a_worker_that_stops_fails_the_ring_and_keeps_what_it_did_not_do() {
    let (ring, mut failing, mut other) = two_with_eight();
    let stopped = failing.run_fallible(OnError::Stop, fail_on(2)).unwrap_err();
    let number = u64::from(START) + 2;
    let ran = Ran { consumed: 2, skipped: 0, retries: 0 };
    assert_eq!(stopped, Stopped { error: number, sequence: number, ran });
    assert_eq!(ring.producer().unwrap().try_publish(|_| ()), Err(ClaimError::Failed));
    assert_eq!(ring.failure().unwrap().part, "work");
    drop(failing);
    let mut seen = Vec::new();
    other.run(|job, _, _| seen.push(job.n));
    assert_eq!(seen, [4, 5, 6, 7]);
    let mut behind = Vec::new();
    ring.consumer("behind").unwrap().run(|job, _, _| behind.push(job.n));
    assert_eq!(behind, [0, 1]);
}

#[test]
fn workers_that_skip_are_counted_together() {
    let (ring, mut one, mut other) = two_with_eight();
    other.poll(1, |job, _, _| assert_eq!(job.n, 0));
    ring.close();
    let other = thread::spawn(move || other.run_fallible(OnError::Skip, |_, _, _| Err::<(), _>("no")).unwrap());
    let one = one.run_fallible(OnError::Skip, |_, _, _| Err::<(), _>("no")).unwrap();
    let skipped = one.skipped + other.join().unwrap().skipped;
    let stage = &ring.stats().stages[0];
    assert_eq!((skipped, stage.skipped, stage.lag), (7, 7, 0));
}

#[test]
fn a_worker_begins_its_own_batch_again() {
    let (ring, mut retrying, mut other) = two_with_eight();
    ring.close();
    let (mut seen, mut failures) = (Vec::new(), 2);
    let retry = OnError::Retry { attempts: 3, backoff: Duration::ZERO };
    let ran = retrying.run_fallible(retry, |job, _, _| {
        seen.push(job.n);
        match job.n {
            2 if failures > 0 => {
                failures -= 1;
                return Err("no");
            }
            // The other one's share, so that this one's is the first batch alone.
            3 => while other.poll(u32::MAX, |_, _, _| ()) > 0 {},
            _ => (),
        }
        Ok(())
    });
    assert_eq!(ran, Ok(Ran { consumed: 4, skipped: 0, retries: 2 }));
    assert_eq!(seen, [0, 1, 2, 0, 1, 2, 0, 1, 2, 3]);
    assert_eq!((ring.stats().stages[0].retries, ring.stats().stages[0].lag), (2, 0));
}
