//! Stages join and leave: they see every event from where they began, once, and the others lose nothing.
#![cfg(not(loom))]

use millrace_park::ThreadSleeper;
use millrace_ring::typed::{Block, Builder, ExclusiveError};
use millrace_ring::{
    ByteConsumer, ClaimError, Config, ConfigError, JoinError, JoinFrom, OpenError, Record, Ring, Seats, Wait, Waited,
};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// The wrap comes soon.
const START: u32 = u32::MAX - 2;

/// For four events.
fn config() -> Config {
    Config::bytes(128).wait(Wait::Block).start(START).stage("parse", &[]).stage("store", &["parse"])
}

/// A ring of events that are a number each.
fn create(config: Config) -> Ring {
    Ring::create_bytes(config, 4).unwrap()
}

/// Publishes as many events as fit of `n`.
fn publish(ring: &Ring, n: u32) -> u32 {
    let mut out = ring.byte_producer(1).unwrap();
    (0..n).filter(|_| out.try_push(|_| (), &[]).is_ok()).count() as u32
}

/// Consumes `most` events; their numbers.
fn poll_some(consumer: &mut ByteConsumer, most: u32) -> Vec<u32> {
    let mut seen = Vec::new();
    consumer.poll(most * 32, |record| seen.push(record.sequence.wrapping_sub(START))).unwrap();
    seen
}

fn poll(consumer: &mut ByteConsumer) -> Vec<u32> {
    poll_some(consumer, 9)
}

#[test]
fn a_stage_joins_at_the_oldest_event_or_at_the_next() {
    let ring = create(config());
    publish(&ring, 3);
    let (mut parse, mut store) = (ring.byte_consumer("parse", 1).unwrap(), ring.byte_consumer("store", 1).unwrap());
    poll_some(&mut parse, 2);
    poll_some(&mut store, 1);
    let mut oldest = ring.byte_join("oldest", &[], JoinFrom::Oldest, 1).unwrap();
    let mut behind = ring.byte_join("behind", &["parse"], JoinFrom::Oldest, 1).unwrap();
    let mut now = ring.byte_join("now", &[], JoinFrom::Now, 1).unwrap();
    let mut done = ring.byte_join("done", &["parse"], JoinFrom::Now, 1).unwrap();
    publish(&ring, 1);
    assert_eq!(
        [poll(&mut oldest), poll(&mut behind), poll(&mut now), poll(&mut done)],
        [vec![1, 2, 3], vec![1], vec![3], vec![]]
    );
    poll(&mut parse);
    assert_eq!([poll(&mut behind), poll(&mut done)], [vec![2, 3], vec![2, 3]]);
}

#[test]
fn a_stage_that_joined_holds_the_producers_back_until_it_leaves() {
    let ring = create(config());
    let (mut parse, mut store) = (ring.byte_consumer("parse", 1).unwrap(), ring.byte_consumer("store", 1).unwrap());
    let watch = ring.byte_join("watch", &["store"], JoinFrom::Now, 1).unwrap();
    assert_eq!(publish(&ring, 9), 4);
    assert_eq!((poll(&mut parse).len(), poll(&mut store).len()), (4, 4));
    assert_eq!(publish(&ring, 1), 0);
    let mut out = ring.byte_producer(1).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(move || out.publish(&ThreadSleeper::current(), None, |_| (), &[]));
        drop(watch);
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
    assert_eq!(publish(&ring, 9), 3);
}

#[test]
fn what_cannot_join_is_refused_and_changes_nothing() {
    let ring = create(config().max_consumers(3));
    let join = |name: &str, after: &[&str]| ring.byte_join(name, after, JoinFrom::Now, 1);
    assert_eq!(join("store", &[]).unwrap_err(), JoinError::Taken("store".into()));
    assert_eq!(join("watch", &["guest"]).unwrap_err(), JoinError::After("guest".into()));
    for name in [String::new(), "x".repeat(49), "a\0b".into()] {
        assert_eq!(join(&name, &[]).unwrap_err(), JoinError::Name(name));
    }
    assert_eq!(ring.join("watch", &[], JoinFrom::Now, 1).unwrap_err(), JoinError::Kind);
    // Of multi-byte letters, as long as may be.
    let longest = "ü".repeat(24);
    let watch = join(&longest, &["parse", "store"]).unwrap();
    assert_eq!(join(&longest, &[]).unwrap_err(), JoinError::Taken(longest.clone()));
    assert_eq!(join("other", &[]).unwrap_err(), JoinError::Full(1));
    assert_eq!(ring.byte_consumer_at(2, 1).unwrap_err(), OpenError::Stage);
    drop(watch);
    let watch = join(&longest, &[]).unwrap();
    ring.close();
    assert_eq!(join("late", &[]).unwrap_err(), JoinError::Closed);
    drop(watch);
    let crowded = |most| Ring::create_bytes(config().max_consumers(most), 0).unwrap_err();
    assert_eq!([crowded(1), crowded(32)], [ConfigError::Consumers(1, 2), ConfigError::Consumers(32, 2)]);
    let alone = create(config().max_consumers(2));
    assert_eq!(alone.byte_join("watch", &[], JoinFrom::Now, 1).unwrap_err(), JoinError::Full(0));
}

