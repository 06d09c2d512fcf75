//! Typed rings: publish against publish, consume, abort and close; nothing is lost, seen early or left behind.
#![cfg(loom)]

use loom::thread;
use millrace_ring::typed::{Block, Builder, Claim, Consumer, OnError, Owned, Producer, Ring, Stage};
use millrace_ring::{ClaimError, JoinFrom};

/// The wrap comes at once.
const START: u32 = u32::MAX;

fn bounded(check: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(check);
}

fn builder(capacity: u32) -> Builder<Block> {
    Builder::new(capacity).wait(Block).start(START).stage("only", &[])
}

fn consume_all(mut consumer: Consumer<u8, Block>) -> Vec<u8> {
    let mut seen = Vec::new();
    consumer.run(|n, _, _| seen.push(*n));
    seen
}

#[test]
fn one_producer_against_its_consumer_and_a_full_ring() {
    bounded(|| {
        let ring = builder(2).create(|| 0).unwrap();
        let consumer = ring.consumer("only").unwrap();
        let consuming = thread::spawn(move || consume_all(consumer));
        let producing = ring.clone();
        let producer = thread::spawn(move || {
            let mut out = producing.producer().unwrap();
            for n in 1..=3 {
                out.publish(|event| *event = n).unwrap();
            }
            producing.close();
        });
        producer.join().unwrap();
        assert_eq!(consuming.join().unwrap(), [1, 2, 3]);
    });
}

#[test]
fn two_producers_wake_the_consumer_for_the_last_event() {
    bounded(|| {
        let ring = builder(4).multi(2).create(|| 0).unwrap();
        let producers = [1, 2].map(|n| {
            let ring = ring.clone();
            thread::spawn(move || ring.producer().unwrap().try_publish(|event| *event = n).unwrap())
        });
        let mut consumer = ring.consumer("only").unwrap();
        let consuming = thread::spawn(move || {
            let mut sum = 0;
            while sum != 3 {
                consumer.wait(None);
                consumer.poll(8, |n, _, _| sum += n);
            }
        });
        for producer in producers {
            producer.join().unwrap();
        }
        consuming.join().unwrap();
    });
}

#[test]
fn a_claim_that_is_given_up_holds_nobody_up() {
    bounded(|| {
        let ring = builder(4).multi(2).create(|| 0).unwrap();
        let (aborting, publishing) = (ring.clone(), ring.clone());
        let aborter = thread::spawn(move || {
            let mut out = aborting.producer().unwrap();
            let mut claim = out.try_claim(2).unwrap();
            claim[0] = 1;
            claim.commit_first(1);
        });
        let publisher = thread::spawn(move || {
            let mut out = publishing.producer().unwrap();
            drop(out.try_claim(1).unwrap());
            out.try_publish(|event| *event = 2).unwrap();
        });
        aborter.join().unwrap();
        publisher.join().unwrap();
        ring.close();
        let mut seen = consume_all(ring.consumer("only").unwrap());
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
    });
}

/// Whatever a producer was told is accepted comes to the consumer, however a close of another thread meets it.
fn a_close_meets<P: Send + Sync + 'static>(
    create: fn() -> Ring<u8, Block, P>,
    publish: fn(&Ring<u8, Block, P>) -> Result<(), ClaimError>,
) {
    bounded(move || {
        let ring = create();
        let (producing, consumer) = (ring.clone(), ring.consumer("only").unwrap());
        let producer = thread::spawn(move || publish(&producing));
        let consuming = thread::spawn(move || consume_all(consumer));
        ring.close();
        assert_eq!(consuming.join().unwrap().len(), usize::from(producer.join().unwrap().is_ok()));
    });
}

#[test]
fn a_close_meets_the_publish_of_one_producer() {
    a_close_meets(|| builder(2).create(|| 0).unwrap(), |ring| ring.producer().unwrap().try_publish(|_| ()));
}

#[test]
fn a_close_meets_the_publish_of_one_of_many() {
    a_close_meets(|| builder(2).multi(2).create(|| 0).unwrap(), |ring| ring.producer().unwrap().try_publish(|_| ()));
}

