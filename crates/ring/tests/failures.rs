//! Why a ring has failed, and what native stages do with events that fail.
#![cfg(not(loom))]

use millrace_park::ThreadSleeper;
use millrace_ring::typed::{OnError, Ran, Stopped};
use millrace_ring::{ClaimError, Config, Failed, Failure, JoinFrom, Record, Ring, Seats, Waited};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

fn failure(part: &str) -> Failure {
    Failure { part: part.into(), message: format!("{part} failed"), details: vec![1, 2] }
}

#[test]
fn of_several_failures_the_first_is_kept() {
    let ring = Ring::create_bytes(Config::bytes(1024).stage("one", &[]).stage("two", &[]), 0).unwrap();
    let other = ring.clone();
    assert_eq!(ring.failure(), None);
    assert!(other.fail_by(failure("two")));
    assert!(!ring.fail_by(failure("one")));
    assert_eq!(ring.failure(), Some(&failure("two")));
    assert_eq!(ring.byte_producer(1).unwrap().try_push(|_| (), &[b"one"]), Err(ClaimError::Closed));
}

/// A ring of records with these payloads, whose sequences begin at `start`.
fn records(start: u32, payloads: &[&[u8]]) -> Ring {
    let ring = Ring::create_bytes(Config::bytes(1024).start(start).stage("one", &[]), 0).unwrap();
    let mut out = ring.byte_producer(1).unwrap();
    for payload in payloads {
        out.try_push(|_| (), &[payload]).unwrap();
    }
    out.flush();
    ring
}

/// What was seen of records.
#[derive(Debug, Default)]
struct Seen {
    /// Payloads that were done.
    done: Vec<String>,
    /// Numbers of records that were passed over.
    skipped: Vec<u64>,
    /// How often one failed.
    failed: u32,
    /// What stopped the stage.
    stopped: Option<&'static str>,
}

/// Does the records in turns of at most `max` bytes. Those fail whose payload has a `!`, `most` times in all.
fn do_pieces(ring: &Ring, max: u32, on_error: OnError, most: u32) -> Seen {
    let sleeper = ThreadSleeper::current();
    let mut one = ring.byte_consumer("one", 1).unwrap();
    let mut seen = Seen::default();
    let mut begun = Vec::new();
    let mut recovery = one.recovery(on_error, |_, number| seen.skipped.push(number));
    ring.close();
    while seen.stopped.is_none() && one.wait(&sleeper, None) == Ok(Waited::Ready) {
        let released = one.poll_pieces(max, |sequence, piece, fields| {
            begun.extend_from_slice(piece);
            let fails = piece.contains(&b'!') && seen.failed < most;
            if fails {
                seen.failed += 1;
                begun.clear();
            } else if fields.is_some() {
                seen.done.push(String::from_utf8(std::mem::take(&mut begun)).unwrap());
            }
            recovery.check(sequence, if fails { Err("it has a !") } else { Ok(()) })
        });
        seen.stopped = recovery.end_batch(released.unwrap(), &sleeper).err();
    }
    seen
}

/// The payloads that come to who opens the stage next.
fn left(ring: &Ring) -> Vec<String> {
    let mut left = Vec::new();
    let each = |record: &mut Record<'_>| left.push(String::from_utf8_lossy(record.payload()).into_owned());
    ring.byte_consumer("one", 1).unwrap().poll(u32::MAX, each).unwrap();
    left
}

fn retry(attempts: u32) -> OnError {
    OnError::Retry { attempts, backoff: Duration::ZERO }
}

#[test]
fn a_record_that_fails_in_any_of_its_pieces_is_passed_over_as_a_whole() {
    for max in [1, 3, 8, 1024] {
        // The first sequence is two places before the wrap.
        let ring = records(u32::MAX - 1, &[b"begin", b"!in the beginning", b"in the !!middle", b"at the end!", b"end"]);
        let seen = do_pieces(&ring, max, OnError::Skip, u32::MAX);
        assert_eq!(seen.done, ["begin", "end"], "in turns of {max}");
        let first = u64::from(u32::MAX - 1);
        assert_eq!((seen.skipped, seen.failed), (vec![first + 1, first + 2, first + 3], 3));
        assert_eq!(ring.stats().unwrap().stages[0].skipped, 3);
        assert_eq!(left(&ring), [""; 0]);
    }
}

#[test]
fn a_stage_that_stops_has_released_what_was_before_the_failed_record() {
    for max in [1, 3, 8, 1024] {
        let ring = records(0, &[b"begin", b"in the !middle", b"end"]);
        let seen = do_pieces(&ring, max, OnError::Stop, u32::MAX);
        assert_eq!((seen.done, seen.stopped), (vec!["begin".into()], Some("it has a !")));
        assert_eq!(left(&ring), ["in the !middle", "end"], "in turns of {max}");
    }
}