#[test]
fn a_stage_whose_owner_is_gone_has_left() {
    // SAFETY: nobody works with what owner 7 has.
    let ring = unsafe { Seats::of(create(config().max_consumers(3))) };
    let mut parse = ring.byte_consumer("parse", 1).unwrap();
    let mut store = ring.byte_consumer("store", 1).unwrap();
    assert_eq!(ring.take_join("watch", 1, JoinFrom::Now, 7), Ok(2));
    publish(&ring, 4);
    poll(&mut parse);
    poll(&mut store);
    assert_eq!(publish(&ring, 1), 0);
    ring.release_owner(7);
    assert_eq!(publish(&ring, 1), 1);
    assert_eq!(ring.take_join("watch", 1, JoinFrom::Now, 8), Ok(2));
    // Its declared stages are open still: nobody else's seat was given up.
    assert_eq!(ring.byte_consumer("store", 8).unwrap_err(), OpenError::Taken);
}

#[test]
fn a_joined_stage_ends_where_the_ring_does() {
    let ring = create(config());
    let mut watch = ring.byte_join("watch", &[], JoinFrom::Now, 1).unwrap();
    publish(&ring, 2);
    ring.close();
    let sleeper = ThreadSleeper::current();
    assert_eq!(watch.wait(&sleeper, None), Ok(Waited::Ready));
    assert_eq!(poll(&mut watch), [0, 1]);
    assert_eq!(watch.wait(&sleeper, None), Ok(Waited::Ended));
}

#[test]
fn typed_stages_that_join_are_counted_by_name_and_number() {
    let ring = Builder::new(4).start(START).stage("store", &[]).create(u32::default).unwrap();
    let (mut out, mut store) = (ring.producer().unwrap(), ring.consumer("store").unwrap());
    for n in 0..3 {
        out.publish(|event| *event = n).unwrap();
        store.poll(1, |_, _, _| ());
    }
    let mut watch = ring.join("watch", &[], JoinFrom::Now).unwrap();
    out.publish(|event| *event = 3).unwrap();
    let stages = ring.stats().stages;
    let shown: Vec<_> = stages.iter().map(|one| (&*one.name, one.joined, one.sequence, one.lag)).collect();
    assert_eq!(shown, [("store", false, 1 << 32, 1), ("watch", true, 1 << 32, 1)]);
    assert_eq!(watch.sequence(), 1 << 32);
    watch.poll(9, |event, sequence, last| assert_eq!((*event, sequence, last), (3, 1 << 32, true)));
    drop(watch);
    assert_eq!(ring.stats().stages.len(), 1);
    // A seat's next tenant begins to count anew.
    let _next = ring.join("next", &[], JoinFrom::Oldest).unwrap();
    let next = ring.stats().stages.pop().unwrap();
    assert_eq!((&*next.name, next.batches, next.sequence), ("next", 0, 1 << 32));
}

#[test]
fn nobody_joins_beside_a_stage_that_changes_its_events() {
    let ring = Builder::new(4).stage("fill", &[]).stage("send", &["fill"]).create(u32::default).unwrap();
    let exclusive = |name: &str| JoinError::Exclusive(name.into());
    let fill = ring.exclusive_consumer("fill").unwrap();
    assert_eq!(ring.join("watch", &[], JoinFrom::Now).unwrap_err(), exclusive("fill"));
    let watch = ring.join("watch", &["fill"], JoinFrom::Now).unwrap();
    // Beside the stage behind it, though.
    assert_eq!(ring.exclusive_consumer("send").unwrap_err(), ExclusiveError::Beside("watch".into()));
    drop((fill, watch));
    let send = ring.exclusive_consumer("send").unwrap();
    assert_eq!(ring.join("watch", &["fill"], JoinFrom::Now).unwrap_err(), exclusive("send"));
    ring.join("watch", &["send"], JoinFrom::Now).unwrap();
    drop(send);
    ring.join("watch", &[], JoinFrom::Now).unwrap();
}

