//! A typed ring that is closed and waited for: all that was accepted is consumed or counted as abandoned.
#![cfg(not(loom))]

use millrace_ring::typed::{Adaptive, Block, Builder, Closed, OnError, Ring, Spin, WaitStrategy, Yield};
use millrace_ring::{ClaimError, JoinFrom};
use std::thread;
use std::time::{Duration, Instant};

/// The wrap comes soon.
const START: u32 = u32::MAX - 2;
const NOW: Option<Duration> = Some(Duration::ZERO);
/// Far longer than anything here takes.
const LONG: Option<Duration> = Some(Duration::from_secs(60));

fn closed(consumed: u64, abandoned: u64) -> Closed {
    Closed { consumed, abandoned }
}

fn pipeline<W: WaitStrategy>(wait: W) -> Ring<u32, W> {
    let graph = Builder::new(8).wait(wait).start(START).stage("first", &[]).stage("second", &["first"]);
    graph.create(|| 0).unwrap()
}

fn all_is_consumed<W: WaitStrategy>(wait: W) {
    let ring = pipeline(wait);
    thread::scope(|scope| {
        for stage in ["first", "second"] {
            let mut consumer = ring.consumer(stage).unwrap();
            scope.spawn(move || consumer.run(|_, _, _| thread::yield_now()));
        }
        let mut out = ring.producer().unwrap();
        (0..100).for_each(|n| out.publish(|event| *event = n).unwrap());
        assert_eq!(ring.close_within(LONG), closed(100, 0));
        assert_eq!(out.publish(|_| ()), Err(ClaimError::Closed));
    });
    assert_eq!(ring.stats().stages.iter().map(|stage| stage.lag).sum::<u32>(), 0);
    assert_eq!(ring.close_within(None), closed(100, 0), "again");
}

#[test]
fn a_close_returns_when_every_stage_has_consumed_all() {
    all_is_consumed(Block);
    all_is_consumed(Adaptive::default());
    all_is_consumed(Yield);
    all_is_consumed(Spin);
}

#[test]
fn what_a_stage_leaves_is_abandoned_when_the_time_is_up() {
    let ring = pipeline(Block);
    ring.producer().unwrap().try_publish_many(7, |_, _| ()).unwrap();
    let (mut first, mut second) = (ring.consumer("first").unwrap(), ring.consumer("second").unwrap());
    assert_eq!((first.poll(5, |_, _, _| ()), second.poll(3, |_, _, _| ())), (5, 3));
    let begin = Instant::now();
    assert_eq!(ring.close_within(Some(Duration::from_millis(20))), closed(3, 4));
    assert!(begin.elapsed() >= Duration::from_millis(20));
    assert_eq!(ring.close_within(NOW), closed(3, 4));
    first.run(|_, _, _| ());
    second.run(|_, _, _| ());
    assert_eq!(ring.close_within(None), closed(7, 0));
}

#[test]
fn workers_and_stages_that_joined_are_waited_for() {
    let ring = Builder::new(16).wait(Block).workers("work", &[], 2).create(|| 0).unwrap();
    ring.producer().unwrap().try_publish_many(10, |_, _| ()).unwrap();
    let mut watch = ring.join("watch", &["work"], JoinFrom::Oldest).unwrap();
    let mut worker = ring.worker("work").unwrap();
    assert_eq!(ring.close_within(NOW), closed(0, 10));
    thread::scope(|scope| {
        let closing = scope.spawn(|| ring.close_within(LONG));
        worker.run(|_, _, _| ());
        assert_eq!(watch.poll(4, |_, _, _| ()), 4);
        assert_eq!(ring.close_within(NOW), closed(4, 6));
        // It leaves, and what it has not consumed is nobody's affair any more.
        drop(watch);
        assert_eq!(closing.join().unwrap(), closed(10, 0));
    });
}

