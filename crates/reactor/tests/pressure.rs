//! Whoever is too fast is held back, and memory stays bounded.

mod support;

use millrace_reactor::{CloseReason, ListenOptions, ListenerToken, MessageKind, WriteLimit, WritePolicy};
use std::time::Duration;
use support::{Bench, Client, Out, lines, resp};

#[test]
fn a_full_inbox_stops_the_senders_and_loses_nothing() {
    let bench = Bench::with_room(resp(), 1 + 3);
    let mut client = bench.dial();
    let request = format!("*1\r\n$1000\r\n{}\r\n", "x".repeat(1000));
    let taken = client.fill(request.repeat(100).as_bytes());
    assert!(taken < 32 << 20, "{taken} bytes were taken");
    let read = bench.stats().bytes_in;
    assert!(read <= 64 << 10, "{read} bytes were read for 3 frames");
    assert_eq!(bench.note().kind, MessageKind::Open);
    let whole = taken / request.len();
    bench.room.give(usize::MAX);
    for _ in 0..whole {
        let frame = bench.frame();
        assert_eq!(frame.body.len(), 1000);
        bench.pen.reply(&frame, "");
    }
}

#[test]
fn a_flood_does_not_keep_others_from_a_full_inbox() {
    let bench = Bench::with_room(lines(), 2);
    let (mut greedy, mut modest) = (bench.dial(), bench.dial());
    for _ in 0..2 {
        assert_eq!(bench.note().kind, MessageKind::Open);
    }
    greedy.fill("x".repeat(999).as_bytes().iter().copied().chain([b'\n']).collect::<Vec<u8>>().as_slice());
    modest.say("me\n");
    let mut before = 0;
    loop {
        bench.room.give(1);
        let frame = bench.frame();
        if frame.text() == "me" {
            break;
        }
        before += 1;
        bench.pen.out(Out::Release(frame.reply));
        // What had been read of the flood already, and one more turn of it.
        assert!(before <= 2 * (64 << 10) / 1000, "{before} frames of the flood came first");
    }
}

#[test]
fn a_connection_opened_while_the_inbox_is_full_is_announced_before_its_frames() {
    let bench = Bench::with_room(lines(), 0);
    let mut client = bench.dial();
    client.say("a\n");
    bench.until("full", |stats| stats.full > 0);
    bench.room.give(usize::MAX);
    assert_eq!(bench.note().kind, MessageKind::Open);
    assert_eq!(bench.note().text(), "a");
}

#[test]
fn a_connection_that_comes_and_goes_while_the_inbox_is_full_is_not_mentioned() {
    let bench = Bench::with_room(lines(), 0);
    let ghost = bench.dial();
    bench.until("full", |stats| stats.full > 0);
    drop(ghost);
    bench.room.give(usize::MAX);
    assert_eq!(bench.note().kind, MessageKind::Open);
    assert_eq!(bench.closed().reason(), CloseReason::End);
    assert!(bench.notes.try_recv().is_err());
}

#[test]
fn as_many_frames_as_allowed_wait_for_their_replies() {
    let bench = Bench::new(ListenOptions { max_owed: 4, ..lines() });
    let mut client = bench.dial();
    client.say("x\n".repeat(10));
    let mut frames: Vec<_> = (0..4).map(|_| bench.frame()).collect();
    bench.until("held back", |stats| stats.owed == 4);
    assert_eq!(bench.stats().frames, 4);
    for _ in 0..6 {
        let frame = frames.remove(0);
        bench.pen.reply(&frame, "y");
        if frames.len() <= 2 {
            frames.push(bench.frame());
            frames.push(bench.frame());
        }
    }
    bench.until("all delivered", |stats| stats.frames == 10);
}

fn flooded(policy: WritePolicy) -> (Bench, Client, millrace_reactor::ConnectionToken) {
    let limit = WriteLimit { bytes: 100_000, policy };
    let bench = Bench::new(ListenOptions { write_limit: limit, ..lines() });
    let mut client = bench.dial();
    client.say("first\n");
    let frame = bench.frame();
    bench.pen.reply(&frame, vec![b'x'; 40 << 20]);
    (bench, client, frame.connection)
}