/// Numbers that look random: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

const EVENTS: u32 = 30_000;
const SEEDS: [u64; 2] = [0x5eed, 0xcafe];

/// Joins and leaves until all is over, with `visit`, which gives how many events it got.
fn come_and_go(seed: u64, over: &AtomicBool, mut visit: impl FnMut(&mut Random) -> u32) -> (u32, u32) {
    let mut random = Random(seed | 1);
    let (mut visits, mut events) = (0, 0);
    while !over.load(Relaxed) {
        events += visit(&mut random);
        visits += 1;
    }
    (visits, events)
}

/// Where the visitors of a stress test go.
fn place(random: &mut Random) -> (&'static [&'static str], JoinFrom) {
    let after: [&[&str]; 3] = [&[], &["parse"], &["parse", "store"]];
    (after[random.below(3) as usize], [JoinFrom::Now, JoinFrom::Oldest][random.below(2) as usize])
}

#[test]
fn events_flow_whole_while_stages_come_and_go() {
    for seed in SEEDS {
        for wait in [Wait::Adaptive, Wait::Yield] {
            for multi in [false, true] {
                stress(seed, wait, multi);
            }
        }
    }
}

fn stress(seed: u64, wait: Wait, multi: bool) {
    // The wrap in the middle.
    let start = 0u32.wrapping_sub(EVENTS / 2);
    let config = Config::bytes(1024).wait(wait).start(start).stage("parse", &[]).stage("store", &["parse"]);
    let ring = create(if multi { config.multi(2) } else { config });
    let (over, turns) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let declared = ["parse", "store"].map(|stage| {
            let mut consumer = ring.byte_consumer(stage, 1).unwrap();
            scope.spawn(move || {
                let mut next = start;
                while consumer.wait(&ThreadSleeper::current(), None) == Ok(Waited::Ready) {
                    consumer
                        .poll(7 * 32, |record| {
                            assert_eq!(record.sequence, next, "{stage}, seed {seed:#x}");
                            next = next.wrapping_add(1);
                        })
                        .unwrap();
                }
                next.wrapping_sub(start)
            })
        });
        let visitors = [1, 2, 3].map(|at| {
            let (ring, over, turns) = (&ring, &over, &turns);
            scope.spawn(move || {
                come_and_go(seed * at, over, |random| {
                    let (after, from) = place(random);
                    let name = format!("visitor {at}");
                    let mut visitor = match ring.byte_join(&name, after, from, at as u32) {
                        Err(JoinError::Closed) => return 0,
                        other => other.unwrap(),
                    };
                    let (mut next, mut events) = (None, 0);
                    for _ in 0..random.below(20) {
                        visitor.wait(&ThreadSleeper::current(), Some(Duration::from_millis(1))).unwrap();
                        let each = |record: &mut Record<'_>| {
                            let sequence = record.sequence;
                            let carried = u32::from_le_bytes(record.fields().try_into().unwrap());
                            assert_eq!(carried, sequence, "overwritten, seed {seed:#x}");
                            assert_eq!(sequence, next.unwrap_or(sequence), "not the next, seed {seed:#x}");
                            next = Some(sequence.wrapping_add(1));
                        };
                        events += visitor.poll(32 * (1 + random.below(32) as u32), each).unwrap();
                    }
                    turns.fetch_add(1, Relaxed);
                    events
                })
            })
        });
        let mut out = ring.byte_producer(1).unwrap();
        let sleeper = ThreadSleeper::current();
        let mut next = 0u32;
        // Until there were enough visits, however the threads are scheduled.
        while next < EVENTS || turns.load(Relaxed) < 150 {
            let carried = start.wrapping_add(next).to_le_bytes();
            out.publish(&sleeper, None, |fields| fields.copy_from_slice(&carried), &[]).unwrap();
            next += 1;
        }
        over.store(true, Relaxed);
        ring.close();
        for consumer in declared {
            assert_eq!(consumer.join().unwrap(), next, "seed {seed:#x}");
        }
        let events: u32 = visitors.map(|visitor| visitor.join().unwrap().1).iter().sum();
        assert!(events > 0, "nobody saw anything, seed {seed:#x}");
    });
}

