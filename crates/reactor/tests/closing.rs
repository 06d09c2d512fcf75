//! How connections, listeners and their implementers end.

mod support;

use millrace_reactor::{CloseReason, ListenOptions, MessageKind, Runtime, RuntimeOptions, Settled};
use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::task::Poll;
use std::time::Duration;
use support::{Bench, Out, lines, listen};

#[test]
fn a_peer_that_half_closes_gets_what_it_is_owed() {
    let bench = Bench::new(lines());
    let mut client = bench.dial();
    client.say("a\nb\nincomplete");
    client.0.shutdown(Shutdown::Write).unwrap();
    let (a, b) = (bench.frame(), bench.frame());
    bench.pen.reply(&b, "B");
    bench.pen.reply(&a, "A");
    assert_eq!(client.rest(), "A\nB\n");
    assert_eq!(bench.closed().reason(), CloseReason::End);
}

#[test]
fn a_peer_that_ends_with_its_only_bytes_is_heard_and_closed() {
    let bench = Bench::new(lines());
    for round in 0..200 {
        let mut client = bench.dial();
        client.say(format!("{round}\n"));
        client.0.shutdown(Shutdown::Write).unwrap();
        let frame = bench.frame();
        bench.pen.reply(&frame, frame.text());
        assert_eq!(client.rest(), format!("{round}\n"));
        assert_eq!(bench.closed().reason(), CloseReason::End);
    }
}

#[test]
fn a_peer_that_resets_is_closed_and_its_replies_go_nowhere() {
    let bench = Bench::new(lines());
    let mut client = bench.dial();
    client.say("a\n");
    let frame = bench.frame();
    client.reset();
    assert_eq!(bench.closed().reason(), CloseReason::Reset);
    bench.pen.reply(&frame, "A");
    bench.until("counted", |stats| stats.closed_reset == 1 && stats.connections == 0 && stats.owed == 0);
}

#[test]
fn a_peer_that_resets_in_the_middle_of_a_reply_is_closed() {
    let bench = Bench::new(lines());
    let mut client = bench.dial();
    client.say("a\n");
    let frame = bench.frame();
    bench.pen.out(Out::Reply(frame.reply, vec![b'x'; 64 << 20], true, false));
    client.hear(1000);
    client.reset();
    assert_eq!(bench.closed().reason(), CloseReason::Reset);
    bench.pen.out(Out::Reply(frame.reply, vec![b'y'; 10], false, false));
    let mut other = bench.dial();
    other.say("still there?\n");
    let frame = bench.frame();
    bench.pen.reply(&frame, "yes");
    assert_eq!(other.hear(4), "yes\n");
}