#[test]
fn a_peer_that_does_not_read_is_not_read_from_until_it_has_read() {
    let (bench, mut client, _) = flooded(WritePolicy::Pause);
    bench.until("paused", |stats| stats.write_pauses == 1);
    client.say("second\n");
    assert!(bench.notes.recv_timeout(Duration::from_millis(50)).is_err(), "it was read from");
    client.hear((40 << 20) + 1);
    assert_eq!(bench.frame().text(), "second");
}

#[test]
fn a_peer_that_does_not_read_is_closed_when_the_policy_says_so() {
    let (bench, mut client, _) = flooded(WritePolicy::Close);
    assert_eq!(bench.closed().reason(), CloseReason::WriteLimit);
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client.0, &mut rest);
    assert!(rest.len() < 40 << 20);
}

#[test]
fn sends_beyond_the_limit_are_dropped_when_the_policy_says_so_and_replies_are_not() {
    let (bench, mut client, connection) = flooded(WritePolicy::Drop);
    bench.until("paused", |stats| stats.write_pauses == 1);
    bench.pen.out(Out::Send(connection, b"too much".to_vec()));
    bench.until("dropped", |stats| stats.dropped == 1);
    client.hear((40 << 20) + 1);
    client.say("again\n");
    let frame = bench.frame();
    bench.pen.out(Out::Send(connection, b"now".to_vec()));
    bench.pen.reply(&frame, "answer");
    assert_eq!(client.hear(11), "now\nanswer\n");
}

#[test]
fn beyond_the_limit_of_connections_they_are_closed_and_counted() {
    let bench = Bench::new(ListenOptions { max_connections: 2, ..lines() });
    let (mut first, _second) = (bench.dial(), bench.dial());
    bench.until("both there", |stats| stats.connections == 2);
    assert!(bench.dial().is_over().unwrap_or(true));
    bench.until("refused", |stats| stats.refused == 1);
    first.say("a\n");
    let frame = bench.frame();
    bench.pen.reply(&frame, "");
    first.hear(1);
    drop(first);
    bench.until("gone", |stats| stats.connections == 1);
    let mut third = bench.dial();
    third.say("c\n");
    assert_eq!(bench.closed().reason(), CloseReason::End);
    assert_eq!(bench.frame().text(), "c");
}

#[test]
fn a_paused_listener_accepts_later() {
    let bench = Bench::new(lines());
    bench.controller.pause(bench.listening.listener);
    bench.controller.close(ListenerToken::NONE).wait().expect("commands are obeyed in order");
    let mut client = bench.dial();
    client.say("a\n");
    assert!(bench.notes.recv_timeout(Duration::from_millis(50)).is_err(), "it was accepted");
    bench.controller.resume(bench.listening.listener);
    assert_eq!(bench.frame().text(), "a");
}

#[test]
fn a_peer_s_time_stands_still_while_we_do_not_read() {
    let timeout = Duration::from_millis(100);
    let bench =
        Bench::with_room(ListenOptions { idle_timeout: Some(timeout), frame_timeout: Some(timeout), ..lines() }, 2);
    let (mut begun, mut full) = (bench.dial(), bench.dial());
    begun.say("beg");
    bench.until("begun", |stats| stats.bytes_in == 3);
    full.say("x\n");
    bench.until("full", |stats| stats.full > 0);
    std::thread::sleep(3 * timeout);
    assert_eq!(bench.stats().connections, 2);
    begun.say("un\n");
    bench.room.give(usize::MAX);
    assert_eq!(bench.frame().text(), "x");
    assert_eq!(bench.frame().text(), "begun");
}

#[test]
fn replies_that_waited_for_their_turn_beyond_the_limit_do_not_stop_the_peer_for_ever() {
    let limit = WriteLimit { bytes: 1000, policy: WritePolicy::Pause };
    let bench = Bench::new(ListenOptions { write_limit: limit, ..lines() });
    let mut client = bench.dial();
    client.say("a\nb\n");
    let (a, b) = (bench.frame(), bench.frame());
    bench.pen.reply(&b, "b".repeat(2000));
    bench.until("paused", |stats| stats.write_pauses == 1);
    bench.pen.reply(&a, "a");
    assert_eq!(client.hear(2003).len(), 2003);
    client.say("c\n");
    assert_eq!(bench.frame().text(), "c");
}
