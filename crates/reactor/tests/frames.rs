//! Bytes become frames, and what cannot be a frame ends the connection.

mod support;

use millrace_reactor::{CloseReason, ListenOptions, Replies};
use support::{Bench, lines, resp};

#[test]
fn requests_come_as_arguments_with_their_ends_in_front() {
    let bench = Bench::new(resp());
    let mut client = bench.dial();
    client.say("*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\nPING\r\n");
    let echo = bench.frame();
    assert_eq!(echo.text(), "ECHOhello");
    assert_eq!(echo.head, [2_u32, 4, 9].map(u32::to_le_bytes).concat());
    let ping = bench.frame();
    assert_eq!((ping.text().as_str(), &ping.head), ("PING", &[1_u32, 4].map(u32::to_le_bytes).concat()));
    bench.pen.reply(&ping, "+PONG\r\n");
    bench.pen.reply(&echo, "$5\r\nhello\r\n");
    assert_eq!(client.hear(18), "$5\r\nhello\r\n+PONG\r\n");
}

#[test]
fn a_frame_that_comes_a_byte_at_a_time_is_one_frame() {
    let bench = Bench::new(resp());
    let mut client = bench.dial();
    for byte in b"*2\r\n$1\r\na\r\n$2\r\nbc\r\n" {
        client.say([*byte]);
    }
    assert_eq!(bench.frame().text(), "abc");
}

#[test]
fn a_frame_of_many_receives_is_one_frame() {
    let bench = Bench::new(resp());
    let mut client = bench.dial();
    let body = "v".repeat(1_000_000);
    for _ in 0..3 {
        client.say(format!("*1\r\n${}\r\n{body}\r\nPING\r\n", body.len()));
        assert!(bench.frame().text() == body);
        assert_eq!(bench.frame().text(), "PING");
    }
}

#[test]
fn bad_requests_are_told_in_redis_s_words_and_closed() {
    for (sent, text, reason) in [
        ("*4294967295\r\n", "invalid multibulk length", CloseReason::Protocol),
        ("*1\r\n$-5\r\n", "invalid bulk length", CloseReason::Protocol),
        ("*1\r\n$1048577\r\n", "invalid bulk length", CloseReason::FrameTooLarge),
        ("*1\r\n+OK\r\n", "expected '$', got '+'", CloseReason::Protocol),
    ] {
        let bench = Bench::new(resp());
        let mut client = bench.dial();
        client.say(sent);
        assert_eq!(client.rest(), format!("-ERR Protocol error: {text}\r\n"));
        let closed = bench.closed();
        assert_eq!((closed.reason(), closed.text().as_str()), (reason, text));
    }
}

#[test]
fn a_refusal_waits_for_the_replies_owed_before_it() {
    for replies in [Replies::Ordered, Replies::None] {
        let bench = Bench::new(ListenOptions { replies, ..resp() });
        let mut client = bench.dial();
        client.say("PING\r\n*x\r\n");
        let ping = bench.frame();
        let mut expected = "-ERR Protocol error: invalid multibulk length\r\n".to_owned();
        if replies == Replies::Ordered {
            bench.pen.reply(&ping, "+PONG\r\n");
            expected.insert_str(0, "+PONG\r\n");
        }
        assert_eq!(client.rest(), expected);
        assert_eq!(bench.closed().reason(), CloseReason::Protocol);
    }
}

#[test]
fn the_refusal_reaches_a_peer_that_goes_on_sending() {
    let bench = Bench::new(resp());
    let mut client = bench.dial();
    client.say([&b"*x\r\n"[..], &vec![b'z'; 4 << 20]].concat());
    assert_eq!(client.rest(), "-ERR Protocol error: invalid multibulk length\r\n");
}

#[test]
fn too_long_a_line_closes_and_disturbs_nobody() {
    let bench = Bench::new(ListenOptions {
        framing: millrace_reactor::Framing::Lines(millrace_reactor::Lines { max: 10 }),
        ..lines()
    });
    let (mut good, mut bad) = (bench.dial(), bench.dial());
    bad.say("01234567890123456789");
    assert_eq!(bad.rest(), "");
    assert_eq!(bench.closed().reason(), CloseReason::FrameTooLarge);
    good.say("0123456789\n");
    assert_eq!(bench.frame().text(), "0123456789");
}

#[test]
fn a_frame_the_inbox_can_never_take_closes_its_connection() {
    let bench = Bench::new(resp());
    let mut client = bench.dial();
    client.say("toolarge\r\n");
    assert_eq!(client.rest(), "-ERR Protocol error: request larger than 1048576 bytes\r\n");
    assert_eq!(bench.closed().reason(), CloseReason::FrameTooLarge);
}
