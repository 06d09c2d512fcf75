//! Replies find their connection, in the order they are owed.

mod support;

use millrace_reactor::{CloseReason, ConnectionToken, ListenOptions, MessageKind, Replies, ReplyToken};
use support::{Bench, Client, Note, Out, lines};

fn frames(bench: &Bench, count: usize) -> Vec<Note> {
    (0..count).map(|_| bench.frame()).collect()
}

fn three(replies: Replies) -> (Bench, Client, Vec<Note>) {
    let bench = Bench::new(ListenOptions { replies, ..lines() });
    let mut client = bench.dial();
    client.say("a\nb\nc\n");
    let notes = frames(&bench, 3);
    (bench, client, notes)
}

#[test]
fn a_frame_is_answered_by_its_token() {
    let bench = Bench::new(lines());
    let mut client = bench.dial();
    client.say("hello\r\n");
    let open = bench.note();
    assert_eq!(open.kind, MessageKind::Open);
    assert_eq!(open.text(), client.0.local_addr().unwrap().to_string());
    let frame = bench.frame();
    assert_eq!((frame.text().as_str(), frame.connection), ("hello", open.connection));
    bench.pen.reply(&frame, "world");
    assert_eq!(client.hear(6), "world\n");
    bench.until("answered", |stats| stats.replies == 1 && stats.owed == 0);
}

#[test]
fn replies_given_in_any_order_go_out_in_the_order_of_the_frames() {
    let (bench, mut client, notes) = three(Replies::Ordered);
    bench.pen.all([2, 1, 0].map(|at| Out::Reply(notes[at].reply, notes[at].body.clone(), false, false)));
    assert_eq!(client.hear(6), "a\nb\nc\n");
}

#[test]
fn unordered_replies_go_out_as_they_come() {
    let (bench, mut client, notes) = three(Replies::Any);
    bench.pen.reply(&notes[2], "c");
    assert_eq!(client.hear(2), "c\n");
    bench.pen.reply(&notes[0], "a");
    bench.pen.reply(&notes[1], "b");
    assert_eq!(client.hear(4), "a\nb\n");
}

#[test]
fn nobody_speaks_between_the_pieces_of_a_reply() {
    for replies in [Replies::Ordered, Replies::Any] {
        let (bench, mut client, notes) = three(replies);
        let piece = |at: usize, text: &str, more| Out::Reply(notes[at].reply, text.into(), more, false);
        bench.pen.all([
            piece(0, "x", true),
            piece(1, "1", true),
            Out::Send(notes[0].connection, b"push".to_vec()),
            piece(2, "z", false),
            piece(1, "2", true),
            piece(0, "y", false),
            piece(1, "3", false),
        ]);
        assert_eq!(client.hear(14), "xy\npush\n123\nz\n", "{replies:?}");
    }
}

#[test]
fn what_is_released_holds_nobody_up() {
    let (bench, mut client, notes) = three(Replies::Ordered);
    bench.pen.reply(&notes[2], "c");
    bench.pen.out(Out::Release(notes[1].reply));
    bench.pen.out(Out::Release(notes[0].reply));
    assert_eq!(client.hear(2), "c\n");
    bench.until("released", |stats| stats.owed == 0 && stats.replies == 3);
}

#[test]
fn a_reply_that_ends_is_the_last_one() {
    let (bench, mut client, notes) = three(Replies::Ordered);
    bench.pen.out(Out::Reply(notes[1].reply, b"bye".to_vec(), false, true));
    bench.pen.reply(&notes[2], "never");
    bench.pen.reply(&notes[0], "a");
    assert_eq!(client.rest(), "a\nbye\n");
    assert_eq!(bench.closed().reason(), CloseReason::End);
    assert_eq!(bench.stats().owed, 0);
}

#[test]
fn late_and_repeated_answers_are_counted_and_hit_nobody() {
    let (bench, mut client, notes) = three(Replies::Ordered);
    bench.pen.reply(&notes[0], "a");
    bench.pen.reply(&notes[0], "again");
    bench.pen.out(Out::Destroy(notes[0].connection));
    assert_eq!(bench.closed().reason(), CloseReason::Closed);
    let mut other = bench.dial();
    other.say("x\n");
    let fresh = bench.frame();
    bench.pen.reply(&notes[1], "late");
    bench.pen.out(Out::Send(notes[0].connection, b"late".to_vec()));
    bench.pen.out(Out::Reply(ReplyToken::NONE, b"to nobody".to_vec(), false, false));
    bench.pen.out(Out::End(ConnectionToken(u32::MAX)));
    bench.pen.reply(&fresh, "y");
    assert_eq!(other.hear(2), "y\n");
    let stats = bench.controller.stats();
    assert_eq!((stats.stale_replies, stats.stale_connections), (3, 2));
    let _ = client.is_over();
}

#[test]
fn unasked_frames_and_raw_bytes_are_sent_and_end_flushes() {
    let bench = Bench::new(ListenOptions { replies: Replies::None, ..lines() });
    let mut client = bench.dial();
    client.say("hi\n");
    let frame = bench.frame();
    assert_eq!(frame.reply, ReplyToken::NONE);
    bench.pen.all([
        Out::Send(frame.connection, b"framed".to_vec()),
        Out::Write(frame.connection, b"raw".to_vec()),
        Out::End(frame.connection),
    ]);
    assert_eq!(client.rest(), "framed\nraw");
    assert_eq!(bench.closed().reason(), CloseReason::End);
}

#[test]
fn a_large_reply_arrives_whole() {
    let bench = Bench::new(lines());
    let mut client = bench.dial();
    client.say("big\n");
    let frame = bench.frame();
    let bytes: Vec<u8> = (0..20_u32 << 20).map(|at| b'a' + (at % 26) as u8).collect();
    bench.pen.reply(&frame, &bytes);
    assert!(client.hear(bytes.len()).into_bytes() == bytes);
    assert_eq!(client.hear(1), "\n");
}

#[test]
fn many_replies_of_one_turn_leave_in_few_writes() {
    let bench = Bench::new(lines());
    let mut client = bench.dial();
    client.say("x\n".repeat(500));
    let notes = frames(&bench, 500);
    bench.pen.all(notes.iter().map(|note| Out::Reply(note.reply, b"y".to_vec(), false, false)));
    assert_eq!(client.hear(1000), "y\n".repeat(500));
}
