//! Stages that join and leave while a producer goes on: what they see is whole, and nobody waits for who has left.
#![cfg(loom)]

mod loom_sleeper;

use loom::thread;
use loom_sleeper::LoomSleeper;
use millrace_ring::typed::{Block, Builder};
use millrace_ring::{ByteConsumer, Config, JoinError, JoinFrom, Ring, Wait, Waited};

/// A full ring of two slots, whose events are numbered from 1 on, across the wrap.
const START: u32 = u32::MAX;

fn full_ring(max_consumers: u32) -> Ring {
    let config = Config::bytes(64).wait(Wait::Block).start(START).max_consumers(max_consumers).stage("only", &[]);
    let ring = Ring::create_bytes(config, 1).unwrap();
    let mut out = ring.byte_producer(1).unwrap();
    for number in [1, 2] {
        out.try_push(|fields| fields[0] = number, &[]).unwrap();
    }
    drop(out);
    ring
}

/// Publishes event 3 as soon as there is room.
fn publish_third(ring: &Ring) {
    ring.byte_producer(1).unwrap().publish(&LoomSleeper, None, |fields| fields[0] = 3, &[]).unwrap();
}

/// Consumes what is ready, which must be one event behind the other, whole; the number of the last.
fn poll_run(consumer: &mut ByteConsumer) -> Option<u8> {
    let mut last = None;
    consumer
        .poll(u32::MAX, |record| {
            let number = record.fields()[0];
            assert_eq!(number, record.sequence.wrapping_sub(START) as u8 + 1, "an event was overwritten");
            assert!(last.is_none_or(|last| last + 1 == number), "an event is missing");
            last = Some(number);
        })
        .unwrap();
    last
}

/// A producer that waits for room, the declared consumer, and `visit` on a thread of its own.
fn meets(max_consumers: u32, visit: impl Fn(&Ring) + Copy + Send + Sync + 'static) {
    loom::model(move || {
        let ring = full_ring(max_consumers);
        let mut only = ring.byte_consumer("only", 1).unwrap();
        let (producing, visiting) = (ring.clone(), ring.clone());
        let producer = thread::spawn(move || publish_third(&producing));
        let visitor = thread::spawn(move || visit(&visiting));
        // One at a time, so that the declared stage moves while others look.
        assert_eq!(only.poll(1, |record| assert_eq!(record.fields()[0], 1)), Ok(1));
        producer.join().unwrap();
        visitor.join().unwrap();
        assert_eq!(poll_run(&mut only), Some(3));
    });
}

#[test]
fn what_joins_at_the_oldest_event_sees_it_and_all_behind_it() {
    meets(2, |ring| {
        let mut watch = ring.byte_join("watch", &[], JoinFrom::Oldest, 1).unwrap();
        assert!(poll_run(&mut watch) >= Some(2));
    });
}

#[test]
fn what_joins_now_sees_what_comes() {
    meets(2, |ring| {
        let mut watch = ring.byte_join("watch", &[], JoinFrom::Now, 1).unwrap();
        assert!(poll_run(&mut watch).is_none_or(|last| last == 3));
    });
}

#[test]
fn what_joins_behind_a_stage_sees_what_that_has_done() {
    meets(2, |ring| {
        let mut watch = ring.byte_join("watch", &["only"], JoinFrom::Now, 1).unwrap();
        assert!(poll_run(&mut watch).is_none_or(|last| last < 3));
    });
}

#[test]
fn a_producer_is_woken_when_the_stage_that_it_waits_for_leaves() {
    meets(2, |ring| drop(ring.byte_join("watch", &[], JoinFrom::Oldest, 1).unwrap()));
}

#[test]
fn the_next_tenant_of_a_seat_is_not_taken_for_the_former_one() {
    loom::model(|| {
        let ring = full_ring(2);
        let mut only = ring.byte_consumer("only", 1).unwrap();
        let mut first = ring.byte_join("first", &[], JoinFrom::Oldest, 1).unwrap();
        assert_eq!(poll_run(&mut first), Some(2));
        let (producing, visiting) = (ring.clone(), ring.clone());
        let producer = thread::spawn(move || publish_third(&producing));
        let visitor = thread::spawn(move || {
            // The former tenant was ahead of the declared stage; the next one begins where that stands, and it moves on.
            drop(first);
            let mut second = visiting.byte_join("second", &[], JoinFrom::Oldest, 1).unwrap();
            only.poll(1, |_| ()).unwrap();
            assert!(poll_run(&mut second) >= Some(2));
        });
        producer.join().unwrap();
        visitor.join().unwrap();
    });
}

#[test]
fn a_join_that_meets_a_close_is_refused_or_gets_what_the_ring_still_has() {
    loom::model(|| {
        let ring = full_ring(2);
        let joining = ring.clone();
        let joiner = thread::spawn(move || match joining.byte_join("late", &[], JoinFrom::Oldest, 1) {
            Err(error) => assert_eq!(error, JoinError::Closed),
            Ok(mut late) => {
                assert_eq!(late.wait(&LoomSleeper, None), Ok(Waited::Ready));
                assert_eq!(poll_run(&mut late), Some(2));
                assert_eq!(late.wait(&LoomSleeper, None), Ok(Waited::Ended));
            }
        });
        ring.close();
        joiner.join().unwrap();
    });
}

#[test]
fn a_join_that_a_close_has_not_seen_is_refused() {
    loom::model(|| {
        let graph = Builder::new(2).wait(Block).max_consumers(2).stage("only", &[]);
        let ring = graph.create(u8::default).unwrap();
        let joining = ring.clone();
        let joiner = thread::spawn(move || joining.join("late", &[], JoinFrom::Oldest));
        ring.close();
        let seen = ring.stats().stages.len() == 2;
        assert!(seen || joiner.join().unwrap().is_err());
    });
}

#[test]
fn of_two_that_join_under_one_name_one_does() {
    loom::model(|| {
        let ring = full_ring(3);
        let joiners = [1, 2].map(|owner| {
            let ring = ring.clone();
            thread::spawn(move || ring.byte_join("watch", &[], JoinFrom::Now, owner))
        });
        let [one, other] = joiners.map(|joiner| joiner.join().unwrap());
        let refused = [&one, &other].into_iter().filter(|outcome| outcome.is_err()).count();
        assert_eq!(refused, 1);
    });
}
