//! An echo server of lines: `cargo run --release -p millrace-reactor --example echo -- 7777`
//!
//! Inbox and outbox share a buffer. Both are only called by the reactor's thread, so its lock is never waited for.

use millrace_reactor::{
    Drained, Framing, Inbox, Lines, ListenOptions, Message, MessageKind, Outbox, Outgoing, Refused, ReplyToken,
    Runtime, RuntimeOptions,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// Replies one behind the other: where each ends, whose it is, and the bytes of all.
#[derive(Default)]
struct Echoes {
    replies: Vec<(ReplyToken, usize)>,
    bytes: Vec<u8>,
}

#[derive(Clone, Default)]
struct Echo(Arc<Mutex<Echoes>>);

impl Inbox for Echo {
    fn deliver(&mut self, message: &Message<'_>) -> Result<(), Refused> {
        if message.kind == MessageKind::Frame {
            let mut echoes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            echoes.bytes.extend_from_slice(message.body);
            let end = echoes.bytes.len();
            echoes.replies.push((message.reply, end));
        }
        Ok(())
    }

    fn flush(&mut self) {}

    fn wait_for_room(&mut self, _waker: &Waker) -> bool {
        true
    }
}

impl Outbox for Echo {
    fn drain(&mut self, _budget: usize, handle: &mut dyn FnMut(Outgoing<'_>)) -> Drained {
        let mut echoes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Echoes { replies, bytes } = &mut *echoes;
        let mut start = 0;
        for (token, end) in replies.drain(..) {
            handle(Outgoing::Reply { token, bytes: &bytes[start..end], more: false, end: false });
            start = end;
        }
        bytes.clear();
        Drained::Empty
    }

    fn arm(&mut self, _waker: &Waker) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replies.is_empty()
    }

    fn disarm(&mut self) {}
}

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let runtime = Runtime::start(RuntimeOptions::default())?;
    let controller = runtime.controller();
    let echo = Echo::default();
    controller.add_outbox(Box::new(echo.clone()));
    let mut options = ListenOptions::new(Framing::Lines(Lines { max: 1 << 16 }));
    options.address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listening = controller
        .listen(options, Box::new(echo))
        .wait()
        .ok_or_else(|| std::io::Error::other("the reactor has ended"))??;
    println!("echoes lines on {} by {}; end with Enter or end of input", listening.address, controller.engine());
    std::io::stdin().read_line(&mut String::new())?;
    println!("{:#?}\n{:#?}", listening.stats(), controller.stats());
    Ok(())
}
