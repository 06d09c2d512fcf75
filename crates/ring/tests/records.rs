//! Records of any length keep their bytes and their order, wherever the ring's end falls.
#![cfg(not(loom))]

use millrace_park::ThreadSleeper;
use millrace_ring::{ClaimError, Config, ConfigError, OpenError, Ring, Seats, Wait, Waited};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Wake, Waker};
use std::time::Duration;

/// How often it was woken.
#[derive(Debug, Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn counting_waker() -> (Arc<Wakes>, Waker) {
    let wakes = Arc::<Wakes>::default();
    (wakes.clone(), wakes.into())
}

/// A ring whose consumers sleep at once: for one producer, or for so many.
fn sleeping(capacity: u32, producers: u32) -> Ring {
    let config = Config::bytes(capacity).wait(Wait::Block).stage("only", &[]);
    Ring::create_bytes(if producers > 0 { config.multi(producers) } else { config }, 0).unwrap()
}

proptest! {
    #[test]
    fn records_come_out_as_they_went_in(
        lengths in prop::collection::vec(0usize..480, 1..200),
        takes in prop::collection::vec(0u32..400, 1..50),
        start in prop_oneof![Just(0u32), (u32::MAX - 100)..=u32::MAX],
        multi: bool,
    ) {
        let config = Config::bytes(1024).start(start).stage("only", &[]);
        let config = if multi { config.multi(2) } else { config };
        let ring = Ring::create_bytes(config, 6).unwrap();
        let mut out = ring.byte_producer(1).unwrap();
        let mut only = ring.byte_consumer("only", 1).unwrap();
        let mut expected = VecDeque::new();
        let mut takes = takes.iter().cycle();
        for (i, length) in lengths.into_iter().enumerate() {
            let payload: Vec<u8> = (0..length).map(|at| (at * 7 + i) as u8).collect();
            let fields = [i as u8; 6];
            let (head, body) = payload.split_at(length / 3);
            while let Err(error) = out.try_push(|to| to.copy_from_slice(&fields), &[head, body]) {
                prop_assert_eq!(error, ClaimError::Full);
                out.flush();
                only.poll(takes.next().unwrap() + 32, |record| {
                    let (fields, payload): ([u8; 6], Vec<u8>) = expected.pop_front().unwrap();
                    assert_eq!((record.fields(), record.payload()), (&fields[..], &payload[..]));
                }).unwrap();
            }
            expected.push_back((fields, payload));
        }
        out.flush();
        only.poll(u32::MAX, |record| assert_eq!(record.payload(), expected.pop_front().unwrap().1)).unwrap();
        prop_assert!(expected.is_empty());
    }
}

/// A record as it lies in a ring, in granules of 32 bytes; without header fields.
fn lay_out(payload: &[u8]) -> Vec<u8> {
    let granules = (payload.len() + 8).div_ceil(32);
    let mut record = [payload.len() as u32, granules as u32].map(u32::to_ne_bytes).concat();
    record.extend_from_slice(payload);
    record.resize(granules * 32, 0);
    record
}

proptest! {
    #[test]
    fn staged_records_are_published_whole_and_in_order(
        flushes in prop::collection::vec(prop::collection::vec(0usize..240, 1..8), 1..60),
        start in prop_oneof![Just(0u32), (u32::MAX - 100)..=u32::MAX],
    ) {
        let config = Config::bytes(1024).multi(2).start(start).stage("only", &[]);
        // SAFETY: nobody else uses the seat.
        let ring = unsafe { Seats::of(Ring::create_bytes(config, 0).unwrap()) };
        let seat = ring.take_producer(1).unwrap();
        let mut only = ring.byte_consumer("only", 1).unwrap();
        let (mut sent, mut seen) = (Vec::new(), Vec::new());
        for lengths in flushes {
            let mut staged = Vec::new();
            for length in lengths {
                let payload = vec![sent.len() as u8; length];
                staged.extend(lay_out(&payload));
                sent.push(payload);
            }
            while !staged.is_empty() {
                match ring.publish_copied(seat, &staged, (staged.len() / 32) as u32) {
                    Ok(granules) => drop(staged.drain(..granules as usize * 32)),
                    Err(error) => prop_assert_eq!(error, ClaimError::Full),
                }
                only.poll(u32::MAX, |record| seen.push(record.payload().to_vec())).unwrap();
            }
        }
        prop_assert_eq!(seen, sent);
    }
}

