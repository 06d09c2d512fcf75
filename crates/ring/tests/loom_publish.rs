//! Publish against publish, against consume, against close: nothing is lost, seen early or left behind.
#![cfg(loom)]

mod loom_sleeper;

use loom::thread;
use loom_sleeper::LoomSleeper;
use millrace_ring::{ByteConsumer, ByteProducer, ClaimError, Config, Ring, Wait, Waited};

fn consume_all(mut consumer: ByteConsumer) -> Vec<u8> {
    let mut seen = Vec::new();
    while consumer.wait(&LoomSleeper, None).unwrap() != Waited::Ended {
        consumer.poll(u32::MAX, |record| seen.push(record.fields()[0])).unwrap();
    }
    seen
}

/// For so many records that are a number each.
fn config(capacity: u32) -> Config {
    Config::bytes(capacity * 32).wait(Wait::Block).start(u32::MAX)
}

fn create(config: Config) -> Ring {
    Ring::create_bytes(config, 1).unwrap()
}

fn bounded(preemptions: usize, check: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(check);
}

fn push(out: &mut ByteProducer, value: u8) -> Result<(), ClaimError> {
    out.publish(&LoomSleeper, None, |fields| fields[0] = value, &[])
}

#[test]
fn one_producer_against_its_consumer_and_a_full_ring() {
    loom::model(|| {
        let ring = create(config(2).stage("only", &[]));
        let consumer = ring.byte_consumer("only", 1).unwrap();
        let producing = ring.clone();
        let handle = thread::spawn(move || {
            let mut out = producing.byte_producer(1).unwrap();
            (1..=3).for_each(|value| push(&mut out, value).unwrap());
            producing.close();
        });
        assert_eq!(consume_all(consumer), [1, 2, 3]);
        handle.join().unwrap();
    });
}

#[test]
fn two_producers_leave_no_claim_behind() {
    loom::model(|| {
        let ring = create(config(4).multi(2).stage("only", &[]));
        let mut consumer = ring.byte_consumer("only", 1).unwrap();
        let handles = [1u8, 2].map(|value| {
            let ring = ring.clone();
            thread::spawn(move || {
                let mut out = ring.byte_producer(1).unwrap();
                (0..value).for_each(|_| push(&mut out, value).unwrap());
            })
        });
        for handle in handles {
            handle.join().unwrap();
        }
        let mut seen = Vec::new();
        consumer.poll(u32::MAX, |record| seen.push(record.fields()[0])).unwrap();
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 2]);
    });
}

#[test]
fn two_producers_wake_the_consumer_for_the_last_event() {
    bounded(2, || {
        let ring = create(config(2).multi(2).stage("only", &[]));
        let mut consumer = ring.byte_consumer("only", 1).unwrap();
        let handles = [1u8, 2].map(|value| {
            let ring = ring.clone();
            thread::spawn(move || push(&mut ring.byte_producer(1).unwrap(), value).unwrap())
        });
        let mut sum = 0;
        while sum != 3 {
            assert_eq!(consumer.wait(&LoomSleeper, None), Ok(Waited::Ready));
            consumer.poll(u32::MAX, |record| sum += record.fields()[0]).unwrap();
        }
        for handle in handles {
            handle.join().unwrap();
        }
    });
}

/// Whichever claims first: the other's record waits for a flush that does not come.
#[test]
fn a_record_is_not_slept_through_beside_one_that_is_not_flushed() {
    bounded(2, || {
        let ring = create(config(2).multi(2).stage("only", &[]));
        let mut consumer = ring.byte_consumer("only", 1).unwrap();
        let [mut pushing, mut publishing] = [1, 1].map(|owner| ring.byte_producer(owner).unwrap());
        let pushed = thread::spawn(move || {
            pushing.try_push(|fields| fields[0] = 2, &[]).unwrap();
            pushing
        });
        let published = thread::spawn(move || push(&mut publishing, 1).unwrap());
        let mut seen = Vec::new();
        while !seen.contains(&1) {
            assert_eq!(consumer.wait(&LoomSleeper, None), Ok(Waited::Ready));
            consumer.poll(u32::MAX, |record| seen.push(record.fields()[0])).unwrap();
        }
        drop((pushed.join().unwrap(), published.join().unwrap()));
    });
}

