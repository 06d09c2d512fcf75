//! Claims that stay open between calls: what is used is seen, what is not is passed over, what is left is recovered.
#![cfg(not(loom))]

use millrace_ring::{ByteConsumer, ClaimError, Config, Consumer, NoClaim, Ring, Seats};
use proptest::prelude::*;

/// Just before the wrap, where an end of zero is what a claimant's cell begins with.
const START: u32 = u32::MAX - 1;

fn create(config: Config) -> Seats {
    // SAFETY: each test uses seats in turn, and its consumers are of other seats.
    unsafe { Seats::of(Ring::create(config).unwrap()) }
}

fn ring() -> (Seats, Consumer) {
    let ring = create(Config::new(8, 4).multi(3).start(START).stage("only", &[]));
    let consumer = ring.consumer("only", 1).unwrap();
    (ring, consumer)
}

fn publish(ring: &Seats, seat: u32, value: u8) {
    assert_eq!(ring.publish_copied(seat, &[value, 0, 0, 0], 1), Ok(1));
}

fn seen(consumer: &mut Consumer) -> Vec<u8> {
    let mut seen = Vec::new();
    while consumer.poll(u32::MAX, |_, slot, _| seen.push(slot[0])).unwrap() > 0 {}
    seen
}

#[test]
fn a_batch_ends_where_slots_were_given_up() {
    let (ring, mut consumer) = ring();
    let [one, two] = [1, 1].map(|owner| ring.take_producer(owner).unwrap());
    assert_eq!(ring.claim(one, 3), Ok(START));
    publish(&ring, two, 2);
    assert_eq!(consumer.poll(u32::MAX, |_, _, _| ()), Ok(0));
    ring.commit_claim(one, 1).unwrap();
    let mut batches = Vec::new();
    for _ in 0..3 {
        batches.push(consumer.poll(u32::MAX, |sequence, _, last| assert!(last && sequence != START + 1)));
    }
    assert_eq!(batches, [Ok(1), Ok(1), Ok(0)]);
}

#[test]
fn a_claim_is_committed_once_and_not_beyond_its_end() {
    let (ring, _consumer) = ring();
    let seat = ring.take_producer(1).unwrap();
    assert_eq!(ring.commit_claim(seat, 0), Err(NoClaim));
    ring.claim(seat, 2).unwrap();
    assert_eq!(ring.commit_claim(seat, 3), Err(NoClaim));
    assert_eq!(ring.commit_claim(seat, 2), Ok(()));
    assert_eq!(ring.commit_claim(seat, 0), Err(NoClaim));
    assert_eq!(ring.claim(seat, 9), Err(ClaimError::TooLarge));
    assert_eq!(ring.claim(seat, 7), Err(ClaimError::Full));
    assert_eq!(ring.commit_claim(seat, 0), Err(NoClaim));
}

#[test]
fn a_full_ring_that_failed_has_its_producers_wait_for_nothing() {
    let (ring, _consumer) = ring();
    let seat = ring.take_producer(1).unwrap();
    assert_eq!(ring.publish_copied(seat, &[0; 40], 10), Ok(8));
    assert_eq!(ring.publish_copied(seat, &[0; 8], 2), Err(ClaimError::Full));
    ring.fail();
    assert_eq!(ring.publish_copied(seat, &[0; 8], 2), Err(ClaimError::Closed));
}

#[test]
#[should_panic(expected = "has a claim open")]
fn a_seat_with_a_claim_publishes_nothing_else() {
    let (ring, _consumer) = ring();
    let seat = ring.take_producer(1).unwrap();
    ring.claim(seat, 1).unwrap();
    let _ = ring.publish_copied(seat, &[0; 4], 1);
}

#[test]
#[should_panic(expected = "has a claim open")]
fn a_seat_with_a_claim_publishes_no_record() {
    let (ring, _consumer) = records(16);
    let seat = ring.take_producer(1).unwrap();
    ring.claim(seat, 1).unwrap();
    let _ = ring.push_copied(seat, &[], b"one");
}

#[test]
#[should_panic(expected = "has a claim open")]
fn a_seat_has_one_claim_at_a_time() {
    let (ring, _consumer) = ring();
    let seat = ring.take_producer(1).unwrap();
    ring.claim(seat, 1).unwrap();
    let _ = ring.claim(seat, 1);
}