/// A claim that is given up was accepted and is no event: nobody may wait for it, or be left asleep.
#[test]
fn a_close_meets_a_claim_that_one_producer_gives_up() {
    a_close_meets(
        || builder(2).create(|| 0).unwrap(),
        |ring| ring.producer().unwrap().try_claim(1).map(drop).and(Err(ClaimError::Full)),
    );
}

#[test]
fn a_close_meets_a_claim_that_one_of_many_gives_up() {
    a_close_meets(
        || builder(2).multi(2).create(|| 0).unwrap(),
        |ring| ring.producer().unwrap().try_claim(1).map(drop).and(Err(ClaimError::Full)),
    );
}

#[test]
fn a_stage_is_opened_exclusively_or_joined_beside() {
    bounded(|| {
        let ring = builder(2).max_consumers(2).create(|| 0).unwrap();
        let joining = ring.clone();
        let joiner = thread::spawn(move || joining.join("late", &[], JoinFrom::Now));
        let exclusive = ring.exclusive_consumer("only");
        let joined = joiner.join().unwrap();
        assert_ne!(exclusive.is_ok(), joined.is_ok());
    });
}

/// A stage that joins may be further behind for a moment than the room that was waited for. That takes a preemption of
/// the producer between two looks, and two of who joins.
fn waits_for_room_again(publish: fn(&mut Producer<u8, Block>) -> Result<(), ClaimError>) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let ring = builder(2).max_consumers(2).create(|| 0).unwrap();
        let (mut out, mut only) = (ring.producer().unwrap(), ring.consumer("only").unwrap());
        out.try_publish_many(2, |_, _| ()).unwrap();
        let joiner = thread::spawn(move || drop(ring.join("late", &[], JoinFrom::Oldest).unwrap()));
        let producer = thread::spawn(move || {
            assert_eq!(only.poll(1, |_, _, _| ()), 1);
            publish(&mut out)
        });
        joiner.join().unwrap();
        assert_eq!(producer.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_publish_waits_for_room_again_when_a_stage_that_joins_was_behind() {
    waits_for_room_again(|out| out.publish(|event| *event = 1));
}

#[test]
fn a_publish_of_many_waits_for_room_again_when_a_stage_that_joins_was_behind() {
    waits_for_room_again(|out| out.publish_many(1, |_, event| *event = 1));
}

#[test]
fn a_claim_waits_for_room_again_when_a_stage_that_joins_was_behind() {
    waits_for_room_again(|out| out.claim(1, None).map(Claim::commit));
}

enum Parse {}
impl Stage for Parse {
    const NAME: &'static str = "parse";
}

fn pipeline() -> Builder<Block> {
    Builder::new(2).wait(Block).start(START).stage("parse", &[]).stage("store", &["parse"])
}

#[test]
fn what_a_stage_owns_is_seen_by_the_stage_behind_it() {
    bounded(|| {
        let ring = pipeline().create(Owned::<Parse, u8>::default).unwrap();
        let (mut parse, mut store) = (ring.consumer_of::<Parse>().unwrap(), ring.consumer("store").unwrap());
        let parsing = thread::spawn(move || parse.run(|event, writer, _, _| event.set(writer, event.get() * 2)));
        let storing = thread::spawn(move || {
            let mut seen = Vec::new();
            store.run(|event, _, _| seen.push(event.get()));
            seen
        });
        ring.producer().unwrap().try_publish_many(2, |at, event| event.reset(1 + at as u8)).unwrap();
        ring.close();
        parsing.join().unwrap();
        assert_eq!(storing.join().unwrap(), [2, 4]);
    });
}

#[test]
fn a_failure_of_a_closed_ring_ends_the_stage_behind_it() {
    bounded(|| {
        let ring = pipeline().create(|| 0).unwrap();
        ring.producer().unwrap().try_publish_many(2, |at, event| *event = at).unwrap();
        let (mut parse, store) = (ring.consumer("parse").unwrap(), ring.consumer("store").unwrap());
        let parsing = thread::spawn(move || {
            parse.run_fallible(OnError::Stop, |n, _, _| if *n == 1 { Err("no") } else { Ok(()) }).unwrap_err();
        });
        let storing = thread::spawn(move || {
            let (mut store, mut seen) = (store, Vec::new());
            store.run(|n, _, _| seen.push(*n));
            seen
        });
        ring.close();
        parsing.join().unwrap();
        assert_eq!(storing.join().unwrap(), [0]);
    });
}
