//! A reactor with its messages and replies in the test's hands.
#![allow(dead_code, unreachable_pub, missing_docs)]

use millrace_reactor::{
    CloseReason, ConnectionToken, Controller, Drained, Framing, Inbox, Lines, ListenOptions, ListenerStats, Listening,
    Message, MessageKind, Outbox, Outgoing, Refused, ReplyToken, Resp, Runtime, RuntimeOptions,
};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

/// Longer than anything here takes, shorter than a test runner's patience.
pub const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub kind: MessageKind,
    pub connection: ConnectionToken,
    pub reply: ReplyToken,
    pub detail: u32,
    pub head: Vec<u8>,
    pub body: Vec<u8>,
}

impl Note {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn reason(&self) -> CloseReason {
        assert_eq!(self.kind, MessageKind::Close, "{self:?}");
        CloseReason::ALL[self.detail as usize]
    }
}

/// Room in an inbox: a test gives and takes it.
#[derive(Default)]
pub struct Room {
    state: Mutex<(usize, Option<Waker>)>,
}

impl Room {
    pub fn give(&self, more: usize) {
        let waker = {
            let mut state = self.state.lock().unwrap();
            state.0 = state.0.saturating_add(more);
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

pub struct Notes {
    sender: Sender<Note>,
    room: Arc<Room>,
}

impl Inbox for Notes {
    fn deliver(&mut self, message: &Message<'_>) -> Result<(), Refused> {
        if message.body == b"panic" {
            panic!("asked for by the test");
        }
        if message.body == b"toolarge" {
            return Err(Refused::TooLarge);
        }
        if message.body == b"gone" {
            return Err(Refused::Gone);
        }
        let mut state = self.room.state.lock().unwrap();
        state.0 = state.0.checked_sub(1).ok_or(Refused::Full)?;
        let _ = self.sender.send(Note {
            kind: message.kind,
            connection: message.connection,
            reply: message.reply,
            detail: message.detail,
            head: message.head.to_vec(),
            body: message.body.to_vec(),
        });
        Ok(())
    }

    fn flush(&mut self) {}

    fn wait_for_room(&mut self, waker: &Waker) -> bool {
        let mut state = self.room.state.lock().unwrap();
        state.1 = Some(waker.clone());
        state.0 > 0
    }
}

/// What a test sends.
#[derive(Clone, Debug)]
pub enum Out {
    Reply(ReplyToken, Vec<u8>, bool, bool),
    Release(ReplyToken),
    Send(ConnectionToken, Vec<u8>),
    Write(ConnectionToken, Vec<u8>),
    End(ConnectionToken),
    Destroy(ConnectionToken),
    Panic,
}

#[derive(Default)]
struct Queue {
    things: VecDeque<Out>,
    waker: Option<Waker>,
}

#[derive(Clone, Default)]
pub struct Pen(Arc<Mutex<Queue>>);

impl Pen {
    pub fn all(&self, things: impl IntoIterator<Item = Out>) {
        let waker = {
            let mut queue = self.0.lock().unwrap();
            queue.things.extend(things);
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub fn out(&self, thing: Out) {
        self.all([thing]);
    }

    pub fn reply(&self, note: &Note, bytes: impl AsRef<[u8]>) {
        self.out(Out::Reply(note.reply, bytes.as_ref().to_vec(), false, false));
    }
}

impl Outbox for Pen {
    fn drain(&mut self, budget: usize, handle: &mut dyn FnMut(Outgoing<'_>)) -> Drained {
        for _ in 0..budget {
            let Some(thing) = self.0.lock().unwrap().things.pop_front() else { return Drained::Empty };
            match &thing {
                Out::Reply(token, bytes, more, end) => {
                    handle(Outgoing::Reply { token: *token, bytes, more: *more, end: *end })
                }
                Out::Release(token) => handle(Outgoing::Release { token: *token }),
                Out::Send(connection, bytes) => handle(Outgoing::Send { connection: *connection, bytes }),
                Out::Write(connection, bytes) => handle(Outgoing::Write { connection: *connection, bytes }),
                Out::End(connection) => handle(Outgoing::End { connection: *connection }),
                Out::Destroy(connection) => handle(Outgoing::Destroy { connection: *connection }),
                Out::Panic => panic!("asked for by the test"),
            }
        }
        Drained::More
    }

    fn arm(&mut self, waker: &Waker) -> bool {
        let mut queue = self.0.lock().unwrap();
        queue.waker = Some(waker.clone());
        queue.things.is_empty()
    }

    fn disarm(&mut self) {
        self.0.lock().unwrap().waker = None;
    }
}

pub struct Bench {
    pub runtime: Runtime,
    pub controller: Controller,
    pub listening: Listening,
    pub notes: Receiver<Note>,
    pub room: Arc<Room>,
    pub pen: Pen,
}

pub fn lines() -> ListenOptions {
    ListenOptions::new(Framing::Lines(Lines { max: 1 << 20 }))
}

pub fn resp() -> ListenOptions {
    ListenOptions::new(Framing::Resp(Resp { max: 1 << 20, max_arguments: 1 << 10 }))
}

impl Bench {
    pub fn new(options: ListenOptions) -> Self {
        Self::with_room(options, usize::MAX)
    }

    pub fn with_room(options: ListenOptions, room: usize) -> Self {
        let runtime = Runtime::start(RuntimeOptions::default()).unwrap();
        let controller = runtime.controller();
        let pen = Pen::default();
        controller.add_outbox(Box::new(pen.clone()));
        let (listening, notes, given) = listen(&controller, options);
        given.give(room);
        Self { runtime, controller, listening, notes, room: given, pen }
    }

    pub fn dial(&self) -> Client {
        Client::dial(self.listening.address)
    }

    pub fn note(&self) -> Note {
        match self.notes.recv_timeout(PATIENCE) {
            Ok(note) => note,
            Err(RecvTimeoutError::Timeout) => panic!("no message; {:?}", self.stats()),
            Err(RecvTimeoutError::Disconnected) => panic!("the inbox is gone; {:?}", self.stats()),
        }
    }

    pub fn next(&self, kind: MessageKind) -> Note {
        loop {
            let note = self.note();
            if note.kind == kind {
                return note;
            }
            assert_eq!(note.kind, MessageKind::Open, "{note:?} instead of {kind:?}");
        }
    }

    pub fn frame(&self) -> Note {
        self.next(MessageKind::Frame)
    }

    pub fn closed(&self) -> Note {
        self.next(MessageKind::Close)
    }

    pub fn stats(&self) -> ListenerStats {
        self.listening.stats()
    }

    /// Waits until the listener's totals are so.
    pub fn until(&self, what: &str, mut so: impl FnMut(&ListenerStats) -> bool) {
        let start = Instant::now();
        while !so(&self.stats()) {
            assert!(start.elapsed() < PATIENCE, "never {what}: {:?}", self.stats());
            std::thread::yield_now();
        }
    }
}

pub fn listen(controller: &Controller, options: ListenOptions) -> (Listening, Receiver<Note>, Arc<Room>) {
    let (sender, notes) = channel();
    let room = Arc::new(Room::default());
    let inbox = Notes { sender, room: room.clone() };
    let listening = controller.listen(options, Box::new(inbox)).wait().unwrap().unwrap();
    (listening, notes, room)
}

pub struct Client(pub TcpStream);

impl Client {
    pub fn dial(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    pub fn hear(&mut self, count: usize) -> String {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// What comes until the other side ends.
    pub fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Closes with a reset instead of an end.
    pub fn reset(self) {
        socket2::SockRef::from(&self.0).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Writes until the other side takes no more; gives how much it took.
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        self.0.set_nonblocking(true).unwrap();
        let (mut total, mut at, mut since) = (0, 0, Instant::now());
        while since.elapsed() < Duration::from_millis(200) {
            match self.0.write(&bytes[at..]) {
                Ok(written) => {
                    total += written;
                    at = (at + written) % bytes.len();
                    since = Instant::now();
                    assert!(total < 1 << 30, "the other side takes everything");
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
        self.0.set_nonblocking(false).unwrap();
        total
    }

    pub fn is_over(&mut self) -> io::Result<bool> {
        Ok(self.0.read(&mut [0; 1])? == 0)
    }
}
