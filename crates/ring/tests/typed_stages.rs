//! Typed stages: who may write what, what a handler that fails does to the ring, and what the ring counts.
#![cfg(not(loom))]

use millrace_ring::typed::{
    Block, Builder, ExclusiveError, OnError, Owned, Ran, Ring, Stage, Stopped, WaitStrategy, Word, Writer,
};
use millrace_ring::{ClaimError, JoinFrom, OpenError, Waited};
use proptest::prelude::*;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

/// The wrap comes soon.
const START: u32 = u32::MAX - 1000;
const EVENTS: u64 = 50_000;

enum Parse {}
impl Stage for Parse {
    const NAME: &'static str = "parse";
}

enum Audit {}
impl Stage for Audit {
    const NAME: &'static str = "audit";
}

#[derive(Debug, Default)]
struct Order {
    id: u64,
    price: Owned<Parse, u64>,
    level: Owned<Audit, f32>,
    plain: [u64; 2],
}

fn diamond() -> Builder<Block> {
    Builder::new(64)
        .wait(Block)
        .start(START)
        .stage("parse", &[])
        .stage("audit", &[])
        .stage("store", &["parse", "audit"])
}

fn publish(ring: &Ring<Order, Block>) {
    let mut out = ring.producer().unwrap();
    for id in 0..EVENTS {
        out.publish(|order| order.id = id).unwrap();
    }
    ring.close();
}

#[test]
fn what_a_stage_owns_is_seen_by_the_stages_behind_it() {
    let ring = diamond().create(Order::default).unwrap();
    let mut parse = ring.consumer_of::<Parse>().unwrap();
    let mut audit = ring.consumer_of::<Audit>().unwrap();
    let mut store = ring.consumer("store").unwrap();
    thread::scope(|scope| {
        scope.spawn(|| parse.run(|order, writer, _, _| order.price.set(writer, order.id * 2)));
        scope.spawn(|| audit.run(|order, writer, _, _| order.level.set(writer, order.id as f32)));
        let storing = scope.spawn(|| {
            let mut seen = 0;
            store.run(|order, _, _| {
                assert_eq!((order.id, order.price.get(), order.level.get()), (seen, seen * 2, seen as f32));
                seen += 1;
            });
            seen
        });
        publish(&ring);
        assert_eq!(storing.join().unwrap(), EVENTS);
    });
    assert_eq!(parse.sequence(), EVENTS + u64::from(START));
}

#[test]
fn stages_beside_each_other_write_plain_fields_by_pointer() {
    let ring = diamond().create(Order::default).unwrap();
    let mut store = ring.consumer("store").unwrap();
    thread::scope(|scope| {
        for (side, stage) in ["parse", "audit"].into_iter().enumerate() {
            let mut consumer = ring.consumer(stage).unwrap();
            scope.spawn(move || {
                while consumer.wait(None) == Waited::Ready {
                    // SAFETY: each of the two sides writes its own place, by pointer; both read `id`, which only the
                    // producer writes.
                    unsafe {
                        consumer.poll_mut(u32::MAX, |order, _, _| (*order).plain[side] = (*order).id + side as u64);
                    }
                }
            });
        }
        scope.spawn(|| store.run(|order, _, _| assert_eq!(order.plain, [order.id, order.id + 1])));
        publish(&ring);
    });
    assert_eq!(store.sequence(), EVENTS + u64::from(START));
}

#[test]
fn a_pipeline_of_exclusive_stages_hands_events_on_and_takes_them_out() {
    let graph = Builder::new(8).start(START).stage("fill", &[]).stage("send", &["fill"]);
    let ring = graph.create(Vec::<u64>::new).unwrap();
    let mut fill = ring.exclusive_consumer("fill").unwrap();
    let mut send = ring.exclusive_consumer("send").unwrap();
    thread::scope(|scope| {
        scope.spawn(|| fill.run(|event, _, _| event.push(event[0] + 1)));
        scope.spawn(|| {
            let mut n = 0;
            send.run(|event, _, _| {
                assert_eq!(std::mem::take(event), [n, n + 1]);
                n += 1;
            });
            assert_eq!(n, EVENTS);
        });
        let mut out = ring.producer().unwrap();
        for n in 0..EVENTS {
            out.publish(|event| {
                assert!(event.is_empty(), "what was taken out is gone");
                event.push(n);
            })
            .unwrap();
        }
        ring.close();
    });
    assert_eq!(send.sequence(), EVENTS + u64::from(START));
}

