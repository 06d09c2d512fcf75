//! Claims of producers that die, or give up, against others that claim, publish and consume.
#![cfg(loom)]

mod loom_sleeper;

use loom::thread;
use loom_sleeper::LoomSleeper;
use millrace_ring::{Config, Ring, Seats, Wait, Waited};

/// The wrap comes at once, and with it ends of zero, which is what a claimant's cell begins with.
const START: u32 = u32::MAX - 1;

fn bounded(check: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(check);
}

fn create(start: u32) -> Seats {
    let config = Config::new(4, 4).multi(3).wait(Wait::Block).start(start).stage("only", &[]);
    // SAFETY: a thread has a seat to itself, and it is given back for the thread when that has ended.
    unsafe { Seats::of(Ring::create(config).unwrap()) }
}

fn publish(ring: &Seats, seat: u32, value: u8) {
    ring.publish_copied(seat, &[value, 0, 0, 0], 1).unwrap();
}

/// All that is published when nobody is at it any more.
fn seen(ring: &Seats) -> Vec<u8> {
    let mut consumer = ring.consumer("only", 1).unwrap();
    let mut seen = Vec::new();
    while consumer.poll(u32::MAX, |_, slot, _| seen.push(slot[0])).unwrap() > 0 {}
    ring.close();
    assert!(ring.stage_ended(0), "a claim was left behind");
    seen
}

/// One that dies in `dying`, beside two that publish; whoever sees it dead recovers it while they go on.
fn a_death_is_recovered(start: u32, expected: &'static [u8], dying: fn(&Seats, u32)) {
    bounded(move || {
        let ring = create(start);
        let [dead, one, two] = [1; 3].map(|owner| ring.take_producer(owner).unwrap());
        let dying_ring = ring.clone();
        let death = thread::spawn(move || dying(&dying_ring, dead));
        let publishing = ring.clone();
        let publisher = thread::spawn(move || publish(&publishing, one, 1));
        death.join().unwrap();
        ring.leave_producer(dead);
        publish(&ring, two, 2);
        publisher.join().unwrap();
        let mut seen = seen(&ring);
        seen.sort_unstable();
        assert_eq!(seen, expected);
    });
}

#[test]
fn who_dies_between_intent_and_claim_has_claimed_nothing() {
    for start in [START, 0] {
        a_death_is_recovered(start, &[1, 2], |ring, dead| ring.intend_only(dead, 1));
    }
}

#[test]
fn who_dies_with_an_end_that_its_cell_began_with_has_claimed_nothing() {
    a_death_is_recovered(START, &[1, 2], |ring, dead| ring.intend_only(dead, 2));
}

#[test]
fn who_dies_behind_its_claim_has_claimed() {
    a_death_is_recovered(START, &[1, 2], |ring, dead| {
        ring.claim(dead, 2).unwrap();
    });
}

#[test]
fn who_dies_behind_its_second_claim_has_claimed() {
    a_death_is_recovered(START, &[1, 2, 3], |ring, dead| {
        publish(ring, dead, 3);
        ring.claim(dead, 1).unwrap();
    });
}

#[test]
fn a_slow_confirmation_of_an_older_claim_does_not_hide_the_last_one() {
    bounded(|| {
        let ring = create(START);
        let [dead, slow, fast] = [1; 3].map(|owner| ring.take_producer(owner).unwrap());
        let dying = ring.clone();
        let death = thread::spawn(move || {
            publish(&dying, dead, 3);
            dying.claim(dead, 1).unwrap();
        });
        let publishing = ring.clone();
        let publisher = thread::spawn(move || publish(&publishing, slow, 1));
        death.join().unwrap();
        publish(&ring, fast, 2);
        publisher.join().unwrap();
        ring.leave_producer(dead);
        let mut seen = seen(&ring);
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3]);
    });
}

#[test]
fn a_claim_that_is_used_in_part_is_passed_by_a_consumer_that_waits() {
    bounded(|| {
        let ring = create(START);
        let [one, two] = [1; 2].map(|owner| ring.take_producer(owner).unwrap());
        let claiming = ring.clone();
        let claimant = thread::spawn(move || {
            claiming.claim(one, 2).unwrap();
            claiming.commit_claim(one, 1).unwrap();
        });
        let publishing = ring.clone();
        let publisher = thread::spawn(move || publish(&publishing, two, 2));
        let consumer = thread::spawn(move || {
            let mut consumer = ring.consumer("only", 1).unwrap();
            let mut seen = Vec::new();
            while seen.len() < 2 {
                assert_eq!(consumer.wait(&LoomSleeper, None), Ok(Waited::Ready));
                consumer.poll(u32::MAX, |_, slot, _| seen.push(slot[0])).unwrap();
            }
            seen
        });
        claimant.join().unwrap();
        publisher.join().unwrap();
        let mut seen = consumer.join().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, [0, 2]);
    });
}

#[test]
fn a_closed_ring_ends_behind_a_claim_that_is_given_up() {
    bounded(|| {
        let ring = create(START);
        let seat = ring.take_producer(1).unwrap();
        let aborting = ring.clone();
        let aborter = thread::spawn(move || {
            if aborting.claim(seat, 2).is_ok() {
                aborting.commit_claim(seat, 0).unwrap();
            }
        });
        let consuming = ring.clone();
        let consumer = thread::spawn(move || {
            let mut consumer = consuming.consumer("only", 1).unwrap();
            assert_eq!(consumer.wait(&LoomSleeper, None), Ok(Waited::Ended));
        });
        ring.close();
        aborter.join().unwrap();
        consumer.join().unwrap();
    });
}
