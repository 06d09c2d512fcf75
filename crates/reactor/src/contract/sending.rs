//! Sending: order, back-pressure, the end behind what was sent, failures.

use super::stand::{Seen, Stand};
use super::{Peer, World};
use crate::engine::Engine;
use std::io::{Read, Write};

pub(crate) fn what_is_sent_arrives_in_order_whatever_the_peer_s_pace<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, mut peer) = stand.pair();
    let mut expected = Vec::new();
    for at in 0..200_usize {
        let piece = vec![at as u8; [1, 100, 5_000, 40_000, 100_000][at % 5]];
        stand.engine.send(connection, &piece);
        expected.extend(piece);
    }
    stand.engine.submit();
    assert!(stand.engine.queued(connection) > 0, "the kernel took 5 MB: the test needs more");
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut heard = vec![0; expected.len()];
            peer.read_exact(&mut heard).unwrap();
            assert!(heard == expected);
            peer
        });
        stand.until(|seen| match seen {
            Seen::Sent(sent) if *sent == connection => Some(()),
            other => panic!("{other:?}"),
        });
        assert_eq!(stand.engine.queued(connection), 0);
        let mut peer = reader.join().unwrap();
        stand.engine.send(connection, b"after");
        stand.engine.submit();
        let mut after = [0; 5];
        peer.read_exact(&mut after).unwrap();
        assert_eq!(&after, b"after");
    });
}

pub(crate) fn sent_is_told_also_when_a_later_submit_finds_room<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, mut peer) = stand.pair();
    let mut total = 0;
    while stand.engine.queued(connection) == 0 {
        stand.engine.send(connection, &[b'x'; 10_000]);
        stand.engine.submit();
        total += 10_000;
    }
    let left = stand.engine.queued(connection);
    // All the kernel has; it may take some time until it has room at our end.
    peer.read_exact(&mut vec![0; total - left]).unwrap();
    while stand.engine.queued(connection) > 0 {
        stand.engine.send(connection, b"y");
        stand.engine.submit();
    }
    stand.until(|seen| matches!(seen, Seen::Sent(_)).then_some(()));
}

pub(crate) fn the_end_is_told_after_all_that_was_sent<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, mut peer) = stand.pair();
    stand.engine.send(connection, &vec![b'z'; 8 << 20]);
    stand.engine.shutdown(connection);
    stand.engine.send(connection, b"too late");
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut heard = Vec::new();
            peer.read_to_end(&mut heard).unwrap();
            peer.write_all(b"bye").unwrap();
            (heard.len(), peer)
        });
        stand.until(|seen| matches!(seen, Seen::Sent(_)).then_some(()));
        let (heard, _peer) = reader.join().unwrap();
        assert_eq!(heard, 8 << 20);
        stand.engine.receive(connection);
        assert_eq!(stand.hear(connection, 3), b"bye");
    });
}

pub(crate) fn a_failure_to_send_is_told_and_raises_no_signal<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, mut peer) = stand.pair();
    stand.engine.send(connection, &vec![b'x'; 16 << 20]);
    stand.engine.submit();
    peer.read_exact(&mut [0; 100]).unwrap();
    peer.reset();
    stand.until(|seen| match seen {
        Seen::Failed(failed) if *failed == connection => Some(()),
        other => panic!("{other:?}"),
    });
}
