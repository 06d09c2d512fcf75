//! The contract of `engine.rs` as tests, for any engine.
//!
//! An engine takes part by implementing [`World`] and naming itself in `contract_suite!`.

use crate::engine::{Completion, Engine, Gate, SocketOptions, Time};
use crate::token::{ConnectionToken, ListenerToken};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// The far end of a connection.
pub(crate) trait Peer: Read + Write + Send + 'static {
    /// Sends no more.
    fn end(&mut self);
    /// Goes away with a reset.
    fn reset(self);
}

/// An engine and the peers that can reach it.
pub(crate) trait World {
    type Engine: Engine + Send;
    type Peer: Peer;
    fn engine() -> Self::Engine;
    fn dial(engine: &mut Self::Engine, address: SocketAddr) -> Self::Peer;
    /// An address nobody listens at.
    fn nowhere() -> SocketAddr;
}

const PATIENCE: Duration = Duration::from_secs(20);
const GATE: Gate = Gate(7);

/// A completion that can be kept.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Accepted(ListenerToken, ConnectionToken),
    Connected(ConnectionToken),
    Received(ConnectionToken, Vec<u8>),
    Ended(ConnectionToken),
    Sent(ConnectionToken),
    Failed(ConnectionToken),
    Timer,
    Other,
}

impl Seen {
    fn of(completion: &Completion<'_>) -> Self {
        match completion {
            Completion::Accepted { listener, connection, .. } => Self::Accepted(*listener, *connection),
            Completion::Connected { connection } => Self::Connected(*connection),
            Completion::Received { connection, bytes } => Self::Received(*connection, bytes.to_vec()),
            Completion::Ended { connection } => Self::Ended(*connection),
            Completion::Sent { connection } => Self::Sent(*connection),
            Completion::Failed { connection, .. } => Self::Failed(*connection),
            Completion::Timer => Self::Timer,
            Completion::OutOfDescriptors { .. } | Completion::AcceptFailed { .. } => Self::Other,
        }
    }
}

fn options() -> SocketOptions {
    SocketOptions { backlog: 128, no_delay: true, reuse_port: false }
}

/// An engine that listens.
struct Stand<W: World> {
    engine: W::Engine,
    listener: ListenerToken,
    address: SocketAddr,
}

impl<W: World> Stand<W> {
    fn new() -> Self {
        let mut engine = W::engine();
        let (listener, address) = engine.listen((Ipv4Addr::LOCALHOST, 0).into(), &options(), GATE).unwrap();
        Self { engine, listener, address }
    }

    /// The completions of one turn that does not block.
    fn turn(&mut self) -> Vec<Seen> {
        self.engine.submit();
        self.engine.wait(false).unwrap();
        let mut seen = Vec::new();
        while let Some(completion) = self.engine.next() {
            seen.push(Seen::of(&completion));
        }
        seen
    }

