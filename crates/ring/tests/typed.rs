//! Typed rings: every graph hands every event to every stage, once and in order, whoever publishes and however.
#![cfg(not(loom))]

use millrace_ring::typed::{Adaptive, Block, Builder, Consumer, MultiProducer, Pause, Spin, WaitStrategy, Yield};
use millrace_ring::{ClaimError, OpenError, Waited};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const EVENTS: u64 = 100_000;
/// The wrap comes soon.
const START: u32 = u32::MAX - 1000;

#[derive(Debug, Default)]
struct Order {
    id: u64,
    price: AtomicU64,
    level: AtomicU64,
}

fn diamond_with<W: WaitStrategy>(wait: W, capacity: u32, batch: u32, events: u64) {
    let ring = Builder::new(capacity)
        .wait(wait)
        .start(START)
        .stage("parse", &[])
        .stage("audit", &[])
        .stage("store", &["parse", "audit"])
        .create(Order::default)
        .unwrap();
    let side = |stage: &str, work: fn(&Order)| {
        let mut consumer = ring.consumer(stage).unwrap();
        thread::spawn(move || {
            let mut expected = 0;
            consumer.run(|order, sequence, _| {
                assert_eq!((order.id, sequence), (expected, expected + u64::from(START)));
                work(order);
                expected += 1;
            });
            expected
        })
    };
    let stages = [
        side("parse", |order| order.price.store(order.id * 2, Relaxed)),
        side("audit", |order| order.level.store(order.id + 1, Relaxed)),
        side("store", |order| {
            assert_eq!(order.price.load(Relaxed), order.id * 2);
            assert_eq!(order.level.load(Relaxed), order.id + 1);
        }),
    ];
    let mut out = ring.producer().unwrap();
    let mut id = 0;
    while id < events {
        let n = u64::from(batch).min(events - id);
        out.publish_many(n as u32, |at, order| order.id = id + u64::from(at)).unwrap();
        id += n;
    }
    ring.close();
    assert_eq!(stages.map(|stage| stage.join().unwrap()), [events; 3]);
}

#[test]
fn a_diamond_joins_after_both_sides_whatever_the_wait() {
    // Few events where every one of them costs a switch of threads: on a machine with less cores than threads.
    for (capacity, batch, events) in [(2, 1, 500), (64, 7, 10_000), (1024, 100, EVENTS)] {
        diamond_with(Block, capacity, batch, events);
        diamond_with(Yield, capacity, batch, events);
        diamond_with(Adaptive::default(), capacity, batch, events);
    }
    diamond_with(Spin, 64, 7, 1000);
}

#[test]
fn many_producers_lose_and_double_nothing() {
    for batch in [1, 5] {
        let ring = Builder::new(64).multi(3).start(START).stage("sum", &[]).create(|| (0u32, 0u64)).unwrap();
        let mut sum = ring.consumer("sum").unwrap();
        let seen = thread::spawn(move || {
            let mut next = [0; 3];
            sum.run(|(producer, n), _, _| {
                assert_eq!(*n, next[*producer as usize], "out of order");
                next[*producer as usize] += 1;
            });
            next
        });
        let producers = [0, 1, 2].map(|index| {
            let mut out = ring.producer().unwrap();
            thread::spawn(move || {
                for n in (0..EVENTS).step_by(batch) {
                    out.publish_many(batch as u32, |at, event| *event = (index, n + u64::from(at))).unwrap();
                    // Now and then a claim is given up, or used in part.
                    if n % 1000 == 0 {
                        drop(out.try_claim(3));
                    }
                }
            })
        });
        for producer in producers {
            producer.join().unwrap();
        }
        ring.close();
        assert_eq!(seen.join().unwrap(), [EVENTS; 3]);
    }
}

#[test]
fn seats_are_given_out_once_and_again() {
    let ring = Builder::new(8).stage("only", &[]).create(|| 0u8).unwrap();
    let out = ring.producer().unwrap();
    assert_eq!(ring.producer().unwrap_err(), OpenError::Taken);
    drop(out);
    let _out = ring.producer().unwrap();
    let only = ring.consumer("only").unwrap();
    assert_eq!(ring.consumer("only").unwrap_err(), OpenError::Taken);
    assert_eq!(ring.consumer("other").unwrap_err(), OpenError::Stage);
    drop(only);
    let _only = ring.consumer("only").unwrap();
}