#[test]
fn a_drain_answers_what_is_owed_and_then_closes() {
    let bench = Bench::new(lines());
    let (mut busy, mut idle, mut partial) = (bench.dial(), bench.dial(), bench.dial());
    busy.say("work\nmore\n");
    partial.say("never whole");
    let (work, more) = (bench.frame(), bench.frame());
    bench.until("all there", |stats| stats.connections == 3 && stats.bytes_in == 21);
    let mut drained = bench.controller.drain(bench.listening.listener, None);
    assert_eq!(idle.rest(), "");
    assert_eq!(partial.rest(), "");
    assert_eq!(TcpStream::connect(bench.listening.address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(matches!(drained.look(std::task::Waker::noop()), Poll::Pending));
    bench.pen.reply(&more, "MORE");
    bench.pen.reply(&work, "WORK");
    assert_eq!(busy.rest(), "WORK\nMORE\n");
    assert_eq!(drained.wait(), Some(Settled { drained: 3, cut: 0 }));
    for _ in 0..3 {
        assert_eq!(bench.closed().reason(), CloseReason::Drained);
    }
    assert!(bench.notes.recv().is_err(), "the inbox is dropped");
}

#[test]
fn a_drain_out_of_time_cuts_the_rest() {
    let bench = Bench::new(lines());
    let mut client = bench.dial();
    client.say("never answered\n");
    bench.frame();
    let settled = bench.controller.drain(bench.listening.listener, Some(Duration::from_millis(20))).wait().unwrap();
    assert_eq!((settled.drained, settled.cut), (0, 1));
    assert_eq!(bench.closed().reason(), CloseReason::Closed);
}

#[test]
fn a_drain_out_of_time_ends_although_nobody_reads_the_messages() {
    let bench = Bench::with_room(lines(), 2);
    let mut client = bench.dial();
    client.say("a\nb\n");
    bench.frame();
    bench.until("full", |stats| stats.full > 0);
    let settled = bench.controller.drain(bench.listening.listener, Some(Duration::from_millis(20))).wait().unwrap();
    assert_eq!(settled.cut, 1);
    bench.room.give(9);
    assert_eq!(bench.closed().reason(), CloseReason::Closed);
}

#[test]
fn a_closed_listener_closes_its_connections_and_no_others() {
    let bench = Bench::new(lines());
    let (other, other_notes, room) = listen(&bench.controller, lines());
    room.give(usize::MAX);
    let mut client = bench.dial();
    let mut kept = support::Client::dial(other.address);
    kept.say("x\n");
    assert_eq!(other_notes.recv().unwrap().kind, MessageKind::Open);
    assert_eq!(other_notes.recv().unwrap().text(), "x");
    bench.until("there", |stats| stats.connections == 1);
    let settled = bench.controller.close(bench.listening.listener).wait().unwrap();
    assert_eq!((settled.drained, settled.cut), (1, 0));
    assert_eq!(client.rest(), "");
    assert_eq!(bench.closed().reason(), CloseReason::Closed);
    assert_eq!(bench.controller.close(bench.listening.listener).wait(), Some(Settled::default()));
    kept.say("y\n");
    assert_eq!(other_notes.recv().unwrap().text(), "y");
}

#[test]
fn a_port_in_use_is_the_operating_system_s_error() {
    let bench = Bench::new(lines());
    let options = ListenOptions { address: bench.listening.address, ..lines() };
    let (sender, _notes) = std::sync::mpsc::channel::<()>();
    struct Nobody(#[allow(dead_code)] std::sync::mpsc::Sender<()>);
    impl millrace_reactor::Inbox for Nobody {
        fn deliver(&mut self, _: &millrace_reactor::Message<'_>) -> Result<(), millrace_reactor::Refused> {
            Ok(())
        }
        fn flush(&mut self) {}
        fn wait_for_room(&mut self, _: &std::task::Waker) -> bool {
            true
        }
    }
    let error = bench.controller.listen(options, Box::new(Nobody(sender))).wait().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.raw_os_error().is_some());
}

#[test]
fn an_inbox_that_panics_takes_its_listener_with_it_and_nothing_else() {
    for word in ["panic\n", "gone\n"] {
        let bench = Bench::new(lines());
        let (other, other_notes, room) = listen(&bench.controller, lines());
        room.give(usize::MAX);
        let (mut first, mut second) = (bench.dial(), bench.dial());
        bench.until("both there", |stats| stats.connections == 2);
        first.say(word);
        let _ = first.is_over();
        let _ = second.is_over();
        bench.until("both gone", |stats| stats.closed_error == 2);
        assert_eq!(TcpStream::connect(bench.listening.address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let mut kept = support::Client::dial(other.address);
        kept.say("x\n");
        assert_eq!(other_notes.recv().unwrap().kind, MessageKind::Open);
        assert_eq!(other_notes.recv().unwrap().text(), "x");
        assert_eq!(bench.controller.stats().panics, u64::from(word == "panic\n"));
    }
}

#[test]
fn an_outbox_that_panics_is_dropped_and_the_others_go_on() {
    let bench = Bench::new(lines());
    let second = support::Pen::default();
    bench.controller.add_outbox(Box::new(second.clone()));
    let mut client = bench.dial();
    client.say("a\n");
    let frame = bench.frame();
    bench.pen.out(Out::Panic);
    second.reply(&frame, "A");
    assert_eq!(client.hear(2), "A\n");
    assert_eq!(bench.controller.stats().panics, 1);
}

#[test]
fn a_removed_outbox_gives_what_it_has_before_it_goes() {
    let bench = Bench::new(lines());
    let second = support::Pen::default();
    let token = bench.controller.add_outbox(Box::new(second.clone()));
    let mut client = bench.dial();
    client.say("a\n");
    let frame = bench.frame();
    second.reply(&frame, "A");
    bench.controller.remove_outbox(token).wait().unwrap();
    assert_eq!(client.hear(2), "A\n");
}

#[test]
fn an_idle_connection_is_closed_and_one_that_is_owed_a_reply_is_not() {
    let bench = Bench::new(ListenOptions { idle_timeout: Some(Duration::from_millis(50)), ..lines() });
    let (mut idle, mut waits) = (bench.dial(), bench.dial());
    waits.say("slow\n");
    let slow = bench.frame();
    assert_eq!(idle.rest(), "");
    let closed = bench.closed();
    assert_eq!(closed.reason(), CloseReason::IdleTimeout);
    assert_ne!(closed.connection, slow.connection);
    bench.pen.reply(&slow, "done");
    assert_eq!(waits.rest(), "done\n");
    assert_eq!(bench.closed().reason(), CloseReason::IdleTimeout);
}

#[test]
fn a_slow_sender_is_closed_although_it_keeps_sending() {
    let bench = Bench::new(ListenOptions { frame_timeout: Some(Duration::from_millis(50)), ..lines() });
    let mut client = bench.dial();
    client.say("quick\n");
    let quick = bench.frame();
    bench.pen.reply(&quick, "ok");
    assert_eq!(client.hear(3), "ok\n");
    use std::io::Write;
    while client.0.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(2));
        assert!(bench.stats().bytes_in < 10_000);
        if bench.stats().closed_frame_timeout == 1 {
            break;
        }
    }
    assert_eq!(bench.closed().reason(), CloseReason::FrameTimeout);
    assert_eq!(client.rest(), "");
}

#[test]
fn after_the_reactor_has_ended_every_answer_is_none() {
    let runtime = Runtime::start(RuntimeOptions::default()).unwrap();
    let controller = runtime.controller();
    let (listening, notes, room) = listen(&controller, lines());
    room.give(usize::MAX);
    let mut client = support::Client::dial(listening.address);
    client.say("a\n");
    assert_eq!(notes.recv().unwrap().kind, MessageKind::Open);
    assert_eq!(notes.recv().unwrap().kind, MessageKind::Frame);
    drop(runtime);
    assert_eq!(notes.recv().unwrap().reason(), CloseReason::Closed);
    assert!(notes.recv().is_err());
    assert_eq!(controller.close(listening.listener).wait(), None);
    assert_eq!(controller.remove_outbox(controller.add_outbox(Box::new(support::Pen::default()))).wait(), None);
}
