//! Publish against publish, against consume, against close: nothing is lost, seen early or left behind.
#![cfg(loom)]

mod loom_sleeper;

use loom::thread;
use loom_sleeper::LoomSleeper;
use millrace_ring::{ClaimError, Config, Consumer, Ring, Wait, Waited};

fn consume_all(mut consumer: Consumer) -> Vec<u8> {
    let mut seen = Vec::new();
    while consumer.wait(&LoomSleeper, None).unwrap() != Waited::Ended {
        consumer.poll(u32::MAX, |_, slot, _| seen.push(slot[0])).unwrap();
    }
    seen
}

fn config(capacity: u32) -> Config {
    Config::new(capacity, 4).wait(Wait::Block).start(u32::MAX)
}

#[test]
fn one_producer_against_its_consumer_and_a_full_ring() {
    loom::model(|| {
        let ring = Ring::create(config(2).stage("only", &[])).unwrap();
        let consumer = ring.consumer("only", 1).unwrap();
        let producing = ring.clone();
        let handle = thread::spawn(move || {
            let mut out = producing.producer(1).unwrap();
            for value in 1..=3 {
                while out.try_publish(1, |_, slot| slot[0] = value) == Err(ClaimError::Full) {
                    out.wait(1, &LoomSleeper, None).unwrap();
                }
            }
            producing.close();
        });
        assert_eq!(consume_all(consumer), [1, 2, 3]);
        handle.join().unwrap();
    });
}

#[test]
fn two_producers_leave_no_claim_behind() {
    loom::model(|| {
        let ring = Ring::create(config(4).multi(2).stage("only", &[])).unwrap();
        let mut consumer = ring.consumer("only", 1).unwrap();
        let handles = [1u8, 2].map(|value| {
            let ring = ring.clone();
            thread::spawn(move || {
                let mut out = ring.producer(1).unwrap();
                out.try_publish(u32::from(value), |_, slot| slot[0] = value).unwrap();
            })
        });
        for handle in handles {
            handle.join().unwrap();
        }
        let mut seen = Vec::new();
        consumer.poll(u32::MAX, |_, slot, _| seen.push(slot[0])).unwrap();
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 2]);
    });
}

#[test]
fn two_producers_wake_the_consumer_for_the_last_event() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let ring = Ring::create(config(2).multi(2).stage("only", &[])).unwrap();
        let mut consumer = ring.consumer("only", 1).unwrap();
        let handles = [1u8, 2].map(|value| {
            let ring = ring.clone();
            thread::spawn(move || ring.producer(1).unwrap().try_publish(1, |_, slot| slot[0] = value).unwrap())
        });
        let mut sum = 0;
        while sum != 3 {
            assert_eq!(consumer.wait(&LoomSleeper, None), Ok(Waited::Ready));
            consumer.poll(u32::MAX, |_, slot, _| sum += slot[0]).unwrap();
        }
        for handle in handles {
            handle.join().unwrap();
        }
    });
}

#[test]
fn a_close_reaches_a_waiting_producer() {
    loom::model(|| {
        let ring = Ring::create(config(2).stage("only", &[])).unwrap();
        let mut out = ring.producer(1).unwrap();
        out.try_publish(2, |_, _| ()).unwrap();
        // The waiter is not the thread that joins: loom takes an unpark that comes during a join for a defect.
        let handle = thread::spawn(move || {
            while out.try_publish(1, |_, _| ()) != Err(ClaimError::Closed) {
                out.wait(1, &LoomSleeper, None).unwrap();
            }
        });
        ring.close();
        handle.join().unwrap();
    });
}

#[test]
fn a_close_reaches_a_waiting_consumer_behind_what_was_published() {
    loom::model(|| {
        let ring = Ring::create(config(2).stage("only", &[])).unwrap();
        let consumer = ring.consumer("only", 1).unwrap();
        let closing = ring.clone();
        let handle = thread::spawn(move || {
            closing.producer(1).unwrap().try_publish(1, |_, slot| slot[0] = 7).unwrap();
            closing.close();
        });
        assert_eq!(consume_all(consumer), [7]);
        handle.join().unwrap();
    });
}

#[test]
fn a_join_is_woken_by_whichever_side_comes_last() {
    loom::model(|| {
        let ring =
            Ring::create(config(2).stage("left", &[]).stage("right", &[]).stage("join", &["left", "right"])).unwrap();
        let mut out = ring.producer(1).unwrap();
        out.try_publish(1, |_, _| ()).unwrap();
        let sides = ["left", "right"].map(|side| {
            let mut consumer = ring.consumer(side, 1).unwrap();
            thread::spawn(move || assert_eq!(consumer.poll(1, |_, _, _| ()), Ok(1)))
        });
        let mut join = ring.consumer("join", 1).unwrap();
        assert_eq!(join.wait(&LoomSleeper, None), Ok(Waited::Ready));
        for side in sides {
            side.join().unwrap();
        }
    });
}

/// Whatever a producer was told is accepted comes to the consumer, however a close of another thread meets it.
fn a_close_meets_a_publish(ring: fn() -> Ring, publish: fn(&Ring) -> usize, consume: fn(&Ring) -> usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let ring = ring();
        let (producing, consuming) = (ring.clone(), ring.clone());
        let producer = thread::spawn(move || publish(&producing));
        let consumer = thread::spawn(move || consume(&consuming));
        ring.close();
        assert_eq!(consumer.join().unwrap(), producer.join().unwrap());
    });
}

fn publish_one(ring: &Ring) -> usize {
    usize::from(ring.producer(1).unwrap().try_publish(1, |_, _| ()).is_ok())
}

fn consume_events(ring: &Ring) -> usize {
    consume_all(ring.consumer("only", 1).unwrap()).len()
}

#[test]
fn a_close_meets_the_publish_of_one_producer() {
    let ring = || Ring::create(config(2).stage("only", &[])).unwrap();
    a_close_meets_a_publish(ring, publish_one, consume_events);
}

#[test]
fn a_close_meets_the_publish_of_one_of_many() {
    let ring = || Ring::create(config(2).multi(2).stage("only", &[])).unwrap();
    a_close_meets_a_publish(ring, publish_one, consume_events);
}

#[test]
fn a_close_meets_records_that_are_flushed_later() {
    let ring = || Ring::create_bytes(Config::bytes(128).wait(Wait::Block).stage("only", &[]), 0).unwrap();
    let publish = |ring: &Ring| {
        let mut out = ring.byte_producer(1).unwrap();
        let pushed = (0..2).filter(|_| out.try_push(|_| (), &[b"x"]).is_ok()).count();
        out.flush();
        pushed
    };
    let consume = |ring: &Ring| {
        let mut consumer = ring.byte_consumer("only", 1).unwrap();
        let mut seen = 0;
        while consumer.wait(&LoomSleeper, None).unwrap() != Waited::Ended {
            consumer.poll(u32::MAX, |_| seen += 1).unwrap();
        }
        seen
    };
    a_close_meets_a_publish(ring, publish, consume);
}
