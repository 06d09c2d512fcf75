//! An inbox that is a byte ring: messages go to another thread, or straight into a ring of the user's.

use crate::inbox::{Inbox, Refused};
use crate::message::{Message, MessageKind};
use millrace_park::sync::lock;
use millrace_ring::{ByteProducer, ClaimError};
use std::sync::{Arc, Mutex};
use std::task::Waker;

/// Header fields of a listener's own ring: kind, connection, reply token, detail; a little-endian word each.
pub const INBOX_FIELDS: u32 = 16;

/// Where frames go.
#[derive(Debug)]
enum Target {
    /// Not said yet: they wait in the sockets.
    Undecided,
    /// Into the listener's own ring, with everything else.
    Own,
    /// Into a ring of the user's, whose records have these fields.
    Into(IntoRing),
}

/// A ring of the user's, and the byte offsets of those header fields that are filled.
#[derive(Debug)]
pub struct IntoRing {
    /// Appends the records.
    pub producer: ByteProducer,
    /// Where the reply token goes, a `u32`.
    pub reply: Option<u32>,
    /// Where the connection goes, a `u32`.
    pub connection: Option<u32>,
}

/// Which messages other than frames are wanted, by the bit of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted(pub u32);

impl Wanted {
    fn has(self, kind: MessageKind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }
}

#[derive(Debug)]
struct Shared {
    target: Target,
    wanted: Wanted,
    /// Wakes the reactor, which waits to be told the target.
    waiting: Option<Waker>,
}

/// Says where the messages of a [`RingInbox`] go, from any thread.
#[derive(Debug, Clone)]
pub struct InboxSwitch(Arc<Mutex<Shared>>);

impl InboxSwitch {
    /// Everything goes into the inbox's own ring.
    pub fn own(&self, wanted: Wanted) {
        self.turn(Target::Own, wanted);
    }

    /// Frames go into a ring of the user's; what else is wanted into the inbox's own.
    pub fn into_ring(&self, ring: IntoRing, wanted: Wanted) {
        self.turn(Target::Into(ring), wanted);
    }

    fn turn(&self, target: Target, wanted: Wanted) {
        let (waiting, before) = {
            let mut shared = lock(&self.0);
            shared.wanted = wanted;
            (shared.waiting.take(), std::mem::replace(&mut shared.target, target))
        };
        drop(before);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// An inbox over byte rings. Until its [`InboxSwitch`] says where messages go it is full.
#[derive(Debug)]
pub struct RingInbox {
    own: ByteProducer,
    shared: Arc<Mutex<Shared>>,
    /// Which ring was full last, and for how long a payload.
    refused: (bool, usize),
}

impl RingInbox {
    /// An inbox whose own ring `own` publishes to; its records have [`INBOX_FIELDS`] bytes of header fields.
    #[must_use]
    pub fn new(own: ByteProducer) -> (Self, InboxSwitch) {
        let shared = Shared { target: Target::Undecided, wanted: Wanted(0), waiting: None };
        let shared = Arc::new(Mutex::new(shared));
        (Self { own, shared: shared.clone(), refused: (false, 0) }, InboxSwitch(shared))
    }
}

fn refused(error: ClaimError) -> Refused {
    match error {
        ClaimError::Full => Refused::Full,
        ClaimError::TooLarge => Refused::TooLarge,
        ClaimError::Closed | ClaimError::Failed | ClaimError::Gone | ClaimError::Kind => Refused::Gone,
    }
}

fn put(fields: &mut [u8], at: Option<u32>, value: u32) {
    if let Some(field) = at.and_then(|at| fields.get_mut(at as usize..at as usize + 4)) {
        field.copy_from_slice(&value.to_ne_bytes());
    }
}

impl Inbox for RingInbox {
    fn deliver(&mut self, message: &Message<'_>) -> Result<(), Refused> {
        let mut shared = lock(&self.shared);
        let payload = [message.head, message.body];
        let length = message.head.len() + message.body.len();
        let frame = message.kind == MessageKind::Frame;
        self.refused = (false, length);
        match &mut shared.target {
            Target::Undecided => return Err(Refused::Full),
            Target::Into(into) if frame => {
                self.refused.0 = true;
                let (reply, connection) = (into.reply, into.connection);
                let write = |fields: &mut [u8]| {
                    fields.fill(0);
                    put(fields, reply, message.reply.0);
                    put(fields, connection, message.connection.0);
                };
                return into.producer.try_push(write, &payload).map_err(refused);
            }
            Target::Own | Target::Into(_) => {}
        }
        if !frame && !shared.wanted.has(message.kind) {
            return Ok(());
        }
        let words = [message.kind as u32, message.connection.0, message.reply.0, message.detail];
        let write = |fields: &mut [u8]| {
            for (field, word) in fields.chunks_exact_mut(4).zip(words) {
                field.copy_from_slice(&word.to_ne_bytes());
            }
        };
        self.own.try_push(write, &payload).map_err(refused)
    }

    fn flush(&mut self) {
        if let Target::Into(into) = &mut lock(&self.shared).target {
            into.producer.flush();
        }
        self.own.flush();
    }

    fn wait_for_room(&mut self, waker: &Waker) -> bool {
        let mut shared = lock(&self.shared);
        let (into_ring, length) = self.refused;
        match &mut shared.target {
            Target::Undecided => {
                shared.waiting = Some(waker.clone());
                false
            }
            Target::Into(into) if into_ring => into.producer.wait_for_room(length, waker),
            Target::Own | Target::Into(_) => self.own.wait_for_room(length, waker),
        }
    }
}