    /// The first completion that is so; those before it are not of interest.
    fn until<T>(&mut self, mut so: impl FnMut(&Seen) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            for seen in self.turn() {
                if let Some(found) = so(&seen) {
                    return found;
                }
            }
            assert!(start.elapsed() < PATIENCE, "it never came");
        }
    }

    /// A connection and its far end.
    fn pair(&mut self) -> (ConnectionToken, W::Peer) {
        let peer = W::dial(&mut self.engine, self.address);
        let connection = self.until(|seen| match seen {
            Seen::Accepted(_, connection) => Some(*connection),
            _ => None,
        });
        (connection, peer)
    }

    /// Receives until `count` bytes have come.
    fn hear(&mut self, connection: ConnectionToken, count: usize) -> Vec<u8> {
        let mut heard = Vec::new();
        self.until(|seen| {
            if let Seen::Received(from, bytes) = seen {
                assert_eq!(*from, connection);
                heard.extend_from_slice(bytes);
            }
            (heard.len() >= count).then_some(())
        });
        heard
    }

    /// Nothing comes from this connection for some turns.
    fn silent(&mut self, connection: ConnectionToken) {
        for _ in 0..50 {
            for seen in self.turn() {
                assert!(!matches!(seen, Seen::Received(from, _) if from == connection), "{seen:?}");
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

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

pub(crate) fn the_timer_comes_once_and_not_before_its_time<W: World>() {
    let mut stand = Stand::<W>::new();
    let start = stand.engine.now();
    let at = start.after(Duration::from_millis(15));
    stand.engine.timer(Some(at));
    let mut came = false;
    while !came {
        stand.engine.wait(true).unwrap();
        while let Some(completion) = stand.engine.next() {
            came |= matches!(completion, Completion::Timer);
        }
        assert!(came == (stand.engine.now() >= at));
    }
    assert_eq!(stand.turn(), []);
    stand.engine.timer(Some(Time::default()));
    assert_eq!(stand.turn(), [Seen::Timer]);
    stand.engine.timer(Some(stand.engine.now().after(Duration::from_millis(1))));
    stand.engine.timer(None);
    for _ in 0..20 {
        assert_eq!(stand.turn(), []);
        std::thread::sleep(Duration::from_micros(200));
    }
}

pub(crate) fn time_never_goes_back<W: World>() {
    let mut stand = Stand::<W>::new();
    let mut last = stand.engine.now();
    for _ in 0..1000 {
        stand.engine.wait(false).unwrap();
        assert!(stand.engine.now() >= last);
        last = stand.engine.now();
    }
}

pub(crate) fn a_notifier_wakes_the_current_or_the_next_wait<W: World>() {
    let mut stand = Stand::<W>::new();
    let notify = stand.engine.notifier();
    notify();
    stand.engine.wait(true).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(&notify).join().unwrap();
            stand.engine.wait(true).unwrap();
        }
        let sleeper = scope.spawn(move || stand.engine.wait(true).unwrap());
        notify();
        sleeper.join().unwrap();
    });
}

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

pub(crate) fn connections_outlive_their_listener<W: World>() {
    let mut stand = Stand::<W>::new();
    let (connection, mut peer) = stand.pair();
    stand.engine.close_listener(stand.listener);
    stand.engine.receive(connection);
    peer.write_all(b"here").unwrap();
    assert_eq!(stand.hear(connection, 4), b"here");
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

pub(crate) fn an_address_in_use_is_an_error<W: World>() {
    let mut stand = Stand::<W>::new();
    let error = stand.engine.listen(stand.address, &options(), GATE).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

macro_rules! contract_suite {
    ($world:ty: $($test:ident,)*) => {
        $(#[test] fn $test() { crate::contract::$test::<$world>() })*
    };
    ($world:ty) => {
        contract_suite! { $world:
            bytes_come_in_order_and_then_the_end_once,
            nothing_is_received_before_it_is_asked_for_or_after_it_is_stopped,
            a_stop_between_two_completions_is_obeyed_at_once,
            a_turn_receives_a_bounded_amount_and_connections_take_turns,
            a_held_gate_lets_nothing_through_and_nothing_is_lost,
            whoever_waited_at_a_gate_comes_first_after_its_release,
            what_is_sent_arrives_in_order_whatever_the_peer_s_pace,
            sent_is_told_also_when_a_later_submit_finds_room,
            the_end_is_told_after_all_that_was_sent,
            a_reset_is_a_failure_told_once,
            a_failure_to_send_is_told_and_raises_no_signal,
            a_token_means_nothing_after_the_close,
            the_timer_comes_once_and_not_before_its_time,
            time_never_goes_back,
            a_notifier_wakes_the_current_or_the_next_wait,
            accepting_stops_and_goes_on,
            connections_outlive_their_listener,
            a_connection_that_is_begun_completes_and_carries_what_was_sent_before,
            a_connection_to_nowhere_fails,
            an_address_in_use_is_an_error,
        }
    };
}
pub(crate) use contract_suite;