fn all<W: WaitStrategy>(consumer: &mut Consumer<u32, W>) -> Vec<u32> {
    let mut seen = Vec::new();
    while consumer.poll(u32::MAX, |n, _, _| seen.push(*n)) > 0 {}
    seen
}

#[test]
fn a_full_ring_refuses_until_the_slowest_has_moved_on() {
    let ring = Builder::new(4).stage("a", &[]).stage("b", &[]).create(|| 0).unwrap();
    let mut out = ring.producer().unwrap();
    let [mut a, mut b] = ["a", "b"].map(|stage| ring.consumer(stage).unwrap());
    out.try_publish_many(4, |at, n| *n = at).unwrap();
    assert_eq!(out.try_publish(|_| ()), Err(ClaimError::Full));
    assert_eq!(all(&mut a), [0, 1, 2, 3]);
    assert_eq!(out.try_publish(|_| ()), Err(ClaimError::Full));
    assert_eq!(b.poll(1, |_, _, _| ()), 1);
    out.try_publish(|n| *n = 4).unwrap();
    assert_eq!(all(&mut b), [1, 2, 3, 4]);
    assert_eq!(out.try_publish_many(5, |_, _| ()), Err(ClaimError::TooLarge));
    assert_eq!(out.wait_for_room(4, Some(Duration::from_millis(1))), Err(ClaimError::Full));
}

#[test]
fn what_another_producer_claimed_is_no_room_published_or_not() {
    let ring = Builder::new(4).multi(2).start(START).stage("only", &[]).create(|| 0).unwrap();
    let mut only = ring.consumer("only").unwrap();
    let [mut one, mut other] = [(); 2].map(|()| ring.producer().unwrap());
    let claim = one.try_claim(3).unwrap();
    assert_eq!(other.try_publish_many(2, |_, _| ()), Err(ClaimError::Full));
    other.try_publish(|n| *n = 3).unwrap();
    assert_eq!(other.try_publish(|_| ()), Err(ClaimError::Full));
    assert_eq!(other.wait_for_room(1, Some(Duration::from_millis(1))), Err(ClaimError::Full));
    claim.commit();
    assert_eq!(other.try_publish(|_| ()), Err(ClaimError::Full));
    assert_eq!(only.poll(2, |_, _, _| ()), 2);
    assert_eq!(one.try_publish_many(3, |_, _| ()), Err(ClaimError::Full));
    one.try_publish_many(2, |at, n| *n = 4 + at).unwrap();
    assert_eq!(all(&mut only), [0, 3, 4, 5]);
}