#[test]
fn only_a_stage_with_nobody_beside_it_is_exclusive() {
    let ring = diamond().create(Order::default).unwrap();
    let beside = |stage: &str| ExclusiveError::Beside(stage.into());
    assert_eq!(ring.exclusive_consumer("parse").unwrap_err(), beside("audit"));
    assert_eq!(ring.exclusive_consumer("audit").unwrap_err(), beside("parse"));
    let _store = ring.exclusive_consumer("store").unwrap();
    assert_eq!(ring.exclusive_consumer("store").unwrap_err(), ExclusiveError::Open(OpenError::Taken));
    assert_eq!(ring.exclusive_consumer("none").unwrap_err(), ExclusiveError::Open(OpenError::Stage));
    // Refused, it has taken nothing.
    let _parse = ring.consumer_of::<Parse>().unwrap();
}

proptest! {
    /// Two stages are beside each other when each gets an event that the other has not released: the ring itself says.
    #[test]
    fn exclusive_are_those_that_meet_nobody(follows in prop::collection::vec(0..128u32, 1..7)) {
        let name = |at: usize| format!("s{at}");
        let mut graph = Builder::new(2);
        for (at, mask) in follows.iter().enumerate() {
            let after: Vec<_> = (0..at).filter(|before| mask & 1 << before != 0).map(name).collect();
            graph = graph.stage(&name(at), &after.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let stages = 0..follows.len();
        // Who gets an event that `held` does not release; stages stand in an order that the graph allows.
        let meets: Vec<u32> = stages.clone().map(|held| {
            let ring = graph.clone().create(|| 0u8).unwrap();
            ring.producer().unwrap().try_publish(|_| ()).unwrap();
            let got = |at: usize| at != held && ring.consumer(&name(at)).unwrap().poll(1, |_, _, _| ()) == 1;
            stages.clone().filter(|at| got(*at)).fold(0, |all, at| all | 1 << at)
        }).collect();
        let ring = graph.create(|| 0u8).unwrap();
        for at in stages.clone() {
            let beside: Vec<_> =
                stages.clone().filter(|other| meets[at] & 1 << other != 0 && meets[*other] & 1 << at != 0).collect();
            match ring.exclusive_consumer(&name(at)) {
                Ok(_) => prop_assert_eq!(beside, Vec::<usize>::new()),
                Err(error) => prop_assert_eq!(error, ExclusiveError::Beside(name(beside[0]))),
            }
        }
    }
}

fn holds<T: Word + Default + Debug + PartialEq>(values: &[T]) {
    assert_eq!(size_of::<Owned<Parse, T>>(), size_of::<T>());
    assert_eq!(Owned::<Parse, T>::default().get(), T::default());
    let ring = Builder::new(2).stage("parse", &[]).create(Owned::<Parse, T>::default).unwrap();
    let mut parse = ring.consumer_of::<Parse>().unwrap();
    for value in values {
        ring.producer().unwrap().publish(|field| field.reset(*value)).unwrap();
        parse.poll(1, |field, writer, _, _| {
            assert_eq!(field.get(), *value);
            field.set(writer, T::default());
            assert_eq!(field.get(), T::default());
            field.set(writer, *value);
            assert_eq!(format!("{field:?}"), format!("{value:?}"));
        });
    }
}

#[test]
fn owned_fields_hold_every_number_whole_and_nothing_else() {
    holds(&[1u8, u8::MAX]);
    holds(&[1u16, u16::MAX]);
    holds(&[1u32, u32::MAX]);
    holds(&[1u64, u64::MAX]);
    holds(&[-1i8, i8::MIN]);
    holds(&[-1i16, i16::MIN]);
    holds(&[-1i32, i32::MIN]);
    holds(&[-1i64, i64::MIN]);
    holds(&[0.1f32, f32::MIN, f32::INFINITY]);
    holds(&[0.1f64, f64::MIN, f64::INFINITY]);
    holds(&[true, false]);
    assert_eq!(size_of::<Writer<Parse>>(), 0);
    assert!(Owned::<Parse, f64>::new(f64::NAN).get().is_nan());
}

/// Numbers from 0 on in a ring of two stages, of which the second follows the first.
fn numbers(n: u32) -> Ring<u32, Block> {
    let graph = Builder::new(8).wait(Block).start(u32::MAX - 1).stage("first", &[]).stage("second", &["first"]);
    let ring = graph.create(|| 0).unwrap();
    ring.producer().unwrap().try_publish_many(n, |at, event| *event = at).unwrap();
    ring
}

fn rest(ring: &Ring<u32, Block>, stage: &str) -> Vec<u32> {
    let mut seen = Vec::new();
    ring.consumer(stage).unwrap().run(|n, _, _| seen.push(*n));
    seen
}

fn fail_on(bad: u32) -> impl FnMut(&u32, u64, bool) -> Result<(), String> {
    move |n, _, _| if *n == bad { Err(format!("not {n}")) } else { Ok(()) }
}

#[test]
fn a_handler_that_stops_fails_the_ring_behind_what_it_did() {
    let ring = numbers(5);
    let stopped = ring.consumer("first").unwrap().run_fallible(OnError::Stop, fail_on(3)).unwrap_err();
    let ran = Ran { consumed: 3, skipped: 0, retries: 0 };
    assert_eq!(stopped, Stopped { error: "not 3".into(), sequence: u64::from(u32::MAX - 1) + 3, ran });
    assert_eq!(stopped.to_string(), "the handler failed on event 4294967297: not 3");
    assert_eq!(ring.producer().unwrap().try_publish(|_| ()), Err(ClaimError::Failed));
    assert_eq!(rest(&ring, "second"), [0, 1, 2]);
    assert_eq!(rest(&ring, "first"), [3, 4]);
}

fn failure<E: Send + Sync, W: WaitStrategy, P>(ring: &Ring<E, W, P>) -> String {
    ring.failure().unwrap().to_string()
}

#[test]
fn a_ring_knows_its_first_failure_whoever_fails_then() {
    let ring = numbers(5);
    assert_eq!(ring.failure(), None);
    let mut watch = ring.join("watch", &[], JoinFrom::Oldest).unwrap();
    watch.run_fallible(OnError::Stop, fail_on(1)).unwrap_err();
    let first = "'watch' failed: the handler failed on event 4294967295: not 1";
    assert_eq!(failure(&ring), first);
    ring.consumer("first").unwrap().run_fallible(OnError::Stop, fail_on(2)).unwrap_err();
    ring.fail("second", "too late");
    assert_eq!(failure(&ring), first);
}

#[test]
fn a_ring_that_is_failed_from_outside_knows_by_whom() {
    let ring = numbers(1);
    ring.close();
    assert_eq!(ring.failure(), None, "closed");
    ring.fail("first", "it panicked");
    assert_eq!(failure(&ring), "'first' failed: it panicked");
}

#[test]
fn producers_are_told_that_a_stage_failed_wherever_they_stand() {
    let (one, many) = (numbers(8), Builder::new(8).multi(1).stage("first", &[]).create(|| 0).unwrap());
    let (mut single, mut multi) = (one.producer().unwrap(), many.producer().unwrap());
    multi.try_publish_many(8, |_, _| ()).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| (single.publish(|_| ()), multi.publish(|_| ())));
        one.fail("first", "no");
        many.fail("first", "no");
        assert_eq!(waiting.join().unwrap(), (Err(ClaimError::Failed), Err(ClaimError::Failed)));
    });
    assert_eq!(single.try_publish(|_| ()), Err(ClaimError::Failed));
    assert_eq!(single.wait_for_room(1, None), Err(ClaimError::Failed));
    assert_eq!(multi.wait_for_room(1, None), Err(ClaimError::Failed));
    one.consumer("second").unwrap();
    for _ in 0..2 {
        rest(&one, "first");
        rest(&one, "second");
    }
    assert_eq!(single.try_publish_many(2, |_, _| ()), Err(ClaimError::Failed), "with room");
    assert_eq!(multi.try_claim(1).map(drop), Err(ClaimError::Failed));
}