#[test]
fn who_leaves_with_a_claim_open_holds_nobody_up() {
    let (ring, mut consumer) = ring();
    let [one, two] = [7, 8].map(|owner| ring.take_producer(owner).unwrap());
    publish(&ring, one, 1);
    ring.claim(one, 2).unwrap();
    publish(&ring, two, 2);
    assert_eq!(seen(&mut consumer), [1]);
    ring.release_owner(7);
    assert_eq!(seen(&mut consumer), [2]);
    ring.claim(two, 2).unwrap();
    ring.leave_producer(two);
    let again = ring.take_producer(9).unwrap();
    publish(&ring, again, 3);
    assert_eq!(seen(&mut consumer), [3]);
    ring.close();
    assert!(ring.stage_ended(0));
}

#[test]
fn a_closed_ring_takes_what_was_staged_before_and_nothing_else() {
    let (ring, mut consumer) = ring();
    let seat = ring.take_producer(1).unwrap();
    publish(&ring, seat, 1);
    ring.close();
    assert_eq!(seen(&mut consumer), [1]);
    assert!(ring.stage_ended(0));
    assert_eq!(ring.publish_copied(seat, &[2, 0, 0, 0], 1), Err(ClaimError::Closed));
    assert_eq!(ring.claim(seat, 1), Err(ClaimError::Closed));
    assert!(ring.stage_ended(0));
}

#[test]
fn who_alone_produces_claims_by_no_number() {
    let ring = create(Config::new(8, 4).start(START).stage("only", &[]));
    let seat = ring.take_producer(1).unwrap();
    assert_eq!(ring.publish_copied(seat, &[1, 0, 0, 0], 1), Err(ClaimError::Kind));
    assert_eq!(ring.claim(seat, 1), Err(ClaimError::Kind));
    // SAFETY: as in `create`.
    let records = unsafe { Seats::of(Ring::create_bytes(Config::bytes(256).stage("only", &[]), 0).unwrap()) };
    assert_eq!(records.push_copied(records.take_producer(1).unwrap(), &[], b"one"), Err(ClaimError::Kind));
}

#[test]
fn a_ring_of_events_takes_no_records() {
    let (ring, _consumer) = ring();
    assert_eq!(ring.push_copied(ring.take_producer(1).unwrap(), &[], b"one"), Err(ClaimError::Kind));
}

/// Sixteen granules of which the ring's end comes behind the first `before`.
fn records(before: u32) -> (Seats, ByteConsumer) {
    let config = Config::bytes(512).multi(3).start(0u32.wrapping_sub(before)).stage("only", &[]);
    // SAFETY: as in `create`.
    let ring = unsafe { Seats::of(Ring::create_bytes(config, 0).unwrap()) };
    let consumer = ring.byte_consumer("only", 1).unwrap();
    (ring, consumer)
}

fn payloads(consumer: &mut ByteConsumer) -> Vec<String> {
    let mut seen = Vec::new();
    consumer.poll(u32::MAX, |record| seen.push(String::from_utf8(record.payload().to_vec()).unwrap())).unwrap();
    seen
}

#[test]
fn a_claim_of_a_record_does_not_cross_the_end_of_the_ring() {
    for before in 1..=16 {
        let (ring, _consumer) = records(before);
        let [one, two] = [1, 1].map(|owner| ring.take_producer(owner).unwrap());
        let start = 0u32.wrapping_sub(before);
        assert_eq!(ring.claim(one, 4), Ok(start));
        assert_eq!(ring.claim(two, 1), Ok(if before < 4 { 4 } else { start.wrapping_add(4) }));
    }
}

#[test]
fn a_claim_of_a_record_takes_half_of_the_ring_at_most() {
    let (ring, _consumer) = records(16);
    let seat = ring.take_producer(1).unwrap();
    assert_eq!(ring.claim(seat, 9), Err(ClaimError::TooLarge));
    assert!(ring.claim(seat, 8).is_ok());
}