#[test]
fn a_record_that_is_begun_again_begins_with_its_first_piece() {
    for max in [1, 3, 8] {
        let ring = records(0, &[b"begin", b"in the middle!", b"end"]);
        let seen = do_pieces(&ring, max, retry(3), 2);
        assert_eq!(seen.done.last().map(String::as_str), Some("end"), "in turns of {max}");
        assert!(seen.done.contains(&"in the middle!".into()));
        assert_eq!((seen.failed, seen.stopped), (2, None));
    }
}

#[test]
fn a_batch_whose_attempts_are_used_up_stops_the_stage_and_comes_again_whole() {
    for max in [1, 3, 8, 1024] {
        let ring = records(0, &[b"in the middle!", b"end"]);
        let seen = do_pieces(&ring, max, retry(3), u32::MAX);
        assert_eq!((seen.failed, seen.stopped), (3, Some("it has a !")), "in turns of {max}");
        assert_eq!(left(&ring), ["in the middle!", "end"]);
    }
    let ring = records(0, &[b"begin", b"middle!", b"end"]);
    assert_eq!(do_pieces(&ring, 1024, retry(2), u32::MAX).done, ["begin", "begin"]);
    assert_eq!(left(&ring), ["begin", "middle!", "end"]);
}

#[test]
fn events_and_whole_records_are_passed_over_come_again_or_are_begun_again() {
    for (failed, released) in [(Failed::Skip, 4), (Failed::Stop, 2), (Failed::Rewind, 0)] {
        // SAFETY: nobody else uses the seats.
        let ring = unsafe { Seats::of(Ring::create(Config::new(8, 4).stage("one", &[]).multi(1)).unwrap()) };
        let index = ring.take_producer(1).unwrap();
        ring.publish_copied(index, &[0; 16], 4).unwrap();
        let outcome = |fails: bool| if fails { Err(failed) } else { Ok(()) };
        let mut one = ring.consumer("one", 1).unwrap();
        let polled = one.try_poll(8, |sequence, _, _| outcome(sequence == 2));
        assert_eq!((polled, one.poll(8, |_, _, _| ())), (Ok(released), Ok(4 - released)));
        let skipped = u32::from(failed == Failed::Skip);
        assert_eq!(ring.stats().unwrap().stages[0].skipped, skipped);

        let ring = records(0, &[b"a", b"b", b"c", b"d"]);
        let mut one = ring.byte_consumer("one", 1).unwrap();
        let polled = one.try_poll(u32::MAX, |record| outcome(record.sequence == 2));
        assert_eq!((polled, one.poll(u32::MAX, |_| ())), (Ok(released), Ok(4 - released)));
        assert_eq!(ring.stats().unwrap().stages[0].skipped, skipped);
    }
}

#[test]
fn the_back_off_is_doubled_each_time() {
    let ring = records(0, &[b"!"]);
    let begun = Instant::now();
    let on_error = OnError::Retry { attempts: 3, backoff: Duration::from_millis(10) };
    assert!(do_pieces(&ring, 1024, on_error, u32::MAX).stopped.is_some());
    assert!(begun.elapsed() >= Duration::from_millis(30));
}

/// Records that were passed over, with their numbers.
type Skipped = Vec<(String, u64)>;

/// Consumes the records by `run_fallible`; those fail whose payload has a `!`, `most` times in all.
fn run(ring: &Ring, on_error: OnError, mut most: u32) -> (Result<Ran, Stopped<String>>, Skipped) {
    let mut skipped = Vec::new();
    let each = |record: &mut Record<'_>| {
        let text = String::from_utf8_lossy(record.payload()).into_owned();
        if text.contains('!') && most > 0 {
            most -= 1;
            return Err(text);
        }
        Ok(())
    };
    let note = |error, number| skipped.push((error, number));
    let ran = ring.byte_consumer("one", 1).unwrap().run_fallible(&ThreadSleeper::current(), on_error, note, each);
    (ran, skipped)
}

#[test]
fn a_run_passes_over_records_that_fail_and_tells_which() {
    let first = u32::MAX - 1;
    let ring = records(first, &[b"a", b"!b", b"c", b"!d"]);
    ring.close();
    let (ran, skipped) = run(&ring, OnError::Skip, u32::MAX);
    assert_eq!(ran, Ok(Ran { consumed: 2, skipped: 2, retries: 0 }));
    assert_eq!(skipped, [("!b".into(), u64::from(first) + 1), ("!d".into(), u64::from(first) + 3)]);
    assert_eq!((ring.failure(), ring.stats().unwrap().stages[0].skipped), (None, 2));
}