#[test]
fn a_failure_ends_the_stages_behind_it_also_when_the_ring_is_closed_already() {
    let ring = numbers(5);
    ring.close();
    let behind = ring.clone();
    let second = thread::spawn(move || rest(&behind, "second"));
    // Not before the second stage has got what comes before the failure, so that it waits for the rest.
    let mut first = ring.consumer("first").unwrap();
    first.poll(2, |_, _, _| ());
    while ring.stats().stages[1].lag != 3 {
        thread::yield_now();
    }
    first.run_fallible(OnError::Stop, fail_on(2)).unwrap_err();
    assert_eq!(second.join().unwrap(), [0, 1]);
}

#[test]
fn a_handler_that_skips_passes_over_and_counts() {
    let ring = numbers(5);
    ring.close();
    let mut lasts = Vec::new();
    let ran = ring.consumer("first").unwrap().run_fallible(OnError::Skip, |n, _, last| {
        lasts.push(last);
        if n % 2 == 1 { Err("no") } else { Ok(()) }
    });
    assert_eq!(ran, Ok(Ran { consumed: 3, skipped: 2, retries: 0 }));
    assert_eq!(lasts, [false, false, false, false, true]);
    assert_eq!(ring.stats().stages[0].skipped, 2);
    // What one stage passes over is an event like any other to those behind it.
    assert_eq!(rest(&ring, "second"), [0, 1, 2, 3, 4]);
}