/// What lies there is records of a lap ago, which nobody may see again.
#[test]
fn a_record_that_is_given_up_leaves_no_ghost() {
    for before in 1..=16 {
        for dies in [false, true] {
            let (ring, mut consumer) = records(before);
            let [one, two] = [1, 1].map(|owner| ring.take_producer(owner).unwrap());
            for lap in 0..20 {
                for _ in 0..2 {
                    ring.push_copied(two, &[], b"kept").unwrap();
                }
                let n = 1 + lap % 4;
                ring.claim(one, n).unwrap();
                ring.push_copied(two, &[], b"behind").unwrap();
                assert_eq!(payloads(&mut consumer), ["kept", "kept"]);
                if dies {
                    ring.leave_producer(one);
                    assert_eq!(ring.take_producer(1), Ok(one));
                } else {
                    ring.commit_claim(one, 0).unwrap();
                }
                assert_eq!(payloads(&mut consumer), ["behind"]);
            }
            ring.close();
            assert!(ring.stage_ended(0));
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Publish(u32),
    Claim(u32, u32),
    Commit(u32, u32),
    Leave(u32),
    Poll(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let seat = || 0u32..3;
    prop_oneof![
        seat().prop_map(Step::Publish),
        (seat(), 1u32..6).prop_map(|(seat, n)| Step::Claim(seat, n)),
        (seat(), 0u32..6).prop_map(|(seat, used)| Step::Commit(seat, used)),
        seat().prop_map(Step::Leave),
        (1u32..9).prop_map(Step::Poll),
    ]
}

proptest! {
    /// A list of claims in the order they were made: `None` while one is open, then what it published.
    #[test]
    fn what_is_seen_is_what_was_committed_in_the_order_of_claims(steps in prop::collection::vec(step(), 1..200)) {
        let (ring, mut consumer) = ring();
        let mut seats = [1, 2, 3].map(|owner| ring.take_producer(owner).unwrap());
        let mut claims: Vec<(u32, Option<Vec<u32>>)> = Vec::new();
        let mut open: [Option<(usize, u32)>; 3] = [None; 3];
        let mut read = Vec::new();
        let mut end = START;
        for step in steps {
            match step {
                Step::Publish(at) if open[at as usize].is_none() => {
                    if ring.publish_copied(seats[at as usize], &end.to_ne_bytes(), 1).is_ok() {
                        claims.push((1, Some(vec![end])));
                        end = end.wrapping_add(1);
                    }
                }
                Step::Claim(at, n) if open[at as usize].is_none() => {
                    if let Ok(start) = ring.claim(seats[at as usize], n) {
                        prop_assert_eq!(start, end);
                        open[at as usize] = Some((claims.len(), end));
                        claims.push((n, None));
                        end = end.wrapping_add(n);
                    }
                }
                Step::Commit(at, used) => {
                    let Some((claim, start)) = open[at as usize] else { continue };
                    let fits = used <= claims[claim].0;
                    prop_assert_eq!(ring.commit_claim(seats[at as usize], used).is_ok(), fits);
                    if fits {
                        // Nothing was written: by their sequences alone these are told.
                        claims[claim].1 = Some((0..used).map(|i| start.wrapping_add(i)).collect());
                        open[at as usize] = None;
                    }
                }
                Step::Leave(at) => {
                    ring.leave_producer(seats[at as usize]);
                    if let Some((claim, _)) = open[at as usize].take() {
                        claims[claim].1 = Some(Vec::new());
                    }
                    seats[at as usize] = ring.take_producer(1).unwrap();
                }
                Step::Poll(max) => drop(consumer.poll(max, |sequence, _, _| read.push(sequence)).unwrap()),
                Step::Publish(_) | Step::Claim(..) => {}
            }
            let visible = claims.iter().map_while(|(_, used)| used.clone()).flatten();
            prop_assert!(visible.take(read.len()).eq(read.iter().copied()));
        }
        for seat in seats {
            ring.leave_producer(seat);
        }
        while consumer.poll(u32::MAX, |sequence, _, _| read.push(sequence)).unwrap() > 0 {}
        let committed: Vec<u32> = claims.into_iter().filter_map(|(_, used)| used).flatten().collect();
        prop_assert_eq!(read, committed);
        ring.close();
        prop_assert!(ring.stage_ended(0));
    }
}

#[test]
fn what_is_given_up_stays_so_when_its_count_has_wrapped() {
    const ALL: u32 = 1 << 20;
    let ring = create(Config::new(ALL, 4).multi(1).workers("work", &[], 1));
    let (producer, worker) = (ring.take_producer(1).unwrap(), ring.take_worker(0, 1).unwrap());
    for _ in 0..=u32::MAX / ALL {
        ring.claim(producer, ALL).unwrap();
        ring.commit_claim(producer, 0).unwrap();
        assert_eq!(ring.claim_work(worker, ALL), None);
    }
}
