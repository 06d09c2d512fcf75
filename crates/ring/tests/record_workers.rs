//! Workers that share a byte ring's records: each goes to one of them, whole, and what one leaves comes to the others.
#![cfg(not(loom))]

use millrace_park::ThreadSleeper;
use millrace_ring::typed::{OnError, Ran};
use millrace_ring::{ByteConsumer, ClaimError, Config, Failed, OpenError, Ring, Seats, Wait, Waited};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;
use std::thread;
use std::time::Duration;

/// So that sequences wrap on the way.
const START: u32 = u32::MAX - 100;
const RECORDS: u32 = 5_000;

fn jobs(wait: Wait, workers: u32, producers: u32) -> Ring {
    let config = Config::bytes(2048).wait(wait).start(START).workers("work", &[], workers).stage("behind", &["work"]);
    Ring::create_bytes(if producers > 1 { config.multi(producers) } else { config }, 8).unwrap()
}

/// Publishes numbered records of all lengths, whose payloads repeat the number.
fn publish(ring: &Ring, numbers: impl IntoIterator<Item = u32>) {
    let mut out = ring.byte_producer(1).unwrap();
    let sleeper = ThreadSleeper::current();
    for n in numbers {
        let payload = vec![n as u8; n as usize * 7 % 400];
        out.publish(&sleeper, None, |fields| fields[..4].copy_from_slice(&n.to_le_bytes()), &[&payload]).unwrap();
    }
}

fn number(fields: &[u8]) -> u32 {
    u32::from_le_bytes(fields[..4].try_into().unwrap())
}

/// Notes in the record that it was done, of which no other worker knows.
fn work(worker: &mut ByteConsumer) -> u32 {
    let mut done = 0;
    worker.run(&ThreadSleeper::current(), |record| {
        let n = number(record.fields());
        assert!(record.payload().len() == n as usize * 7 % 400 && record.payload().iter().all(|byte| *byte == n as u8));
        // SAFETY: no stage is beside this one, and the record is this worker's.
        unsafe { record.fields_mut().write(4, &1u32.to_le_bytes()) };
        done += 1;
    });
    done
}

/// What the stage behind sees, each done.
fn follow(ring: &Ring) -> Vec<u32> {
    let mut seen = Vec::new();
    ring.byte_consumer("behind", 1).unwrap().run(&ThreadSleeper::current(), |record| {
        assert_eq!(record.fields()[4], 1);
        seen.push(number(record.fields()));
    });
    seen
}

fn each_record_goes_to_one_worker(wait: Wait, workers: u32, producers: u32) {
    let ring = jobs(wait, workers, producers);
    thread::scope(|scope| {
        let working: Vec<_> = (0..workers)
            .map(|_| {
                let mut worker = ring.byte_worker("work", 1).unwrap();
                scope.spawn(move || work(&mut worker))
            })
            .collect();
        let following = scope.spawn(|| follow(&ring));
        let share = RECORDS / producers;
        let publishing: Vec<_> = (0..producers)
            .map(|at| (at * share..(at + 1) * share, &ring))
            .map(|(part, ring)| scope.spawn(move || publish(ring, part)))
            .collect();
        for thread in publishing {
            thread.join().unwrap();
        }
        ring.close();
        let done: u32 = working.into_iter().map(|worker| worker.join().unwrap()).sum();
        let mut seen = following.join().unwrap();
        if producers > 1 {
            seen.sort_unstable();
        }
        assert!(seen.iter().copied().eq(0..RECORDS), "{} were seen", seen.len());
        assert_eq!(done, RECORDS);
    });
    let stats = ring.stats().unwrap();
    assert!(stats.stages.iter().all(|stage| stage.lag == 0 && stage.sequence == stats.cursor && stage.batches > 0));
}

#[test]
fn each_record_goes_to_one_of_three_workers_that_sleep() {
    each_record_goes_to_one_worker(Wait::Block, 3, 1);
}

#[test]
fn each_record_of_two_producers_goes_to_one_of_two_adaptive_workers() {
    each_record_goes_to_one_worker(Wait::Adaptive, 2, 2);
}

#[test]
fn each_record_goes_to_one_of_two_workers_that_yield() {
    each_record_goes_to_one_worker(Wait::Yield, 2, 1);
}

#[test]
fn what_a_panicking_worker_leaves_comes_to_the_others() {
    let ring = jobs(Wait::Block, 3, 1);
    thread::scope(|scope| {
        for dying in 0..3 {
            let ring = &ring;
            scope.spawn(move || {
                for _ in 0..if dying == 0 { 0 } else { 50 } {
                    let mut worker = ring.byte_worker("work", 1).unwrap();
                    let mut left = 20;
                    let die = AssertUnwindSafe(|| {
                        worker.run(&ThreadSleeper::current(), |record| {
                            if left == 0 {
                                resume_unwind(Box::new(()));
                            }
                            left -= 1;
                            // SAFETY: as in `work`.
                            unsafe { record.fields_mut().write(4, &1u32.to_le_bytes()) };
                        });
                    });
                    // Not: when the ring has ended.
                    if catch_unwind(die).is_ok() {
                        return;
                    }
                }
                work(&mut ring.byte_worker("work", 1).unwrap());
            });
        }
        let following = scope.spawn(|| follow(&ring));
        publish(&ring, 0..RECORDS);
        ring.close();
        assert!(following.join().unwrap().into_iter().eq(0..RECORDS));
    });
}