#[test]
fn a_close_reaches_a_waiting_producer() {
    loom::model(|| {
        let ring = create(config(2).stage("only", &[]));
        let mut out = ring.byte_producer(1).unwrap();
        (0..2).for_each(|value| push(&mut out, value).unwrap());
        // The waiter is not the thread that joins: loom takes an unpark that comes during a join for a defect.
        let handle = thread::spawn(move || assert_eq!(push(&mut out, 2), Err(ClaimError::Closed)));
        ring.close();
        handle.join().unwrap();
    });
}

#[test]
fn a_close_reaches_a_waiting_consumer_behind_what_was_published() {
    loom::model(|| {
        let ring = create(config(2).stage("only", &[]));
        let consumer = ring.byte_consumer("only", 1).unwrap();
        let closing = ring.clone();
        let handle = thread::spawn(move || {
            push(&mut closing.byte_producer(1).unwrap(), 7).unwrap();
            closing.close();
        });
        assert_eq!(consume_all(consumer), [7]);
        handle.join().unwrap();
    });
}

#[test]
fn a_join_is_woken_by_whichever_side_comes_last() {
    loom::model(|| {
        let ring = create(config(2).stage("left", &[]).stage("right", &[]).stage("join", &["left", "right"]));
        push(&mut ring.byte_producer(1).unwrap(), 1).unwrap();
        let sides = ["left", "right"].map(|side| {
            let mut consumer = ring.byte_consumer(side, 1).unwrap();
            thread::spawn(move || assert_eq!(consumer.poll(1, |_| ()), Ok(1)))
        });
        let mut join = ring.byte_consumer("join", 1).unwrap();
        assert_eq!(join.wait(&LoomSleeper, None), Ok(Waited::Ready));
        for side in sides {
            side.join().unwrap();
        }
    });
}

/// Whatever a producer was told is accepted comes to the consumer, however a close of another thread meets it.
fn a_close_meets_a_publish(ring: fn() -> Ring, publish: fn(&Ring) -> usize, consume: fn(&Ring) -> usize) {
    bounded(3, move || {
        let ring = ring();
        let (producing, consuming) = (ring.clone(), ring.clone());
        let producer = thread::spawn(move || publish(&producing));
        let consumer = thread::spawn(move || consume(&consuming));
        ring.close();
        assert_eq!(consumer.join().unwrap(), producer.join().unwrap());
    });
}

fn publish_one(ring: &Ring) -> usize {
    usize::from(push(&mut ring.byte_producer(1).unwrap(), 7).is_ok())
}

fn consume(ring: &Ring) -> usize {
    consume_all(ring.byte_consumer("only", 1).unwrap()).len()
}

#[test]
fn a_close_meets_the_publish_of_one_producer() {
    let ring = || create(config(2).stage("only", &[]));
    a_close_meets_a_publish(ring, publish_one, consume);
}

#[test]
fn a_close_meets_the_publish_of_one_of_many() {
    let ring = || create(config(2).multi(2).stage("only", &[]));
    a_close_meets_a_publish(ring, publish_one, consume);
}

/// Who was slower than another, and finds the ring closed when it tries again, has the consumer look again.
#[test]
fn a_close_meets_the_publish_of_who_was_slower() {
    bounded(2, || {
        let ring = create(config(4).multi(2).stage("only", &[]));
        let start = |part: fn(&Ring) -> usize| {
            let ring = ring.clone();
            thread::spawn(move || part(&ring))
        };
        let slower = start(publish_one);
        let faster = start(|ring| {
            let accepted = publish_one(ring);
            ring.close();
            accepted
        });
        let consumer = start(consume);
        let accepted = slower.join().unwrap() + faster.join().unwrap();
        assert_eq!(consumer.join().unwrap(), accepted);
    });
}

#[test]
fn a_close_meets_records_that_are_flushed_later() {
    let ring = || create(config(4).stage("only", &[]));
    let publish = |ring: &Ring| {
        let mut out = ring.byte_producer(1).unwrap();
        let pushed = (0..2).filter(|_| out.try_push(|_| (), &[]).is_ok()).count();
        out.flush();
        pushed
    };
    a_close_meets_a_publish(ring, publish, consume);
}
