//! An outbox that is a byte ring: replies and commands of another thread.

use crate::outbox::{Drained, Outbox, Outgoing};
use crate::token::{ConnectionToken, ReplyToken};
use millrace_ring::{ByteConsumer, Record, Ring};
use std::task::Waker;

/// Header fields of an outbox's records: what to do, the reply token or connection, flags; a word each.
pub const OUTBOX_FIELDS: u32 = 12;

/// What a record asks for, as it stands in shared memory.
pub mod kind {
    /// Answers a frame.
    pub const REPLY: u32 = 0;
    /// Gives a reply token back.
    pub const RELEASE: u32 = 1;
    /// Sends a frame that answers nothing.
    pub const SEND: u32 = 2;
    /// Sends bytes as they are.
    pub const WRITE: u32 = 3;
    /// Flushes and closes.
    pub const END: u32 = 4;
    /// Closes at once.
    pub const DESTROY: u32 = 5;
}

/// More pieces of a reply follow.
pub const MORE: u32 = 1;
/// The connection ends with this reply.
pub const END: u32 = 2;

/// Bytes looked at between two looks at the budget: a turn in the ring's memory stays short.
const STEP: u32 = 64 * 1024;

/// An outbox over a byte ring. When the reactor lets go of it the ring is closed, so that a writer who waits for room is
/// told.
#[derive(Debug)]
pub struct RingOutbox {
    records: ByteConsumer,
    ring: Ring,
}

impl Drop for RingOutbox {
    fn drop(&mut self) {
        self.ring.close();
    }
}

impl RingOutbox {
    /// The outbox that `records` consumes, of `ring`.
    #[must_use]
    pub fn new(records: ByteConsumer, ring: Ring) -> Self {
        Self { records, ring }
    }
}

fn outgoing<'a>(record: &'a Record<'_>) -> Option<Outgoing<'a>> {
    let mut words =
        record.fields().chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
    let (what, target, flags) = (words.next()?, words.next()?, words.next()?);
    let (token, connection) = (ReplyToken(target), ConnectionToken(target));
    let bytes = record.payload();
    Some(match what {
        kind::REPLY => Outgoing::Reply { token, bytes, more: flags & MORE != 0, end: flags & END != 0 },
        kind::RELEASE => Outgoing::Release { token },
        kind::SEND => Outgoing::Send { connection, bytes },
        kind::WRITE => Outgoing::Write { connection, bytes },
        kind::END => Outgoing::End { connection },
        kind::DESTROY => Outgoing::Destroy { connection },
        _ => return None,
    })
}

impl Outbox for RingOutbox {
    fn drain(&mut self, budget: usize, handle: &mut dyn FnMut(Outgoing<'_>)) -> Drained {
        let mut taken = 0;
        let mut idle = false;
        while taken < budget {
            let step = |record: &mut Record<'_>| {
                if let Some(outgoing) = outgoing(record) {
                    handle(outgoing);
                }
            };
            match self.records.poll(STEP, step) {
                // What was polled may have been the padding at the ring's end, with records behind it.
                Ok(0) if !std::mem::replace(&mut idle, true) => {}
                Ok(0) => return if self.records.ended() { Drained::Gone } else { Drained::Empty },
                Ok(records) => {
                    taken += records as usize;
                    idle = false;
                }
                Err(_) => return Drained::Gone,
            }
        }
        Drained::More
    }

    fn arm(&mut self, waker: &Waker) -> bool {
        self.records.arm(waker)
    }

    fn disarm(&mut self) {
        self.records.disarm();
    }
}