#[test]
fn a_record_longer_than_half_the_ring_is_refused() {
    let ring = Ring::create_bytes(Config::bytes(1024).stage("only", &[]), 0).unwrap();
    let mut out = ring.byte_producer(1).unwrap();
    assert_eq!(out.max_payload(), 504);
    assert_eq!(out.try_push(|_| (), &[&[0; 505]]), Err(ClaimError::TooLarge));
    assert_eq!(out.try_push(|_| (), &[&[0; 504]]), Ok(()));
}

#[test]
fn bytes_that_make_no_ring_are_refused_by_their_number() {
    for bytes in [0, 32, 63, 65, 95, 96, 127, (1 << 30) + 32, 1 << 31, u32::MAX] {
        let refused = Ring::create_bytes(Config::bytes(bytes).stage("only", &[]), 0).map(drop);
        assert_eq!(refused, Err(ConfigError::Bytes(bytes.into())));
    }
    let error = ConfigError::Bytes(65).to_string();
    assert_eq!(error, "a byte ring has 65 bytes, allowed is a power of two from 64 to 2^30");
    let eight_gib = Ring::create_bytes(Config::new(1 << 28, 32).stage("only", &[]), 0).map(drop);
    assert_eq!(eight_gib, Err(ConfigError::Bytes(1 << 33)));
    Ring::create_bytes(Config::bytes(64).stage("only", &[]), 0).unwrap();
}

#[test]
fn nobody_waits_for_room_for_a_record_longer_than_half_the_ring() {
    let ring = Ring::create_bytes(Config::bytes(1024).stage("only", &[]), 0).unwrap();
    let mut out = ring.byte_producer(1).unwrap();
    for length in [505, 1024, u32::MAX as usize, usize::MAX] {
        assert!(out.wait_for_room(length, Waker::noop()), "{length}");
    }
}

#[test]
fn who_waits_for_room_has_flushed_what_would_make_it() {
    for producers in [0, 2] {
        let ring = sleeping(64, producers);
        let mut out = ring.byte_producer(1).unwrap();
        let mut only = ring.byte_consumer("only", 1).unwrap();
        let ((consumer, waker), (producer, for_room)) = (counting_waker(), counting_waker());
        assert!(only.arm(&waker));
        (0..2).for_each(|_| out.try_push(|_| (), &[]).unwrap());
        assert!(!out.wait_for_room(0, &for_room));
        assert_eq!(consumer.0.load(Relaxed), 1);
        assert_eq!(only.poll(u32::MAX, |_| ()), Ok(2));
        assert_eq!(producer.0.load(Relaxed), 1);
    }
}

#[test]
fn who_publishes_waits_for_as_much_room_as_its_record_takes() {
    let ring = sleeping(256, 0);
    let mut out = ring.byte_producer(1).unwrap();
    (0..8).for_each(|_| out.try_push(|_| (), &[]).unwrap());
    let (mut only, closing) = (ring.byte_consumer("only", 1).unwrap(), ring.clone());
    let publishing = std::thread::spawn(move || {
        let sleeper = ThreadSleeper::current();
        let long = out.publish(&sleeper, None, |_| (), &[&[1; 60], &[2; 60]]);
        closing.close();
        (long, out.publish(&sleeper, None, |_| (), &[&[3; 120]]))
    });
    let sleeper = ThreadSleeper::current();
    let mut lengths = Vec::new();
    while only.wait(&sleeper, None) == Ok(Waited::Ready) {
        only.poll(1, |record| lengths.push(record.payload().len())).unwrap();
    }
    assert_eq!(publishing.join().unwrap(), (Ok(()), Err(ClaimError::Closed)));
    assert_eq!(lengths, [0, 0, 0, 0, 0, 0, 0, 0, 120]);
}

