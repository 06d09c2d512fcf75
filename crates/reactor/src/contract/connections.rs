//! Connections: how they come to be, how they end, and what their tokens are worth then.

use super::stand::{GATE, Seen, Stand, options};
use super::{Peer, World};
use crate::engine::{Engine, Gate};
use crate::token::ConnectionToken;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::time::Duration;

pub(crate) fn accepting_stops_and_goes_on<W: World>() {
    let mut stand = Stand::<W>::new();
    stand.engine.stop_accept(stand.listener);
    let _peer = W::dial(&mut stand.engine, stand.address);
    for _ in 0..20 {
        assert_eq!(stand.turn(), []);
        std::thread::sleep(Duration::from_micros(200));
    }
    stand.engine.accept(stand.listener);
    let listener = stand.listener;
    stand.until(|seen| matches!(seen, Seen::Accepted(at, _) if *at == listener).then_some(()));
}

pub(crate) fn an_address_in_use_is_an_error<W: World>() {
    let mut stand = Stand::<W>::new();
    let error = stand.engine.listen(stand.address, &options(), GATE).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

pub(crate) fn a_connection_that_is_begun_completes_and_carries_what_was_sent_before<W: World>() {
    let mut stand = Stand::<W>::new();
    let out = stand.engine.connect(stand.address, &options(), Gate(9)).unwrap();
    stand.engine.send(out, b"early");
    stand.engine.receive(out);
    let (mut connected, mut accepted) = (false, None);
    stand.until(|seen| {
        match seen {
            Seen::Connected(connection) => connected = *connection == out,
            Seen::Accepted(_, connection) => accepted = Some(*connection),
            _ => {}
        }
        (connected && accepted.is_some()).then_some(())
    });
    let accepted = accepted.unwrap();
    stand.engine.receive(accepted);
    assert_eq!(stand.hear(accepted, 5), b"early");
    stand.engine.send(accepted, b"back");
    assert_eq!(stand.hear(out, 4), b"back");
}

pub(crate) fn a_connection_to_nowhere_fails<W: World>() {
    let mut stand = Stand::<W>::new();
    match stand.engine.connect(W::nowhere(), &options(), Gate(9)) {
        Err(_) => {}
        Ok(out) => stand.until(|seen| match seen {
            Seen::Failed(failed) if *failed == out => Some(()),
            other => panic!("{other:?}"),
        }),
    }
}

pub(crate) fn a_reset_is_a_failure_told_once<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, peer) = stand.pair();
    stand.engine.receive(connection);
    peer.reset();
    stand.until(|seen| match seen {
        Seen::Failed(failed) if *failed == connection => Some(()),
        other => panic!("{other:?}"),
    });
    stand.engine.send(connection, b"to nobody");
    for _ in 0..20 {
        assert_eq!(stand.turn(), []);
    }
}

pub(crate) fn a_token_means_nothing_after_the_close<W: World>() {
    let mut stand = Stand::<W>::new();
    let (old, mut peer) = stand.pair();
    stand.engine.receive(old);
    peer.write_all(b"unread").unwrap();
    stand.engine.close(old);
    let mut seen = HashMap::new();
    for _ in 0..200 {
        let (connection, mut peer) = stand.pair();
        assert_eq!(seen.insert(connection, ()), None, "a token came twice");
        stand.engine.send(old, b"wrong");
        stand.engine.shutdown(old);
        stand.engine.close(old);
        stand.engine.stop_receive(old);
        stand.engine.receive(old);
        assert_eq!(stand.engine.queued(old), 0);
        stand.engine.send(connection, b"right");
        stand.engine.submit();
        let mut heard = [0; 5];
        peer.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"right");
        stand.engine.close(connection);
        assert!(peer.read(&mut heard).map_or_else(|_| true, |count| count == 0));
    }
    assert_ne!(old, ConnectionToken::NONE);
}

pub(crate) fn connections_outlive_their_listener<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, mut peer) = stand.pair();
    stand.engine.close_listener(stand.listener);
    stand.engine.receive(connection);
    peer.write_all(b"here").unwrap();
    assert_eq!(stand.hear(connection, 4), b"here");
}
