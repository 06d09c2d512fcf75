//! A typed ring that is closed and waited for: who closes is woken by the last thing that ends it.
#![cfg(loom)]

use loom::thread;
use millrace_ring::typed::{Block, Builder, Closed, Ring, Spin, WaitStrategy};

/// The wrap comes at once.
const START: u32 = u32::MAX;

fn bounded(check: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
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