#[test]
fn slots_that_were_given_up_are_neither_consumed_nor_abandoned() {
    for start in [0, START] {
        let ring = Builder::new(16).multi(3).start(start).stage("only", &[]).create(|| 0).unwrap();
        let (mut a, mut b) = (ring.producer().unwrap(), ring.producer().unwrap());
        drop(a.try_claim(2).unwrap());
        a.try_claim(3).unwrap().commit_first(1);
        let open = a.try_claim(4).unwrap();
        // Behind a claim that is open, so that nobody gets there yet.
        b.try_claim(2).unwrap().commit_first(1);
        drop(b.try_claim(1).unwrap());
        assert_eq!(ring.close_within(NOW), closed(0, 2));
        open.commit_first(3);
        assert_eq!(ring.close_within(NOW), closed(0, 5));
        let mut only = ring.consumer("only").unwrap();
        assert_eq!(only.poll(2, |_, _, _| ()), 1);
        assert_eq!(ring.close_within(NOW), closed(1, 4));
        only.run(|_, _, _| ());
        assert_eq!(ring.close_within(None), closed(5, 0));
    }
}

fn waits_for_a_claim<W: WaitStrategy>(wait: W) {
    let ring = Builder::new(8).multi(1).wait(wait).stage("only", &[]).create(|| 0).unwrap();
    let mut out = ring.producer().unwrap();
    let claim = out.try_claim(3).unwrap();
    thread::scope(|scope| {
        let closing = scope.spawn(|| ring.close_within(LONG));
        while ring.join("late", &[], JoinFrom::Now).is_ok() {
            thread::yield_now();
        }
        // Nobody consumes: only who gives the claim up can tell.
        drop(claim);
        assert_eq!(closing.join().unwrap(), closed(0, 0));
    });
}

#[test]
fn a_claim_that_is_given_up_ends_the_wait_for_it() {
    let begin = Instant::now();
    waits_for_a_claim(Block);
    waits_for_a_claim(Yield);
    waits_for_a_claim(Spin);
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_ring_that_fails_is_not_waited_for() {
    let ring = pipeline(Block);
    ring.producer().unwrap().try_publish_many(5, |_, _| ()).unwrap();
    let mut first = ring.consumer("first").unwrap();
    thread::scope(|scope| {
        let closing = scope.spawn(|| ring.close_within(LONG));
        while ring.join("late", &[], JoinFrom::Now).is_ok() {
            thread::yield_now();
        }
        first.run_fallible(OnError::Stop, |_, _, _| Err::<(), _>("no")).unwrap_err();
        assert_eq!(closing.join().unwrap(), closed(0, 5));
    });
    assert_eq!(ring.close_within(LONG), closed(0, 5));
}

#[test]
fn all_who_close_at_once_are_told_the_same() {
    for _ in 0..100 {
        let ring = pipeline(Block);
        ring.producer().unwrap().try_publish_many(8, |_, _| ()).unwrap();
        thread::scope(|scope| {
            let closing = [(); 3].map(|()| scope.spawn(|| ring.close_within(LONG)));
            for stage in ["first", "second"] {
                let mut consumer = ring.consumer(stage).unwrap();
                scope.spawn(move || {
                    while consumer.wait(None) != millrace_ring::Waited::Ended {
                        consumer.poll(1, |_, _, _| ());
                    }
                });
            }
            assert_eq!(closing.map(|thread| thread.join().unwrap()), [closed(8, 0); 3]);
        });
    }
}

#[test]
fn what_many_producers_had_accepted_is_counted_whoever_gives_up_meanwhile() {
    for round in 0..50 {
        let ring = Builder::new(16).multi(3).start(START).stage("only", &[]).create(|| 0).unwrap();
        thread::scope(|scope| {
            let producers = [(); 3].map(|()| {
                let mut out = ring.producer().unwrap();
                scope.spawn(move || {
                    let mut accepted = 0;
                    loop {
                        match out.try_claim(2) {
                            Ok(claim) => {
                                let used = accepted % 3;
                                claim.commit_first(used as usize);
                                accepted += used;
                            }
                            Err(ClaimError::Closed) => return accepted,
                            Err(_) => (),
                        }
                        match out.publish(|_| ()) {
                            Ok(()) => accepted += 1,
                            Err(_) => return accepted,
                        }
                    }
                })
            });
            let mut only = ring.consumer("only").unwrap();
            let consuming = scope.spawn(move || {
                let mut seen = 0;
                only.run(|_, _, _| seen += 1);
                seen
            });
            for _ in 0..round {
                thread::yield_now();
            }
            let closed = ring.close_within(LONG);
            let accepted = producers.map(|producer| producer.join().unwrap()).iter().sum();
            assert_eq!(closed, self::closed(accepted, 0));
            assert_eq!(consuming.join().unwrap(), accepted);
        });
    }
}