#[test]
fn a_claim_of_the_whole_ring_fits_when_all_is_consumed_wherever_it_begins() {
    let one = Builder::new(4).start(u32::MAX - 40).stage("only", &[]).create(|| 0).unwrap();
    let many = Builder::new(4).multi(1).start(u32::MAX - 40).stage("only", &[]).create(|| 0).unwrap();
    let (mut first, mut second) = (one.consumer("only").unwrap(), many.consumer("only").unwrap());
    let (mut one, mut many) = (one.producer().unwrap(), many.producer().unwrap());
    for _ in 0..4 {
        for before in 0..4 {
            one.try_publish_many(before, |at, n| *n = at).unwrap();
            many.try_publish_many(before, |at, n| *n = at).unwrap();
            let room = if before == 0 { Ok(()) } else { Err(ClaimError::Full) };
            assert_eq!(one.try_claim(4).map(drop), room);
            assert_eq!((all(&mut first).len(), all(&mut second).len()), (before as usize, before as usize));
            one.try_publish_many(4, |at, n| *n = at).unwrap();
            many.try_publish_many(4, |at, n| *n = at).unwrap();
            assert_eq!((all(&mut first), all(&mut second)), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
        }
    }
}

#[test]
fn a_batch_is_no_larger_than_asked_for_and_ends_at_its_own_last_event() {
    let ring = Builder::new(8).start(START).stage("only", &[]).create(|| 0).unwrap();
    let mut only = ring.consumer("only").unwrap();
    ring.producer().unwrap().try_publish_many(7, |at, n| *n = at).unwrap();
    assert_eq!(only.poll(0, |_, _, _| panic!("no event")), 0);
    let mut lasts = Vec::new();
    let batches = [3, 3, 3, 3].map(|most| {
        only.poll(most, |n, _, last| {
            if last {
                lasts.push(*n);
            }
        })
    });
    assert_eq!((batches, lasts), ([3, 3, 1, 0], vec![2, 5, 6]));
}

/// What no ring holds, up to numbers that sequences wrap at: believed, they would be written over the slots' end.
const TOO_MANY: [u32; 6] = [5, 1 << 30, (1 << 31) - 1, 1 << 31, u32::MAX - 3, u32::MAX];

#[test]
fn more_than_a_ring_holds_is_refused_whether_it_is_empty_or_full() {
    let one = Builder::new(4).start(START).stage("only", &[]).create(|| 0).unwrap();
    let many = Builder::new(4).multi(2).start(START).stage("only", &[]).create(|| 0).unwrap();
    let (mut one, mut many) = (one.producer().unwrap(), many.producer().unwrap());
    for filled in [0, 1, 3] {
        one.try_publish_many(filled, |_, _| ()).unwrap();
        many.try_publish_many(filled, |_, _| ()).unwrap();
        for n in TOO_MANY {
            assert_eq!(one.try_publish_many(n, |_, _| panic!("no slot")), Err(ClaimError::TooLarge));
            assert_eq!(many.try_publish_many(n, |_, _| panic!("no slot")), Err(ClaimError::TooLarge));
            assert_eq!(one.publish_many(n, |_, _| panic!("no slot")), Err(ClaimError::TooLarge));
            assert_eq!(many.publish_many(n, |_, _| panic!("no slot")), Err(ClaimError::TooLarge));
            assert_eq!(one.try_claim(n).map(drop), Err(ClaimError::TooLarge));
            assert_eq!(many.try_claim(n).map(drop), Err(ClaimError::TooLarge));
        }
    }
}

#[test]
fn one_producer_gives_up_what_it_does_not_commit() {
    let ring = Builder::new(4).start(u32::MAX).stage("only", &[]).create(|| 0).unwrap();
    let mut out = ring.producer().unwrap();
    let mut only = ring.consumer("only").unwrap();
    let mut claim = out.try_claim(3).unwrap();
    (claim[0], claim[1], claim[2]) = (1, 2, 3);
    claim.commit_first(2);
    assert!(matches!(out.try_claim(4), Err(ClaimError::Full)));
    drop(out.try_claim(2).unwrap());
    let mut claim = out.try_claim(2).unwrap();
    (claim[1], claim[0]) = (4, 3);
    claim.commit();
    assert_eq!(all(&mut only), [1, 2, 3, 4]);
}

#[test]
fn a_claim_that_is_forgotten_is_aborted_when_its_producer_goes_on() {
    let ring = Builder::new(8).multi(2).start(START).stage("only", &[]).create(|| 0).unwrap();
    let (mut out, mut other) = (ring.producer().unwrap(), ring.producer().unwrap());
    let mut only = ring.consumer("only").unwrap();
    let mut seen = Vec::new();
    let mut expected = Vec::new();
    for (value, again) in [
        (1, (|out| out.try_publish(|event| *event = 1).unwrap()) as fn(&mut MultiProducer<i32, Adaptive>)),
        (2, |out| out.try_publish_many(1, |_, event| *event = 2).unwrap()),
        (3, |out| out.publish(|event| *event = 3).unwrap()),
        (4, |out| {
            let mut claim = out.try_claim(1).unwrap();
            claim[0] = 4;
            claim.commit();
        }),
        (5, |out| {
            out.wait_for_room(1, None).unwrap();
            out.try_publish(|event| *event = 5).unwrap();
        }),
    ] {
        std::mem::forget(out.try_claim(2).unwrap());
        other.try_publish(|event| *event = -value).unwrap();
        assert_eq!(only.poll(8, |_, _, _| ()), 0);
        again(&mut out);
        only.poll(8, |n, _, _| seen.push(*n));
        expected.extend([-value, value]);
        assert_eq!(seen, expected);
    }
    std::mem::forget(out.try_claim(2).unwrap());
    other.try_publish(|event| *event = -6).unwrap();
    drop(out);
    only.poll(8, |n, _, _| seen.push(*n));
    assert_eq!(seen.last(), Some(&-6));
    assert_eq!(ring.stats().given_up, 12);
}

#[test]
fn a_single_producer_that_forgot_a_claim_keeps_no_closed_ring_waiting() {
    let ring = Builder::new(8).stage("only", &[]).create(|| 0).unwrap();
    let mut out = ring.producer().unwrap();
    let mut only = ring.consumer("only").unwrap();
    std::mem::forget(out.try_claim(3).unwrap());
    out.try_publish(|event| *event = 1).unwrap();
    std::mem::forget(out.try_claim(3).unwrap());
    ring.close();
    assert_eq!(only.poll(8, |n, _, _| assert_eq!(*n, 1)), 1);
    drop(out);
    assert_eq!(only.wait(Some(Duration::from_secs(60))), Waited::Ended);
}

/// A claim that waits for room, by either kind of producer.
macro_rules! claims_when_there_is_room {
    ($builder:expr) => {
        let ring = $builder.stage("only", &[]).create(|| 0).unwrap();
        let (mut out, mut only) = (ring.producer().unwrap(), ring.consumer("only").unwrap());
        out.try_publish_many(3, |at, n| *n = at).unwrap();
        let soon = Some(Duration::from_millis(1));
        assert_eq!(out.claim(2, soon).map(drop), Err(ClaimError::Full));
        assert_eq!(out.claim(5, None).map(drop), Err(ClaimError::TooLarge));
        out.claim(1, Some(Duration::ZERO)).unwrap().commit_first(0);
        let (seen, claimed) = thread::scope(|scope| {
            let consuming = scope.spawn(|| {
                let mut seen = Vec::new();
                only.run(|n, _, _| seen.push(*n));
                seen
            });
            let mut claim = out.claim(4, None).unwrap();
            (0..4).for_each(|at| claim[at] = 3 + at as u32);
            let claimed = claim.len();
            claim.commit();
            ring.close();
            (consuming.join().unwrap(), claimed)
        });
        assert_eq!((seen, claimed), (vec![0, 1, 2, 3, 4, 5, 6], 4));
        assert_eq!(out.claim(1, None).map(drop), Err(ClaimError::Closed));
    };
}

#[test]
fn a_claim_waits_for_room_and_not_longer_than_it_may() {
    claims_when_there_is_room!(Builder::new(4).start(START));
    claims_when_there_is_room!(Builder::new(4).start(START).multi(2));
}

#[test]
fn an_empty_claim_holds_nobody_up() {
    let ring = Builder::new(4).multi(2).stage("only", &[]).create(|| 0).unwrap();
    let (mut out, mut other) = (ring.producer().unwrap(), ring.producer().unwrap());
    let claim = out.try_claim(0).unwrap();
    assert!(claim.is_empty());
    other.try_publish(|n| *n = 1).unwrap();
    claim.commit();
    drop(out.try_claim(0).unwrap());
    std::mem::forget(out.try_claim(0).unwrap());
    out.try_publish(|n| *n = 2).unwrap();
    assert_eq!(all(&mut ring.consumer("only").unwrap()), [1, 2]);
}

#[test]
fn a_claim_given_up_between_others_is_skipped() {
    let ring = Builder::new(8).multi(3).start(u32::MAX - 2).stage("only", &[]).create(|| 0).unwrap();
    let mut only = ring.consumer("only").unwrap();
    let [mut a, mut b, mut c] = [(); 3].map(|()| ring.producer().unwrap());
    let first = a.try_claim(2).unwrap();
    b.try_publish(|n| *n = 7).unwrap();
    let mut third = c.try_claim(3).unwrap();
    assert_eq!(only.poll(8, |_, _, _| ()), 0);
    drop(first);
    assert_eq!(all(&mut only), [7]);
    third[0] = 8;
    third.commit_first(1);
    assert_eq!(all(&mut only), [8]);
    // All that was given up is free again.
    a.try_publish_many(8, |at, n| *n = at).unwrap();
    assert_eq!(all(&mut only), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_write_that_panics_publishes_nothing() {
    let single = Builder::new(4).stage("only", &[]).create(|| 0).unwrap();
    let mut out = single.producer().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| out.try_publish(|_| panic!("no")))).is_err());
    single.close();
    assert_eq!(single.consumer("only").unwrap().wait(None), Waited::Ended);
    let multi = Builder::new(4).multi(1).stage("only", &[]).create(|| 0).unwrap();
    let mut out = multi.producer().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| out.try_publish(|_| panic!("no")))).is_err());
    out.try_publish(|n| *n = 5).unwrap();
    multi.close();
    let mut only = multi.consumer("only").unwrap();
    assert_eq!(all(&mut only), [5]);
    assert_eq!(only.wait(None), Waited::Ended);
}