#[test]
fn what_is_passed_over_in_a_batch_that_comes_again_counts_once() {
    let ring = numbers(3);
    ring.close();
    let mut first = ring.consumer("first").unwrap();
    let mut run = |panics| {
        first.run_fallible(OnError::Skip, |n, _, last| {
            assert!(!(last && panics), "no");
            if *n == 1 { Err("one") } else { Ok(()) }
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(|| run(true))).is_err());
    assert_eq!(run(false).unwrap().skipped, 1);
    assert_eq!(ring.stats().stages[0].skipped, 1);
}

#[test]
fn a_batch_is_begun_again_until_it_succeeds() {
    let ring = numbers(3);
    ring.close();
    let mut seen = Vec::new();
    let mut failures = 2;
    let retry = OnError::Retry { attempts: 3, backoff: Duration::from_millis(5) };
    let begin = Instant::now();
    let ran = ring.consumer("first").unwrap().run_fallible(retry, |n, _, _| {
        seen.push(*n);
        if *n == 1 && failures > 0 {
            failures -= 1;
            return Err("no");
        }
        Ok(())
    });
    assert!(begin.elapsed() >= Duration::from_millis(15), "5 and then 10 ms");
    assert_eq!(ran, Ok(Ran { consumed: 3, skipped: 0, retries: 2 }));
    assert_eq!(seen, [0, 1, 0, 1, 0, 1, 2]);
    assert_eq!(ring.stats().stages[0].retries, 2);
}

#[test]
fn a_batch_whose_attempts_are_used_up_fails_the_ring_and_comes_again_whole() {
    for (attempts, calls) in [(0, 2u64), (1, 2), (3, 6)] {
        let ring = numbers(3);
        let mut seen = 0;
        let retry = OnError::Retry { attempts, backoff: Duration::ZERO };
        let stopped = ring.exclusive_consumer("first").unwrap().run_fallible(retry, |n, sequence, _| {
            seen += 1;
            if *n == 1 { Err(sequence) } else { Ok(()) }
        });
        let Stopped { error, sequence, ran } = stopped.unwrap_err();
        assert_eq!((error, seen), (sequence, calls));
        assert_eq!(ran, Ran { consumed: 0, skipped: 0, retries: calls / 2 - 1 });
        assert_eq!(ring.producer().unwrap().try_publish(|_| ()), Err(ClaimError::Failed));
        assert_eq!(rest(&ring, "first"), [0, 1, 2]);
    }
}

#[test]
fn a_handler_that_panics_releases_nothing_and_leaves_the_ring_open() {
    let ring = numbers(3);
    let mut first = ring.consumer("first").unwrap();
    let panics = |n: &u32, _, _| if *n == 1 { panic!("no") } else { Ok::<(), &str>(()) };
    assert!(catch_unwind(AssertUnwindSafe(|| first.run_fallible(OnError::Skip, panics))).is_err());
    drop(first);
    ring.producer().unwrap().try_publish(|n| *n = 3).unwrap();
    ring.close();
    assert_eq!(rest(&ring, "first"), [0, 1, 2, 3]);
}

#[test]
fn a_stage_with_a_writer_may_fail_too() {
    let ring = diamond().create(Order::default).unwrap();
    ring.producer().unwrap().try_publish_many(2, |at, order| order.id = u64::from(at)).unwrap();
    let mut parse = ring.consumer_of::<Parse>().unwrap();
    let stopped = parse.run_fallible(OnError::Stop, |order, writer, _, _| {
        order.price.set(writer, 7);
        if order.id == 1 { Err("one") } else { Ok(()) }
    });
    assert_eq!(stopped.unwrap_err().error, "one");
    // What was written before the failure stays written.
    assert_eq!(parse.poll(2, |order, _, _, _| assert_eq!((order.id, order.price.get()), (1, 7))), 1);
}

#[test]
fn a_ring_counts_what_its_stages_and_producers_have_settled() {
    let ring = numbers(5);
    let mut first = ring.consumer("first").unwrap();
    first.poll(2, |_, _, _| ());
    first.poll(1, |_, _, _| ());
    let stats = ring.stats();
    let begin = u64::from(u32::MAX - 1);
    assert_eq!(stats.cursor, begin + 5);
    let [one, two] = &stats.stages[..] else { panic!("two stages") };
    assert_eq!((one.name.as_str(), one.sequence, one.lag), ("first", begin + 3, 2));
    assert_eq!((two.name.as_str(), two.sequence, two.lag), ("second", begin, 5));
    assert_eq!(one.batches, 0, "counted, not settled");
    assert_eq!(stats.producers.len(), 1);
    assert_eq!((stats.producers[0].wakes_made, stats.producers[0].wakes_elided), (0, 1));
    drop(first);
    let one = &ring.stats().stages[0];
    assert_eq!((one.batches, one.waits, one.wakes_made, one.wakes_elided), (2, 0, 0, 2));
}

#[test]
fn a_ring_counts_sleeps_and_the_wakes_that_end_them() {
    let ring = numbers(1);
    let mut second = ring.consumer("second").unwrap();
    let waiting = thread::spawn(move || second.wait(None));
    while ring.stats().stages[1].waits == 0 {
        thread::yield_now();
    }
    let mut first = ring.consumer("first").unwrap();
    first.poll(1, |_, _, _| ());
    assert_eq!(waiting.join().unwrap(), Waited::Ready);
    drop(first);
    let one = &ring.stats().stages[0];
    assert_eq!((one.wakes_made, one.wakes_elided), (1, 0));
}

#[test]
fn a_ring_counts_slots_that_were_given_up() {
    let ring = Builder::new(8).multi(2).stage("only", &[]).create(|| 0).unwrap();
    let mut out = ring.producer().unwrap();
    out.try_claim(3).unwrap().commit_first(1);
    drop(out.try_claim(2).unwrap());
    let stats = ring.stats();
    assert_eq!((stats.cursor, stats.given_up, stats.producers.len()), (5, 4, 2));
}

#[test]
fn slots_that_were_given_up_are_no_batch() {
    let ring = Builder::new(8).multi(1).stage("only", &[]).create(|| 0).unwrap();
    let (mut out, mut only) = (ring.producer().unwrap(), ring.consumer("only").unwrap());
    drop(out.try_claim(2).unwrap());
    assert_eq!(only.poll(8, |_, _, _| ()), 0);
    drop(only);
    let one = &ring.stats().stages[0];
    assert_eq!((one.sequence, one.batches), (2, 0));
}