/// Two workers, and records 0 to 7 of a granule each, of which each can take four at a time.
fn two_with_eight() -> (Ring, ByteConsumer, ByteConsumer) {
    let ring = jobs(Wait::Block, 2, 1);
    let mut out = ring.byte_producer(1).unwrap();
    (0u8..8).for_each(|n| out.try_push(|fields| fields[0] = n, &[]).unwrap());
    out.flush();
    let [one, other] = [(); 2].map(|()| ring.byte_worker("work", 1).unwrap());
    (ring, one, other)
}

/// The records that come to who polls, `max` bytes at a time.
fn polled(worker: &mut ByteConsumer, max: u32) -> Vec<u8> {
    let mut seen = Vec::new();
    while worker.poll(max, |record| seen.push(record.fields()[0])).unwrap() > 0 {}
    seen
}

#[test]
fn what_a_worker_took_and_did_not_release_comes_to_the_others_when_it_is_dropped() {
    let (ring, mut leaving, mut other) = two_with_eight();
    ring.close();
    // Four are taken, one of them is released.
    let stop = |sequence| if sequence == START.wrapping_add(1) { Err(Failed::Stop) } else { Ok(()) };
    assert_eq!(leaving.try_poll(u32::MAX, |record| stop(record.sequence)), Ok(1));
    assert_eq!(polled(&mut other, 32), [4, 5, 6, 7]);
    assert_eq!(other.wait(&ThreadSleeper::current(), Some(Duration::ZERO)), Ok(Waited::TimedOut));
    assert!(!other.ended());
    drop(leaving);
    assert_eq!(other.wait(&ThreadSleeper::current(), None), Ok(Waited::Ready));
    assert_eq!(polled(&mut other, u32::MAX), [1, 2, 3]);
    assert_eq!(other.wait(&ThreadSleeper::current(), None), Ok(Waited::Ended));
    assert_eq!(ring.stats().unwrap().stages[0].sequence, u64::from(START) + 8);
}

#[test]
fn a_worker_that_stops_fails_the_ring_and_keeps_what_it_did_not_do() {
    let (ring, mut failing, mut other) = two_with_eight();
    let sleeper = ThreadSleeper::current();
    let fail = |n: u8| if n == 2 { Err("no") } else { Ok(()) };
    let stopped =
        failing.run_fallible(&sleeper, OnError::Stop, |_, _| (), |record| fail(record.fields()[0])).unwrap_err();
    assert_eq!((stopped.error, stopped.sequence, stopped.ran.consumed), ("no", u64::from(START) + 2, 2));
    assert_eq!(ring.byte_producer(1).unwrap().try_push(|_| (), &[]), Err(ClaimError::Closed));
    assert_eq!(ring.failure().unwrap().part, "work");
    drop(failing);
    let mut seen = Vec::new();
    other.run(&sleeper, |record| seen.push(record.fields()[0]));
    assert_eq!(seen, [4, 5, 6, 7]);
    let mut behind = Vec::new();
    ring.byte_consumer("behind", 1).unwrap().run(&sleeper, |record| behind.push(record.fields()[0]));
    assert_eq!(behind, [0, 1]);
}

#[test]
fn workers_that_skip_or_begin_again_are_counted_in_their_stage() {
    let (ring, mut retrying, mut skipping) = two_with_eight();
    ring.close();
    let sleeper = ThreadSleeper::current();
    let (mut failures, mut numbers) = (2, Vec::new());
    let retry = OnError::Retry { attempts: 3, backoff: Duration::ZERO };
    let ran = retrying.run_fallible(
        &sleeper,
        retry,
        |_, _| unreachable!("none is passed over"),
        |record| match record.fields()[0] {
            2 if failures > 0 => {
                failures -= 1;
                Err("no")
            }
            3 => {
                // The other one's share, so that this one's is the first batch alone.
                let mut recovery = skipping.recovery(OnError::Skip, |_, number| numbers.push(number));
                let mut fail = |sequence| recovery.check(sequence, Err("no"));
                while skipping.try_poll(u32::MAX, |record| fail(record.sequence)).unwrap() > 0 {}
                Ok(())
            }
            _ => Ok(()),
        },
    );
    assert_eq!(ran.unwrap(), Ran { consumed: 4, skipped: 0, retries: 2 });
    assert_eq!(numbers, [4, 5, 6, 7].map(|n| u64::from(START) + n));
    let stage = &ring.stats().unwrap().stages[0];
    assert_eq!((stage.skipped, stage.retries, stage.lag), (4, 2, 0));
}

