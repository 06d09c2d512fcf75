//! Long records are handed out in pieces: a bounded number of bytes a call, and nothing released before its end.
#![cfg(not(loom))]

use millrace_ring::{ByteConsumer, ClaimError, Config, Ring};
use proptest::prelude::*;
use std::collections::VecDeque;

/// One turn of at most `max` bytes: the payloads that it completed.
fn turn(records: &mut ByteConsumer, max: u32, begun: &mut Vec<u8>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut handed, mut whole) = (0, Vec::new());
    let number = records.poll_pieces(max, |_, piece, fields| {
        handed += piece.len();
        begun.extend_from_slice(piece);
        if let Some(fields) = fields {
            whole.push((fields.to_vec(), std::mem::take(begun)));
        }
        Ok(())
    });
    assert!(handed <= max as usize, "{handed} bytes in a turn of {max}");
    assert_eq!(number, Ok(whole.len() as u32));
    whole
}

proptest! {
    #[test]
    fn pieces_of_any_length_make_the_records_that_went_in(
        lengths in prop::collection::vec(0usize..480, 1..200),
        turns in prop::collection::vec(1u32..400, 1..50),
        start in prop_oneof![Just(0u32), (u32::MAX - 100)..=u32::MAX],
        multi: bool,
    ) {
        let config = Config::bytes(1024).start(start).stage("only", &[]);
        let config = if multi { config.multi(2) } else { config };
        let ring = Ring::create_bytes(config, 6).unwrap();
        let mut out = ring.byte_producer(1).unwrap();
        let mut only = ring.byte_consumer("only", 1).unwrap();
        let mut expected = VecDeque::new();
        let mut begun = Vec::new();
        let mut turns = turns.iter().cycle();
        for (i, length) in lengths.into_iter().enumerate() {
            let payload: Vec<u8> = (0..length).map(|at| (at * 7 + i) as u8).collect();
            while let Err(error) = out.try_push(|to| to.fill(i as u8), &[&payload]) {
                prop_assert_eq!(error, ClaimError::Full);
                out.flush();
                for record in turn(&mut only, *turns.next().unwrap(), &mut begun) {
                    prop_assert_eq!(Some(record), expected.pop_front());
                }
            }
            expected.push_back((vec![i as u8; 6], payload));
        }
        out.flush();
        while !expected.is_empty() {
            for record in turn(&mut only, *turns.next().unwrap(), &mut begun) {
                prop_assert_eq!(Some(record), expected.pop_front());
            }
        }
    }
}

/// A ring with a record of 4 bytes and one of 400 behind it.
fn short_and_long() -> Ring {
    let ring = Ring::create_bytes(Config::bytes(1024).stage("first", &[]).stage("next", &["first"]), 0).unwrap();
    let mut out = ring.byte_producer(1).unwrap();
    for length in [4, 400] {
        out.try_push(|_| (), &[&vec![7; length]]).unwrap();
    }
    out.flush();
    ring
}

#[test]
fn a_record_that_is_not_done_is_not_released_and_those_before_it_are() {
    let ring = short_and_long();
    let (mut first, mut next) = (ring.byte_consumer("first", 1).unwrap(), ring.byte_consumer("next", 1).unwrap());
    assert_eq!(first.poll_pieces(300, |_, _, _| Ok(())), Ok(1));
    assert_eq!(next.poll(u32::MAX, |record| assert_eq!(record.payload().len(), 4)), Ok(1));
    assert_eq!(next.poll(u32::MAX, |_| ()), Ok(0));
    assert_eq!(first.poll_pieces(300, |_, _, _| Ok(())), Ok(1));
    assert_eq!(next.poll(u32::MAX, |record| assert_eq!(record.payload().len(), 400)), Ok(1));
}

#[test]
fn who_opens_the_stage_next_gets_the_whole_record() {
    let ring = short_and_long();
    let pieces = |max, begun: &mut Vec<u8>| turn(&mut ring.byte_consumer("first", 1).unwrap(), max, begun);
    assert_eq!(pieces(300, &mut Vec::new()).len(), 1);
    assert_eq!(pieces(300, &mut Vec::new()).len(), 0);
    assert_eq!(pieces(500, &mut Vec::new())[0].1.len(), 400);
}

#[test]
fn a_poll_of_whole_records_starts_the_record_again() {
    let ring = short_and_long();
    let mut first = ring.byte_consumer("first", 1).unwrap();
    assert_eq!(first.poll_pieces(300, |_, _, _| Ok(())), Ok(1));
    assert_eq!(first.poll(u32::MAX, |record| assert_eq!(record.payload().len(), 400)), Ok(1));
    assert_eq!(first.poll_pieces(300, |_, _, _| Ok(())), Ok(0));
}