#[test]
fn a_batch_that_panics_comes_again() {
    let ring = Builder::new(4).stage("only", &[]).create(|| 0).unwrap();
    ring.producer().unwrap().try_publish_many(3, |at, n| *n = at).unwrap();
    let mut only = ring.consumer("only").unwrap();
    let failed = catch_unwind(AssertUnwindSafe(|| only.poll(8, |n, _, _| assert!(*n < 2))));
    assert!(failed.is_err());
    assert_eq!(all(&mut only), [0, 1, 2]);
}

fn times_out<W: WaitStrategy>(wait: W) {
    let ring = Builder::new(4).wait(wait).stage("only", &[]).workers("work", &[], 1).create(|| 0).unwrap();
    let (mut only, mut work) = (ring.consumer("only").unwrap(), ring.worker("work").unwrap());
    for timeout in [Duration::ZERO, Duration::from_millis(2)] {
        let begin = Instant::now();
        assert_eq!((only.wait(Some(timeout)), work.wait(Some(timeout))), (Waited::TimedOut, Waited::TimedOut));
        assert!(begin.elapsed() >= timeout * 2);
    }
    ring.producer().unwrap().publish(|_| ()).unwrap();
    assert_eq!((only.wait(Some(Duration::ZERO)), work.wait(Some(Duration::ZERO))), (Waited::Ready, Waited::Ready));
}

