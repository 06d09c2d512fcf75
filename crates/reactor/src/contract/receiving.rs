//! Receiving: order, the end, what is asked for and what is not, gates.

use super::stand::{GATE, PATIENCE, Seen, Stand};
use super::{Peer, World};
use crate::engine::{Completion, Engine, Gate};
use std::io::Write;
use std::time::{Duration, Instant};

pub(crate) fn bytes_come_in_order_and_then_the_end_once<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, mut peer) = stand.pair();
    let sent: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let writer = sent.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            peer.write_all(&writer).unwrap();
            peer.end();
        });
        stand.engine.receive(connection);
        let mut heard = Vec::new();
        stand.until(|seen| match seen {
            Seen::Received(_, bytes) => {
                assert!(!bytes.is_empty());
                heard.extend_from_slice(bytes);
                None
            }
            Seen::Ended(ended) if *ended == connection => Some(()),
            other => panic!("{other:?}"),
        });
        assert!(heard == sent);
    });
    for _ in 0..20 {
        assert_eq!(stand.turn(), []);
    }
}

pub(crate) fn nothing_is_received_before_it_is_asked_for_or_after_it_is_stopped<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, mut peer) = stand.pair();
    peer.write_all(b"one").unwrap();
    stand.silent(connection);
    stand.engine.receive(connection);
    assert_eq!(stand.hear(connection, 3), b"one");
    stand.engine.stop_receive(connection);
    peer.write_all(b"two").unwrap();
    stand.silent(connection);
    stand.engine.receive(connection);
    assert_eq!(stand.hear(connection, 3), b"two");
}

pub(crate) fn a_stop_between_two_completions_is_obeyed_at_once<W: World>() {
    let mut stand = Stand::<W>::new();
    let (first, mut one) = stand.pair();
    let (second, mut two) = stand.pair();
    one.write_all(b"1").unwrap();
    two.write_all(b"2").unwrap();
    stand.engine.receive(first);
    stand.engine.receive(second);
    let start = Instant::now();
    let from = loop {
        stand.engine.wait(false).unwrap();
        if let Some(Completion::Received { connection, .. }) = stand.engine.next() {
            break connection;
        }
        assert!(start.elapsed() < PATIENCE);
    };
    let other = if from == first { second } else { first };
    stand.engine.stop_receive(other);
    while let Some(completion) = stand.engine.next() {
        let seen = Seen::of(&completion);
        assert!(!matches!(seen, Seen::Received(from, _) if from == other), "{seen:?}");
    }
    stand.engine.receive(other);
    assert_eq!(stand.hear(other, 1).len(), 1);
}

pub(crate) fn a_turn_receives_a_bounded_amount_and_connections_take_turns<W: World>() {
    let mut stand = Stand::<W>::new();
    let (greedy, mut one) = stand.pair();
    let (modest, mut two) = stand.pair();
    let flood = std::thread::spawn(move || {
        let _ = one.write_all(&vec![b'x'; 256 << 20]);
    });
    stand.engine.receive(greedy);
    stand.hear(greedy, 1);
    stand.engine.receive(modest);
    two.write_all(b"me too").unwrap();
    let mut from_greedy = 0;
    let start = Instant::now();
    'turns: loop {
        let mut this_turn = 0;
        for seen in stand.turn() {
            match seen {
                Seen::Received(from, _) if from == modest => break 'turns,
                Seen::Received(_, bytes) => this_turn += bytes.len(),
                _ => {}
            }
        }
        from_greedy += this_turn;
        assert!(this_turn <= 1 << 20, "{this_turn} bytes in a turn");
        assert!(start.elapsed() < PATIENCE && from_greedy < 64 << 20, "{from_greedy} bytes before anybody else");
    }
    stand.engine.close(greedy);
    flood.join().unwrap();
}

pub(crate) fn a_held_gate_lets_nothing_through_and_nothing_is_lost<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, mut peer) = stand.pair();
    stand.engine.receive(connection);
    stand.engine.hold(GATE);
    stand.engine.hold(Gate(1));
    peer.write_all(b"wait").unwrap();
    stand.silent(connection);
    stand.engine.release(Gate(1));
    stand.silent(connection);
    stand.engine.release(GATE);
    assert_eq!(stand.hear(connection, 4), b"wait");
    peer.write_all(b"on").unwrap();
    assert_eq!(stand.hear(connection, 2), b"on");
}

pub(crate) fn whoever_waited_at_a_gate_comes_first_after_its_release<W: World>() {
    let mut stand = Stand::<W>::new();
    let (greedy, mut one) = stand.pair();
    let (modest, mut two) = stand.pair();
    let flood = std::thread::spawn(move || {
        let _ = one.write_all(&vec![b'x'; 64 << 20]);
    });
    stand.engine.receive(greedy);
    stand.engine.receive(modest);
    stand.hear(greedy, 1);
    stand.engine.hold(GATE);
    two.write_all(b"me").unwrap();
    for _ in 0..20 {
        stand.turn();
        std::thread::sleep(Duration::from_micros(200));
    }
    let mut rounds = 0;
    loop {
        stand.engine.release(GATE);
        stand.engine.wait(true).unwrap();
        let first = loop {
            match stand.engine.next() {
                Some(Completion::Received { connection, .. }) => break Some(connection),
                Some(_) => {}
                None => break None,
            }
        };
        stand.engine.hold(GATE);
        while stand.engine.next().is_some() {}
        if first == Some(modest) {
            break;
        }
        rounds += 1;
        assert!(rounds < 4, "kept out {rounds} times");
    }
    stand.engine.close(greedy);
    flood.join().unwrap();
}
