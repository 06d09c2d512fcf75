//! A typed ring that is closed and waited for: who closes is woken by the last thing that ends it.
#![cfg(loom)]

use loom::thread;
use millrace_ring::typed::{Block, Builder, Closed, Ring, Spin, WaitStrategy};
use std::time::Duration;

/// The wrap comes at once.
const START: u32 = u32::MAX;

fn bounded(check: impl Fn() + Send + Sync + 'static) {
    within(2, check);
}

fn within(preemptions: usize, check: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(check);
}

fn builder<W: WaitStrategy>(wait: W) -> Builder<W> {
    Builder::new(2).wait(wait).start(START).stage("only", &[])
}

#[test]
fn who_closes_is_woken_by_the_last_release() {
    bounded(|| {
        let ring = builder(Block).create(|| 0).unwrap();
        ring.producer().unwrap().try_publish_many(2, |_, _| ()).unwrap();
        let mut only = ring.consumer("only").unwrap();
        let consuming = thread::spawn(move || while only.poll(1, |_, _, _| ()) > 0 {});
        assert_eq!(ring.close_within(None), Closed { consumed: 2, abandoned: 0 });
        consuming.join().unwrap();
    });
}

#[test]
fn two_who_close_are_both_woken() {
    bounded(|| {
        let ring = builder(Block).create(|| 0).unwrap();
        ring.producer().unwrap().try_publish(|_| ()).unwrap();
        let other = ring.clone();
        let closing = thread::spawn(move || other.close_within(None));
        let consuming = ring.clone();
        let consuming = thread::spawn(move || consuming.consumer("only").unwrap().poll(1, |_, _, _| ()));
        assert_eq!(ring.close_within(None), Closed { consumed: 1, abandoned: 0 });
        assert_eq!(closing.join().unwrap(), Closed { consumed: 1, abandoned: 0 });
        consuming.join().unwrap();
    });
}

/// Where consumers sleep and where they do not, and nobody but the producer can tell.
fn a_claim_meets_who_closes<P: Send + Sync + 'static>(
    create: fn() -> Ring<u8, Spin, P>,
    give_up: fn(&Ring<u8, Spin, P>),
) {
    bounded(move || {
        let ring = create();
        let giving_up = ring.clone();
        let producer = thread::spawn(move || give_up(&giving_up));
        assert_eq!(ring.close_within(None), Closed { consumed: 0, abandoned: 0 });
        producer.join().unwrap();
    });
}

#[test]
fn one_producer_that_gives_a_claim_up_wakes_who_closes() {
    a_claim_meets_who_closes(
        || builder(Spin).create(|| 0).unwrap(),
        |ring| drop(ring.producer().unwrap().try_claim(2)),
    );
}

#[test]
fn one_of_many_that_gives_a_claim_up_wakes_who_closes() {
    a_claim_meets_who_closes(
        || builder(Spin).multi(2).create(|| 0).unwrap(),
        |ring| drop(ring.producer().unwrap().try_claim(2)),
    );
}

#[test]
fn one_of_many_that_claims_nothing_wakes_who_closes() {
    a_claim_meets_who_closes(
        || builder(Spin).multi(2).create(|| 0).unwrap(),
        |ring| drop(ring.producer().unwrap().try_claim(0)),
    );
}

#[test]
fn what_is_published_behind_an_open_claim_is_not_taken_for_given_up() {
    // Into the claim, out of it for the close, and back while that counts.
    within(3, || {
        let ring = Builder::new(4).multi(2).wait(Spin).start(0).stage("only", &[]).create(|| 0).unwrap();
        let (mut a, mut b) = (ring.producer().unwrap(), ring.producer().unwrap());
        // So that each slot says of the lap before that it was given up.
        for _ in 0..4 {
            drop(a.try_claim(1).unwrap());
        }
        assert_eq!(ring.consumer("only").unwrap().poll(8, |_, _, _| ()), 0);
        let open = a.try_claim(1).unwrap();
        let publishing = thread::spawn(move || b.try_publish(|event| *event = 1));
        let closed = ring.close_within(Some(Duration::ZERO));
        let published = u64::from(publishing.join().unwrap().is_ok());
        assert!(closed.consumed == 0 && closed.abandoned <= published, "{closed:?} of {published}");
        drop(open);
    });
}