#[test]
fn a_wait_is_no_longer_than_it_may_be_whatever_the_strategy() {
    times_out(Block);
    times_out(Yield);
    times_out(Spin);
    times_out(Adaptive::default());
}

/// Looks a few times, yields a few times, then sleeps; and notes what it was asked and told.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    spins: AtomicU64,
    yields: AtomicU64,
    parks: AtomicU64,
    found: AtomicU64,
}

impl Counting {
    fn counts(&self) -> [u64; 4] {
        let Counts { spins, yields, parks, found } = &*self.0;
        [spins, yields, parks, found].map(|count| count.load(Relaxed))
    }
}

impl WaitStrategy for Counting {
    const PARKS: bool = true;

    fn pause(&mut self, looks: u32) -> Pause {
        let (count, pause) = match looks {
            0..3 => (&self.0.spins, Pause::Spin),
            3..5 => (&self.0.yields, Pause::Yield),
            _ => (&self.0.parks, Pause::Park),
        };
        count.fetch_add(1, Relaxed);
        pause
    }

    fn found(&mut self, looks: u32) {
        self.0.found.store(looks.into(), Relaxed);
    }
}

#[test]
fn a_strategy_of_ones_own_says_how_a_stage_waits() {
    let counting = Counting::default();
    let ring = Builder::new(4).wait(counting.clone()).stage("only", &[]).create(|| 0).unwrap();
    // The ring has asked once, for its barrier.
    assert_eq!(counting.counts(), [1, 0, 0, 0]);
    let (mut out, mut only) = (ring.producer().unwrap(), ring.consumer("only").unwrap());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| only.wait(Some(Duration::from_secs(60))));
        while ring.stats().stages[0].waits == 0 {
            thread::yield_now();
        }
        out.publish(|_| ()).unwrap();
        assert_eq!(waiting.join().unwrap(), Waited::Ready);
    });
    // Asleep until it is woken, but for a wake in vain now and then.
    let [spins, yields, parks, found] = counting.counts();
    assert!((spins, yields, found) == (4, 2, 5 + parks) && (1..100).contains(&parks), "{:?}", counting.counts());
    assert_eq!(only.wait(None), Waited::Ready);
    assert_eq!(counting.counts(), [spins, yields, parks, found], "there is something");
    only.poll(1, |_, _, _| ());
    assert_eq!(only.wait(Some(Duration::from_millis(5))), Waited::TimedOut);
    // However far it got in that time.
    let [more_spins, more_yields, more_parks, last] = counting.counts();
    assert!(more_spins <= spins + 3 && more_yields <= yields + 2 && more_parks < parks + 100 && last == found);
}

#[test]
fn waits_end_with_the_ring() {
    let ring = Builder::new(4).wait(Block).stage("only", &[]).create(|| 0).unwrap();
    let mut only = ring.consumer("only").unwrap();
    let waiting = thread::spawn(move || only.wait(None));
    ring.close();
    assert_eq!(waiting.join().unwrap(), Waited::Ended);
    assert_eq!(ring.producer().unwrap().publish(|_| ()), Err(ClaimError::Closed));
}