#[test]
fn who_publishes_waits_no_longer_than_it_says_and_writes_nothing_then() {
    let ring = Ring::create_bytes(Config::bytes(64).stage("only", &[]), 0).unwrap();
    let mut out = ring.byte_producer(1).unwrap();
    let sleeper = ThreadSleeper::current();
    (0..2).for_each(|_| out.publish(&sleeper, None, |_| (), &[]).unwrap());
    let mut publish = |timeout, parts: &[&[u8]]| {
        out.publish(&sleeper, Some(Duration::from_millis(timeout)), |_| unreachable!("there is no room"), parts)
    };
    assert_eq!(publish(0, &[]), Err(ClaimError::Full));
    assert_eq!(publish(1, &[]), Err(ClaimError::Full));
    assert_eq!(publish(1, &[&[0; 25]]), Err(ClaimError::TooLarge));
}

#[test]
fn a_record_whose_writer_panics_is_skipped() {
    let ring = Ring::create_bytes(Config::bytes(1024).multi(1).stage("only", &[]), 4).unwrap();
    let mut out = ring.byte_producer(1).unwrap();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _ = out.try_push(|_| resume_unwind(Box::new(())), &[b"lost"]);
    }));
    assert!(unwound.is_err());
    out.try_push(|_| (), &[b"kept"]).unwrap();
    out.flush();
    let mut seen = Vec::new();
    ring.byte_consumer("only", 1).unwrap().poll(u32::MAX, |record| seen.push(record.payload().to_vec())).unwrap();
    assert_eq!(seen, [b"kept"]);
}

#[test]
fn a_record_published_behind_one_that_is_being_written_is_not_slept_through() {
    for unwinds in [false, true] {
        let ring = sleeping(256, 2);
        let [mut slow, mut fast] = [1, 1].map(|owner| ring.byte_producer(owner).unwrap());
        let mut only = ring.byte_consumer("only", 1).unwrap();
        let (wakes, waker) = counting_waker();
        let write = |_: &mut [u8]| {
            fast.publish(&ThreadSleeper::current(), None, |_| (), &[b"fast"]).unwrap();
            assert!(only.arm(&waker));
            if unwinds {
                resume_unwind(Box::new(()));
            }
        };
        let pushed = catch_unwind(AssertUnwindSafe(|| slow.try_push(write, &[b"slow"])));
        assert_eq!((pushed.is_err(), wakes.0.load(Relaxed)), (unwinds, 1));
        assert_eq!(only.poll(u32::MAX, |_| ()), Ok(if unwinds { 1 } else { 2 }));
    }
}

#[test]
fn what_one_producer_pushes_wakes_nobody_before_it_is_flushed() {
    for producers in [0, 2] {
        let ring = sleeping(256, producers);
        let mut out = ring.byte_producer(1).unwrap();
        let (wakes, waker) = counting_waker();
        let mut only = ring.byte_consumer("only", 1).unwrap();
        assert!(only.arm(&waker));
        (0..3).for_each(|_| out.try_push(|_| (), &[b"one"]).unwrap());
        assert_eq!(wakes.0.load(Relaxed), 0);
        out.flush();
        assert_eq!(wakes.0.load(Relaxed), 1);
    }
}

#[test]
fn nobody_is_promised_a_wake_where_consumers_never_sleep() {
    for (wait, wakes) in [(Wait::Block, true), (Wait::Adaptive, true), (Wait::Yield, false), (Wait::Spin, false)] {
        let ring = Ring::create_bytes(Config::bytes(1024).wait(wait).stage("only", &[]), 0).unwrap();
        let mut only = ring.byte_consumer("only", 1).unwrap();
        assert_eq!(only.arm(Waker::noop()), wakes, "{wait:?}");
    }
}

#[test]
fn a_ring_of_events_holds_no_records() {
    let ring = Ring::create(Config::new(8, 8).stage("only", &[])).unwrap();
    assert_eq!(ring.byte_producer(1).unwrap_err(), OpenError::Kind);
}
