//! Every graph hands every event to every stage, once and in order, and holds the producers back.
#![cfg(not(loom))]

use millrace_park::ThreadSleeper;
use millrace_ring::{ClaimError, Config, ConfigError, GraphError, OpenError, Ring, Wait, Waited};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

const EVENTS: u64 = 240_000;

/// Consumes a stage on a thread of its own, until the ring ends; the number and sum of what it saw.
fn consume(ring: &Ring, stage: &'static str, see: impl Fn(u64, &mut [u8]) + Send + 'static) -> thread::JoinHandle<u64> {
    let mut consumer = ring.consumer(stage, 1).unwrap();
    thread::spawn(move || {
        let sleeper = ThreadSleeper::current();
        let mut seen = 0;
        loop {
            match consumer.wait(&sleeper, None).unwrap() {
                Waited::Ready => {
                    consumer
                        .poll(u32::MAX, |_, slot, _| {
                            see(seen, slot);
                            seen += 1;
                        })
                        .unwrap();
                }
                Waited::Ended => return seen,
                Waited::TimedOut => unreachable!("no deadline was set"),
            }
        }
    })
}

fn number(slot: &[u8]) -> u64 {
    u64::from_le_bytes(slot[..8].try_into().unwrap())
}

/// Publishes `from..to`, `batch` at a time, waiting for room.
fn produce(ring: &Ring, from: u64, to: u64, batch: u32) {
    let mut out = ring.producer(1).unwrap();
    let sleeper = ThreadSleeper::current();
    let mut next = from;
    while next < to {
        let n = batch.min((to - next) as u32);
        match out.try_publish(n, |i, slot| slot[..8].copy_from_slice(&(next + u64::from(i)).to_le_bytes())) {
            Ok(()) => next += u64::from(n),
            Err(ClaimError::Full) => out.wait(n, &sleeper, None).unwrap(),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn each_wait(run: impl Fn(Wait, u32)) {
    for wait in [Wait::Block, Wait::Yield, Wait::Adaptive] {
        for batch in [1, 7, 64] {
            run(wait, batch);
        }
    }
}

#[test]
fn a_pipeline_sees_every_event_in_order_across_the_wrap() {
    each_wait(|wait, batch| {
        let config = Config::new(64, 16).wait(wait).start(u32::MAX - 1000).stage("a", &[]).stage("b", &["a"]);
        let ring = Ring::create(config).unwrap();
        let a = consume(&ring, "a", |seen, slot| {
            assert_eq!(number(slot), seen);
            slot[8..].copy_from_slice(&(seen * 3).to_le_bytes());
        });
        let b = consume(&ring, "b", |seen, slot| assert_eq!((number(slot), number(&slot[8..])), (seen, seen * 3)));
        produce(&ring, 0, EVENTS, batch);
        ring.close();
        assert_eq!((a.join().unwrap(), b.join().unwrap()), (EVENTS, EVENTS));
    });
}

#[test]
fn a_diamond_joins_after_both_sides() {
    each_wait(|wait, batch| {
        let config = Config::new(64, 24).wait(wait);
        let ring =
            Ring::create(config.stage("left", &[]).stage("right", &[]).stage("join", &["left", "right"])).unwrap();
        let left = consume(&ring, "left", |seen, slot| slot[8..16].copy_from_slice(&(seen + 1).to_le_bytes()));
        let right = consume(&ring, "right", |seen, slot| slot[16..].copy_from_slice(&(seen + 2).to_le_bytes()));
        let join = consume(&ring, "join", |seen, slot| {
            assert_eq!([number(slot), number(&slot[8..]), number(&slot[16..])], [seen, seen + 1, seen + 2]);
        });
        produce(&ring, 0, EVENTS / 4, batch);
        ring.close();
        for stage in [left, right, join] {
            assert_eq!(stage.join().unwrap(), EVENTS / 4);
        }
    });
}

#[test]
fn many_producers_lose_and_double_nothing() {
    each_wait(|wait, batch| {
        let ring =
            Ring::create(Config::new(128, 8).wait(wait).multi(3).start(u32::MAX - 500).stage("sum", &[])).unwrap();
        let sum = std::sync::Arc::new(AtomicU64::new(0));
        let total = sum.clone();
        let stage = consume(&ring, "sum", move |_, slot| {
            total.fetch_add(number(slot), Ordering::Relaxed);
        });
        thread::scope(|scope| {
            for p in 0..3 {
                let ring = &ring;
                scope.spawn(move || produce(ring, p * EVENTS / 3, (p + 1) * EVENTS / 3, batch));
            }
        });
        ring.close();
        assert_eq!(stage.join().unwrap(), EVENTS / 3 * 3);
        let last = EVENTS / 3 * 3;
        assert_eq!(sum.load(Ordering::Relaxed), last * (last - 1) / 2);
    });
}

#[test]
fn a_stalled_consumer_holds_the_producer_back() {
    let ring = Ring::create(Config::new(4, 8).stage("slow", &[]).stage("fast", &[])).unwrap();
    let mut out = ring.producer(1).unwrap();
    let mut fast = ring.consumer("fast", 1).unwrap();
    let mut slow = ring.consumer("slow", 1).unwrap();
    out.try_publish(4, |_, _| ()).unwrap();
    assert_eq!(fast.poll(u32::MAX, |_, _, _| ()), Ok(4));
    assert_eq!(out.try_publish(1, |_, _| ()), Err(ClaimError::Full));
    assert_eq!(slow.poll(1, |_, _, _| ()), Ok(1));
    assert_eq!(out.try_publish(1, |_, _| ()), Ok(()));
    assert_eq!(out.try_publish(5, |_, _| ()), Err(ClaimError::TooLarge));
    assert_eq!(out.try_publish(1, |_, _| ()), Err(ClaimError::Full));
}

#[test]
fn a_stage_reopens_behind_its_last_batch() {
    let ring = Ring::create(Config::new(8, 8).stage("only", &[])).unwrap();
    let mut out = ring.producer(1).unwrap();
    out.try_publish(5, |i, slot| slot[0] = i as u8).unwrap();
    let mut first = ring.consumer("only", 1).unwrap();
    assert_eq!(ring.consumer("only", 2).unwrap_err(), OpenError::Taken);
    first.poll(2, |_, _, _| ()).unwrap();
    drop(first);
    let mut seen = Vec::new();
    ring.consumer("only", 2).unwrap().poll(u32::MAX, |_, slot, _| seen.push(slot[0])).unwrap();
    assert_eq!(seen, [2, 3, 4]);
}

#[test]
fn a_single_producer_ring_has_one_seat_and_gives_it_again() {
    let ring = Ring::create(Config::new(8, 8).stage("only", &[])).unwrap();
    let out = ring.producer(1).unwrap();
    assert_eq!(ring.producer(1).unwrap_err(), OpenError::Taken);
    drop(out);
    ring.producer(2).unwrap();
}

#[test]
fn an_owner_that_is_gone_leaves_its_seats() {
    let ring = Ring::create(Config::new(8, 8).stage("only", &[])).unwrap();
    ring.take_stage(0, 7).unwrap();
    ring.take_producer(7).unwrap();
    ring.release_owner(8);
    assert_eq!(ring.take_stage(0, 9), Err(OpenError::Taken));
    ring.release_owner(7);
    assert_eq!((ring.take_stage(0, 9), ring.take_producer(9)), (Ok(()), Ok(0)));
}

#[test]
fn a_close_wakes_whoever_waits() {
    let ring = Ring::create(Config::new(2, 8).wait(Wait::Block).stage("only", &[])).unwrap();
    let waiting = consume(&ring, "only", |_, _| ());
    let closed = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            ring.close();
            closed.store(true, Ordering::SeqCst);
        });
        assert_eq!(waiting.join().unwrap(), 0);
    });
    assert_eq!(ring.producer(1).unwrap().try_publish(1, |_, _| ()), Err(ClaimError::Closed));
}