#[test]
fn what_is_accepted_while_another_thread_closes_is_consumed() {
    for round in 0..300 {
        let ring = Builder::new(64).stage("only", &[]).create(|| 0).unwrap();
        let mut out = ring.producer().unwrap();
        let publishing = thread::spawn(move || (0..).take_while(|_| out.publish(|_| ()).is_ok()).count());
        let mut only = ring.consumer("only").unwrap();
        let consuming = thread::spawn(move || {
            let mut seen = 0;
            only.run(|_, _, _| seen += 1);
            seen
        });
        for _ in 0..round % 32 {
            thread::yield_now();
        }
        ring.close();
        assert_eq!(consuming.join().unwrap(), publishing.join().unwrap());
    }
}

#[derive(Debug, Clone)]
enum Step {
    Claim { producer: usize, n: u32 },
    End { claim: usize, used: usize },
    Poll { max: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..12usize, 1..5u32).prop_map(|(producer, n)| Step::Claim { producer, n }),
        (0..3usize, 0..5usize).prop_map(|(claim, used)| Step::End { claim, used }),
        (1..9u32).prop_map(|max| Step::Poll { max }),
    ]
}

proptest! {
    /// Claims of several producers end in any order, in whole, in part or not at all, across the wrap: what is committed
    /// comes in the order of the claims.
    #[test]
    fn claims_come_in_order_without_what_was_given_up(
        steps in prop::collection::vec(step(), 1..200),
        start in prop_oneof![Just(0), (u32::MAX - 40)..=u32::MAX, ((1 << 31) - 40)..=(1u32 << 31)],
    ) {
        let ring = Builder::new(16).multi(12).start(start).stage("only", &[]).create(|| 0u32).unwrap();
        let mut only = ring.consumer("only").unwrap();
        let mut producers: Vec<_> = (0..12).map(|_| ring.producer().unwrap()).collect();
        let mut free: Vec<_> = producers.iter_mut().map(Some).collect();
        // In the order of claims: open, or what was committed of them.
        let mut claims = Vec::new();
        let mut open = Vec::new();
        let mut next = 0;
        let (mut expected, mut seen) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Claim { producer, n } => {
                    let Some(out) = free[producer].take() else { continue };
                    // The borrow ends with the claim: a producer claims once here.
                    if let Ok(mut claim) = out.try_claim(n) {
                        for at in 0..n as usize {
                            claim[at] = next;
                            next += 1;
                        }
                        open.push((claims.len(), next - n, claim));
                        claims.push(None);
                    }
                }
                Step::End { claim, used } => {
                    if claim >= open.len() {
                        continue;
                    }
                    let (place, first, claim) = open.remove(claim);
                    let used = used.min(claim.len());
                    claims[place] = Some(first..first + used as u32);
                    claim.commit_first(used);
                }
                Step::Poll { max } => {
                    only.poll(max, |n, _, _| seen.push(*n));
                }
            }
        }
        for (place, first, claim) in open {
            claims[place] = Some(first..first + claim.len() as u32);
            claim.commit();
        }
        expected.extend(claims.into_iter().flatten().flatten());
        seen.extend(all(&mut only));
        prop_assert_eq!(seen, expected);
    }
}

#[test]
fn an_adaptive_wait_that_was_given_up_is_no_part_of_the_next() {
    let mut adaptive = Adaptive::default();
    let first_yield = (0..).find(|looks| adaptive.pause(*looks) == Pause::Yield).unwrap();
    // Its time was up.
    thread::sleep(Duration::from_millis(1));
    assert_eq!(adaptive.pause(first_yield), Pause::Yield);
}

#[test]
fn a_wait_may_be_as_long_as_can_be_said() {
    let ring = Builder::new(2).stage("only", &[]).workers("work", &[], 1).create(|| 0).unwrap();
    let (mut out, mut only, mut work) =
        (ring.producer().unwrap(), ring.consumer("only").unwrap(), ring.worker("work").unwrap());
    let timeout = Some(Duration::MAX);
    assert_eq!(out.wait_for_room(1, timeout), Ok(()));
    ring.close();
    assert_eq!((only.wait(timeout), work.wait(timeout)), (Waited::Ended, Waited::Ended));
}