#[test]
fn pieces_of_a_long_record_come_to_one_worker() {
    let ring = jobs(Wait::Block, 2, 1);
    publish(&ring, [57, 1]);
    let [mut one, mut other] = [(); 2].map(|()| ring.byte_worker("work", 1).unwrap());
    let mut pieces = Vec::new();
    while one.poll_pieces(100, |_, piece, _| {
        pieces.extend_from_slice(piece);
        Ok(())
    }) == Ok(0)
    {
        polled(&mut other, u32::MAX);
    }
    assert_eq!(pieces, [57; 57 * 7]);
    assert_eq!(ring.stats().unwrap().stages[0].lag, 0);
}

#[test]
fn a_worker_is_woken_for_what_another_leaves_when_it_armed_by_hand() {
    let (ring, mut leaving, mut other) = two_with_eight();
    ring.close();
    assert_eq!(leaving.try_poll(u32::MAX, |_| Err(Failed::Rewind)), Ok(0));
    polled(&mut other, u32::MAX);
    assert!(other.arm(Waker::noop()));
    drop(leaving);
    assert!(!other.arm(Waker::noop()));
    other.disarm();
    assert_eq!(polled(&mut other, u32::MAX), [0, 1, 2, 3]);
    assert!(other.ended());
}

#[test]
fn a_stage_is_opened_by_as_many_workers_as_it_has_and_by_no_other() {
    let (ring, one, _other) = two_with_eight();
    assert_eq!(ring.byte_worker("work", 1).unwrap_err(), OpenError::Taken);
    drop(one);
    ring.byte_worker("work", 1).unwrap();
    assert_eq!(ring.byte_consumer("work", 1).unwrap_err(), OpenError::Shared);
    assert_eq!(ring.byte_worker("behind", 1).unwrap_err(), OpenError::Shared);
    assert_eq!(ring.byte_worker("nobody", 1).unwrap_err(), OpenError::Stage);
    assert_eq!(ring.worker("work", 1).unwrap_err(), OpenError::Kind);
    let events = Ring::create(Config::new(4, 4).workers("work", &[], 1)).unwrap();
    assert_eq!(events.byte_worker("work", 1).unwrap_err(), OpenError::Kind);
}

#[test]
fn workers_of_a_ring_of_events_share_them_and_pass_over_what_was_given_up() {
    // SAFETY: nobody else uses the seat.
    let ring =
        unsafe { Seats::of(Ring::create(Config::new(16, 4).multi(1).start(START).workers("work", &[], 2)).unwrap()) };
    let seat = ring.take_producer(1).unwrap();
    ring.publish_copied(seat, &[1, 2, 3].map(u32::to_le_bytes).concat(), 3).unwrap();
    ring.claim(seat, 2).unwrap();
    ring.commit_claim(seat, 0).unwrap();
    ring.publish_copied(seat, &[4, 5, 6].map(u32::to_le_bytes).concat(), 3).unwrap();
    ring.leave_producer(seat);
    ring.close();
    let [mut one, mut other] = [(); 2].map(|()| ring.worker("work", 1).unwrap());
    let mut seen = Vec::new();
    one.poll(1, |_, event, _| seen.push(event[0])).unwrap();
    other.run(&ThreadSleeper::current(), |_, event, last| {
        seen.push(event[0]);
        assert!(last || event[0] != 6);
    });
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
    assert_eq!(one.wait(&ThreadSleeper::current(), None), Ok(Waited::Ended));
    let stats = ring.stats().unwrap();
    assert_eq!((stats.given_up, stats.recovered, stats.lost, stats.stages[0].lag), (2, 0, 0, 0));
}

/// What a producer gave up between records is nobody's: neither of workers nor of whoever follows them.
#[test]
fn what_producers_of_records_gave_up_is_no_workers() {
    let config = Config::bytes(1024).start(u32::MAX - 5).workers("work", &[], 2).stage("behind", &["work"]).multi(2);
    // SAFETY: each seat is used by this thread alone.
    let ring = unsafe { Seats::of(Ring::create_bytes(config, 0).unwrap()) };
    let seat = ring.take_producer(1).unwrap();
    let mut workers = [(); 2].map(|()| ring.byte_worker("work", 1).unwrap());
    let mut behind = ring.byte_consumer("behind", 1).unwrap();
    for round in 0..200u8 {
        ring.push_copied(seat, &[], &[round]).unwrap();
        ring.claim(seat, 1 + u32::from(round) % 12).unwrap();
        ring.commit_claim(seat, 0).unwrap();
        ring.push_copied(seat, &[], &[round; 40]).unwrap();
        let mut seen = Vec::new();
        for _ in 0..4 {
            for worker in &mut workers {
                worker.poll(u32::MAX, |record| seen.push(record.payload().to_vec())).unwrap();
            }
        }
        assert_eq!(seen, [vec![round], vec![round; 40]], "round {round}");
        seen.clear();
        behind.poll(u32::MAX, |record| seen.push(record.payload().to_vec())).unwrap();
        assert_eq!(seen, [vec![round], vec![round; 40]], "round {round}");
    }
}