#[test]
fn a_panicking_writer_holds_nobody_up() {
    let ring = Ring::create(Config::new(8, 8).multi(2).stage("only", &[])).unwrap();
    let mut out = ring.producer(1).unwrap();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = out.try_publish(1, |_, _| std::panic::resume_unwind(Box::new(())));
    }));
    assert!(unwound.is_err());
    out.try_publish(1, |_, _| ()).unwrap();
    assert_eq!(ring.consumer("only", 1).unwrap().poll(u32::MAX, |_, _, _| ()), Ok(2));
}

#[test]
fn graphs_that_cannot_run_are_refused_with_the_path() {
    let graph = |error: ConfigError| match error {
        ConfigError::Graph(error) => error,
        other => panic!("{other}"),
    };
    let refused = |config: Config| graph(Ring::create(config).unwrap_err());
    let base = || Config::new(8, 8);
    assert_eq!(refused(base()), GraphError::Count(0));
    assert_eq!(refused(base().stage("a", &[]).stage("a", &[])), GraphError::Twice("a".into()));
    assert_eq!(refused(base().stage("a", &["b"])), GraphError::Unknown("a".into(), "b".into()));
    let circle = base().stage("a", &["c"]).stage("b", &["a"]).stage("c", &["b"]).stage("d", &["c"]);
    let GraphError::Cycle(path) = refused(circle) else { panic!("not a cycle") };
    assert_eq!(path.first(), path.last());
    assert_eq!(path.len(), 4);
    assert_eq!(Ring::create(Config::new(6, 8)).unwrap_err(), ConfigError::Capacity(6));
    assert_eq!(Ring::create(Config::new(8, 6)).unwrap_err(), ConfigError::Stride(6));
}
