//! Typed rings whose producers and stages are coroutines: who waits leaves its worker to others.
#![cfg(not(loom))]

use millrace_fiber::{Cancelled, Config, Scheduler, current_sleeper, yield_now};
use millrace_ring::typed::{Adaptive, Block, Builder, Closed, OnError, Spin, WaitStrategy, Yield};
use std::thread;
use std::time::Duration;

fn scheduler(workers: usize) -> Scheduler {
    Scheduler::new(Config { workers, name: "rings".into(), ..Config::default() }).unwrap()
}

#[derive(Default)]
struct Event {
    n: u64,
    doubled: u64,
    summed: u64,
}

/// Three stages and two producers, more than there are workers: one that blocked its worker would hold all up.
fn pipeline<W: WaitStrategy>(wait: W, workers: usize, capacity: u32, events: u64) {
    let scheduler = scheduler(workers);
    let ring = Builder::new(capacity)
        .multi(2)
        .wait(wait)
        .sleep_by(current_sleeper)
        .stage("double", &[])
        .stage("sum", &["double"])
        .stage("check", &["sum"])
        .create(Event::default)
        .unwrap();
    let mut double = ring.exclusive_consumer("double").unwrap();
    let mut sum = ring.exclusive_consumer("sum").unwrap();
    let mut check = ring.consumer("check").unwrap();
    let doubling = scheduler.spawn(move || double.run(|event, _, _| event.doubled = event.n * 2));
    let summing = scheduler.spawn(move || {
        let mut total = 0;
        sum.run(|event, _, _| {
            total += event.doubled;
            event.summed = total;
        });
    });
    let checking = scheduler.spawn(move || {
        let (mut expected, mut seen) = (0, 0);
        check.run(|event, _, _| {
            expected += event.n * 2;
            assert_eq!(event.summed, expected);
            seen += 1;
        });
        (expected, seen)
    });
    let producing = [0, 1].map(|odd| {
        let mut out = ring.producer().unwrap();
        scheduler.spawn(move || {
            (0..events).filter(|n| n % 2 == odd).for_each(|n| out.publish(|event| event.n = n).unwrap());
        })
    });
    let closing = scheduler.spawn(move || {
        producing.into_iter().for_each(|one| one.join().unwrap());
        ring.close_within(None)
    });
    assert_eq!(closing.join().unwrap(), Closed { consumed: events, abandoned: 0 });
    assert_eq!(checking.join().unwrap(), (events * (events - 1), events));
    doubling.join().unwrap();
    summing.join().unwrap();
}

#[test]
fn a_pipeline_of_coroutines_hands_every_event_on() {
    pipeline(Adaptive::default(), 2, 64, 20_000);
    pipeline(Block, 2, 64, 20_000);
    pipeline(Yield, 2, 64, 20_000);
    pipeline(Spin, 2, 64, 5000);
}

#[test]
fn a_full_ring_leaves_the_one_worker_to_who_makes_room() {
    pipeline(Adaptive::default(), 1, 2, 2000);
    pipeline(Block, 1, 2, 2000);
    pipeline(Yield, 1, 2, 2000);
    pipeline(Spin, 1, 2, 2000);
}

#[test]
fn workers_that_share_a_stage_are_coroutines_too() {
    let scheduler = scheduler(2);
    let ring = Builder::new(16).wait(Block).sleep_by(current_sleeper).workers("add", &[], 3).create(|| 0u64).unwrap();
    let adding = [(); 3].map(|()| {
        let mut worker = ring.worker("add").unwrap();
        scheduler.spawn(move || {
            let mut total = 0;
            let add = |n: &u64, _, _| {
                total += n;
                Ok::<(), String>(())
            };
            worker.run_fallible(OnError::Stop, add).unwrap();
            total
        })
    });
    // This thread takes part as well, and sleeps as a thread does.
    let mut out = ring.producer().unwrap();
    (0..5000).for_each(|n| out.publish(|event| *event = n).unwrap());
    ring.close();
    assert_eq!(adding.into_iter().map(|one| one.join().unwrap()).sum::<u64>(), 5000 * 4999 / 2);
}

#[test]
fn a_backoff_leaves_the_worker_to_others() {
    let scheduler = scheduler(1);
    let ring = Builder::new(4).sleep_by(current_sleeper).stage("only", &[]).create(|| 0).unwrap();
    ring.producer().unwrap().publish(|_| ()).unwrap();
    ring.close();
    let mut only = ring.consumer("only").unwrap();
    let retrying = scheduler.spawn(move || {
        let forever = OnError::Retry { attempts: 2, backoff: Duration::from_secs(3600) };
        only.run_fallible(forever, |_, _, _| Err::<(), _>("no")).map_err(|stopped| stopped.error)
    });
    while ring.stats().stages[0].retries == 0 {
        thread::yield_now();
    }
    assert_eq!(scheduler.spawn(|| 7).join().unwrap(), 7);
    retrying.cancel();
    assert!(retrying.join().unwrap_err().is::<Cancelled>());
}

fn is_cancelled_where_it_waits<W: WaitStrategy>(wait: W) {
    let scheduler = scheduler(1);
    let ring = Builder::new(2).wait(wait).sleep_by(current_sleeper).stage("only", &[]).create(|| 0).unwrap();
    let (mut only, mut out) = (ring.consumer("only").unwrap(), ring.producer().unwrap());
    let consuming = scheduler.spawn(move || only.run(|_, _, _| ()));
    scheduler.spawn(yield_now).join().unwrap();
    consuming.cancel();
    assert!(consuming.join().unwrap_err().is::<Cancelled>());
    // Its stage is free, and nobody consumes: the producer and who closes wait in vain.
    let mut only = ring.consumer("only").unwrap();
    let producing = scheduler.spawn(move || (0..3).for_each(|_| out.publish(|_| ()).unwrap()));
    while ring.stats().cursor < 2 {
        thread::yield_now();
    }
    producing.cancel();
    assert!(producing.join().unwrap_err().is::<Cancelled>());
    let closing = ring.clone();
    let closing = scheduler.spawn(move || closing.close_within(None));
    scheduler.spawn(yield_now).join().unwrap();
    closing.cancel();
    assert!(closing.join().unwrap_err().is::<Cancelled>());
    only.run(|_, _, _| ());
    assert_eq!(ring.close_within(None), Closed { consumed: 2, abandoned: 0 });
}

#[test]
fn a_coroutine_that_waits_in_a_ring_can_be_cancelled() {
    is_cancelled_where_it_waits(Adaptive::default());
    is_cancelled_where_it_waits(Block);
    is_cancelled_where_it_waits(Yield);
    is_cancelled_where_it_waits(Spin);
}