#[test]
fn a_run_that_a_record_stops_fails_the_ring_by_its_stage() {
    let ring = records(0, &[b"a", b"!b", b"c"]);
    let (stopped, _) = run(&ring, OnError::Stop, u32::MAX);
    let ran = Ran { consumed: 1, skipped: 0, retries: 0 };
    assert_eq!(stopped, Err(Stopped { error: "!b".into(), sequence: 1, ran }));
    let message = "the handler failed on event 1: !b".into();
    assert_eq!(ring.failure(), Some(&Failure { part: "one".into(), message, details: Vec::new() }));
    assert_eq!(left(&ring), ["!b", "c"]);
}

#[test]
fn a_run_begins_a_batch_again_until_its_attempts_are_used_up() {
    let ring = records(0, &[b"a", b"!b", b"c"]);
    ring.close();
    assert_eq!(run(&ring, retry(3), 2).0, Ok(Ran { consumed: 3, skipped: 0, retries: 2 }));

    let ring = records(0, &[b"a", b"!b", b"c"]);
    let stopped = run(&ring, retry(3), 3).0.unwrap_err();
    assert_eq!((stopped.sequence, stopped.ran), (1, Ran { consumed: 0, skipped: 0, retries: 2 }));
    assert_eq!(ring.stats().unwrap().stages[0].retries, 2);
    assert_eq!(left(&ring), ["a", "!b", "c"]);
}

#[test]
fn a_run_of_a_stage_that_joined_fails_the_ring_by_its_name() {
    let ring = records(0, &[b"!"]);
    let mut watch = ring.byte_join("watch", &[], JoinFrom::Oldest, 1).unwrap();
    watch.run_fallible(&ThreadSleeper::current(), OnError::Stop, |_, _| (), |_| Err::<(), _>("no")).unwrap_err();
    assert_eq!(ring.failure().unwrap().part, "watch");
}

#[test]
fn a_handler_that_panics_in_a_run_releases_nothing_and_leaves_the_ring_open() {
    let ring = records(0, &[b"a", b"b"]);
    let mut one = ring.byte_consumer("one", 1).unwrap();
    let mut seen = 0;
    let panics = AssertUnwindSafe(|| {
        one.run_fallible(
            &ThreadSleeper::current(),
            OnError::Skip,
            |_, _| (),
            |_| {
                seen += 1;
                if seen == 2 { resume_unwind(Box::new(())) } else { Ok::<_, &str>(()) }
            },
        )
    });
    assert!(catch_unwind(panics).is_err());
    drop(one);
    assert_eq!((ring.failure(), left(&ring)), (None, vec!["a".into(), "b".into()]));
}

#[test]
fn what_is_passed_over_in_a_batch_that_comes_again_counts_once() {
    let ring = records(0, &[b"a", b"!b", b"c"]);
    ring.close();
    let mut one = ring.byte_consumer("one", 1).unwrap();
    let mut told = Vec::new();
    let mut run = |panics| {
        let note = |error, number| told.push((error, number));
        one.run_fallible(&ThreadSleeper::current(), OnError::Skip, note, |record| match record.payload() {
            b"!b" => Err("no"),
            b"c" if panics => resume_unwind(Box::new(())),
            _ => Ok(()),
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(|| run(true))).is_err());
    assert_eq!(run(false), Ok(Ran { consumed: 2, skipped: 1, retries: 0 }));
    assert_eq!(ring.stats().unwrap().stages[0].skipped, 1);
    assert_eq!(told, [("no", 1), ("no", 1)]);
}

#[test]
fn a_recovery_that_outlives_a_panic_counts_what_was_released() {
    let ring = records(0, &[b"a", b"b", b"c"]);
    ring.close();
    let mut one = ring.byte_consumer("one", 1).unwrap();
    let sleeper = ThreadSleeper::current();
    let mut recovery = one.recovery(OnError::Skip, |_: &str, _| ());
    let panics = catch_unwind(AssertUnwindSafe(|| {
        one.try_poll(u32::MAX, |record| match record.payload() {
            b"a" => recovery.check(record.sequence, Err("no")),
            _ => resume_unwind(Box::new(())),
        })
    }));
    assert!(panics.is_err());
    let ran = recovery.turns(
        &mut one,
        &sleeper,
        |one| one.wait(&sleeper, None),
        |one, recovery| one.try_poll(u32::MAX, |record| recovery.check(record.sequence, Ok(()))),
    );
    assert_eq!(ran, Ok(Ran { consumed: 3, skipped: 0, retries: 0 }));
    assert_eq!(ring.stats().unwrap().stages[0].skipped, 0);
}