#[test]
fn typed_events_flow_whole_while_stages_come_and_go() {
    for seed in SEEDS {
        let start = 0u32.wrapping_sub(EVENTS / 2);
        let first = u64::from(start);
        let graph = Builder::new(32).wait(Block).start(start).stage("parse", &[]).stage("store", &["parse"]);
        let ring = graph.create(u64::default).unwrap();
        let (over, turns) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            for stage in ["parse", "store"] {
                let mut consumer = ring.consumer(stage).unwrap();
                scope.spawn(move || {
                    let mut next = first;
                    consumer.run(|event, sequence, _| {
                        assert_eq!((*event, sequence), (next, next), "{stage}, seed {seed:#x}");
                        next += 1;
                    });
                });
            }
            for at in [1, 2] {
                let (ring, over, turns) = (&ring, &over, &turns);
                scope.spawn(move || {
                    come_and_go(seed * at, over, |random| {
                        let (after, from) = place(random);
                        let Ok(mut visitor) = ring.join(&format!("visitor {at}"), after, from) else { return 0 };
                        let mut next = visitor.sequence();
                        for _ in 0..random.below(20) {
                            visitor.wait(Some(Duration::from_millis(1)));
                            visitor.poll(1 + random.below(32) as u32, |event, sequence, _| {
                                assert_eq!((*event, sequence), (next, next), "seed {seed:#x}");
                                next += 1;
                            });
                        }
                        turns.fetch_add(1, Relaxed);
                        0
                    })
                });
            }
            let mut out = ring.producer().unwrap();
            let mut next = first;
            while next < first + u64::from(EVENTS) || turns.load(Relaxed) < 150 {
                out.publish(|event| *event = next).unwrap();
                next += 1;
            }
            over.store(true, Relaxed);
            ring.close();
        });
    }
}

#[test]
fn records_are_whole_for_stages_that_come_and_go() {
    let seed = SEEDS[0];
    let config = Config::bytes(2048).start(u32::MAX - 1000).stage("store", &[]);
    let ring = Ring::create_bytes(config, 8).unwrap();
    let (over, turns) = (AtomicBool::new(false), AtomicU32::new(0));
    let check = |consumer: &mut ByteConsumer, next: &mut Option<u64>| {
        let each = |record: &mut Record<'_>| {
            let number = u64::from_le_bytes(record.fields().try_into().unwrap());
            assert_eq!(number, next.unwrap_or(number), "not the next");
            assert!(record.payload().iter().all(|byte| *byte == number as u8), "overwritten");
            *next = Some(number + 1);
        };
        consumer.poll(512, each).unwrap();
    };
    thread::scope(|scope| {
        let mut store = ring.byte_consumer("store", 1).unwrap();
        scope.spawn(move || {
            let mut next = Some(0);
            while store.wait(&ThreadSleeper::current(), None) == Ok(Waited::Ready) {
                check(&mut store, &mut next);
            }
        });
        scope.spawn(|| {
            come_and_go(seed, &over, |random| {
                let from = [JoinFrom::Now, JoinFrom::Oldest][random.below(2) as usize];
                let Ok(mut visitor) = ring.byte_join("visitor", &[], from, 2) else { return 0 };
                let mut next = None;
                for _ in 0..random.below(20) {
                    visitor.wait(&ThreadSleeper::current(), Some(Duration::from_millis(1))).unwrap();
                    check(&mut visitor, &mut next);
                }
                turns.fetch_add(1, Relaxed);
                0
            })
        });
        let mut out = ring.byte_producer(1).unwrap();
        let mut random = Random(seed);
        let mut number = 0u64;
        while number < 20_000 || turns.load(Relaxed) < 100 {
            let payload = vec![number as u8; random.below(200) as usize];
            match out.try_push(|fields| fields.copy_from_slice(&number.to_le_bytes()), &[&payload]) {
                Ok(()) => number += 1,
                Err(ClaimError::Full) => {
                    out.flush();
                    thread::yield_now();
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        out.flush();
        over.store(true, Relaxed);
        ring.close();
    });
}
