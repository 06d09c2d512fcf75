//! Every graph hands every event to every stage, once and in order, and holds the producers back.
#![cfg(not(loom))]

use millrace_park::ThreadSleeper;
use millrace_ring::{
    ByteProducer, ClaimError, Config, ConfigError, GraphError, JoinFrom, OpenError, Ring, Seats, SharedBytes, Wait,
    Waited,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const EVENTS: u64 = 240_000;

/// Consumes a stage on a thread of its own, until the ring ends; the number and sum of what it saw.
fn consume(
    ring: &Ring,
    stage: &'static str,
    see: impl Fn(u64, &mut SharedBytes<'_>) + Send + 'static,
) -> thread::JoinHandle<u64> {
    let mut consumer = ring.byte_consumer(stage, 1).unwrap();
    thread::spawn(move || {
        let sleeper = ThreadSleeper::current();
        let mut seen = 0;
        loop {
            match consumer.wait(&sleeper, None).unwrap() {
                Waited::Ready => {
                    consumer
                        .poll(u32::MAX, |record| {
                            see(seen, &mut record.fields_mut());
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

/// A ring for so many events of up to three numbers.
fn create(config: impl FnOnce(Config) -> Config, capacity: u32) -> Ring {
    Ring::create_bytes(config(Config::bytes(capacity * 32)), 24).unwrap()
}

/// Publishes `from..to`, `batch` at a time as long as there is room, waiting for it where there is none.
fn produce(ring: &Ring, from: u64, to: u64, batch: u64) {
    let mut out = ring.byte_producer(1).unwrap();
    let sleeper = ThreadSleeper::current();
    for next in from..to {
        let write = |fields: &mut [u8]| fields[..8].copy_from_slice(&next.to_le_bytes());
        let more = !(next + 1 - from).is_multiple_of(batch) && next + 1 < to;
        if !more || out.try_push(write, &[]).is_err() {
            out.publish(&sleeper, None, write, &[]).unwrap();
        }
    }
}

fn each_wait(run: impl Fn(Wait, u64)) {
    for wait in [Wait::Block, Wait::Yield, Wait::Adaptive] {
        for batch in [1, 7, 64] {
            run(wait, batch);
        }
    }
}

#[test]
fn a_pipeline_sees_every_event_in_order_across_the_wrap() {
    each_wait(|wait, batch| {
        let stages = |config: Config| config.stage("a", &[]).stage("b", &["a"]);
        let ring = create(|config| stages(config.wait(wait).start(u32::MAX - 1000)), 64);
        let a = consume(&ring, "a", |seen, slot| {
            assert_eq!(number(slot), seen);
            // SAFETY: no stage is beside this one.
            unsafe { slot.write(8, &(seen * 3).to_le_bytes()) };
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
        let stages = |config: Config| config.stage("left", &[]).stage("right", &[]).stage("join", &["left", "right"]);
        let ring = create(|config| stages(config.wait(wait)), 64);
        // SAFETY: each side has its part of the fields, and the other looks at none of them.
        let left = consume(&ring, "left", |seen, slot| unsafe { slot.write(8, &(seen + 1).to_le_bytes()) });
        // SAFETY: as above.
        let right = consume(&ring, "right", |seen, slot| unsafe { slot.write(16, &(seen + 2).to_le_bytes()) });
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
        let ring = create(|config| config.wait(wait).multi(3).start(u32::MAX - 500).stage("sum", &[]), 128);
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

/// What a stage sees of numbers up to 255.
fn seen(ring: &Ring, stage: &str, most: u32) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut consumer = ring.byte_consumer(stage, 2).unwrap();
    consumer.poll(most * 32, |record| seen.push(record.fields()[0])).unwrap();
    seen
}

#[test]
fn a_stalled_consumer_holds_the_producer_back() {
    let ring = create(|config| config.stage("slow", &[]).stage("fast", &[]), 4);
    let mut out = ring.byte_producer(1).unwrap();
    let push = |out: &mut ByteProducer| out.try_push(|_| (), &[]);
    (0..4).for_each(|_| push(&mut out).unwrap());
    out.flush();
    assert_eq!(seen(&ring, "fast", 9).len(), 4);
    assert_eq!(push(&mut out), Err(ClaimError::Full));
    assert_eq!(seen(&ring, "slow", 1).len(), 1);
    assert_eq!((push(&mut out), push(&mut out)), (Ok(()), Err(ClaimError::Full)));
}

#[test]
fn a_stage_reopens_behind_its_last_batch() {
    let ring = create(|config| config.stage("only", &[]), 8);
    produce(&ring, 0, 5, 5);
    let first = ring.byte_consumer("only", 1).unwrap();
    assert_eq!(ring.byte_consumer("only", 2).unwrap_err(), OpenError::Taken);
    drop(first);
    assert_eq!([seen(&ring, "only", 2), seen(&ring, "only", 9)], [vec![0, 1], vec![2, 3, 4]]);
}

#[test]
fn a_single_producer_ring_has_one_seat_and_gives_it_again() {
    let ring = create(|config| config.stage("only", &[]), 8);
    let out = ring.byte_producer(1).unwrap();
    assert_eq!(ring.byte_producer(1).unwrap_err(), OpenError::Taken);
    drop(out);
    ring.byte_producer(2).unwrap();
}

#[test]
fn an_owner_that_is_gone_leaves_its_seats() {
    // SAFETY: nobody works with the seats.
    let ring = unsafe { Seats::of(Ring::create(Config::new(8, 8).stage("only", &[])).unwrap()) };
    ring.take_stage(0, 7).unwrap();
    ring.take_producer(7).unwrap();
    ring.release_owner(8);
    assert_eq!(ring.take_stage(0, 9), Err(OpenError::Taken));
    ring.release_owner(7);
    assert_eq!((ring.take_stage(0, 9), ring.take_producer(9)), (Ok(()), Ok(0)));
}

/// A seat of owner 0 would be free for the next as well, and two would have it.
#[test]
fn nobody_opens_anything_as_owner_0() {
    let open: [fn(&Ring); 5] = [
        |ring| drop(ring.byte_consumer("only", 0)),
        |ring| drop(ring.byte_producer(0)),
        |ring| drop(ring.byte_join("watch", &[], JoinFrom::Now, 0)),
        // SAFETY: nobody works with the seats.
        |ring| _ = unsafe { Seats::of(ring.clone()) }.take_producer(0),
        // SAFETY: as above.
        |ring| _ = unsafe { Seats::of(ring.clone()) }.take_worker(1, 0),
    ];
    for open in open {
        let ring = create(|config| config.stage("only", &[]).workers("work", &[], 1), 4);
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open(&ring)));
        let told = opened.unwrap_err();
        assert_eq!(told.downcast_ref(), Some(&"an owner is any number but 0"));
    }
}

#[test]
fn a_close_wakes_whoever_waits() {
    let ring = create(|config| config.wait(Wait::Block).stage("only", &[]), 4);
    let waiting = consume(&ring, "only", |_, _| ());
    thread::scope(|scope| {
        scope.spawn(|| ring.close());
        assert_eq!(waiting.join().unwrap(), 0);
    });
    assert_eq!(ring.byte_producer(1).unwrap().try_push(|_| (), &[]), Err(ClaimError::Closed));
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
    for capacity in [0, 1, 3, 6, (1 << 30) + 1, 1 << 31, u32::MAX] {
        assert_eq!(Ring::create(Config::new(capacity, 8)).unwrap_err(), ConfigError::Capacity(capacity));
    }
    assert_eq!(Ring::create(Config::new(8, 6)).unwrap_err(), ConfigError::Stride(6));
}
