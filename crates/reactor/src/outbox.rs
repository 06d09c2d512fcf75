//! Where replies and commands to connections come from.

use crate::token::{ConnectionToken, ReplyToken};
use std::task::Waker;

/// One thing to do for a connection, lent to the reactor for the time of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outgoing<'a> {
    /// Answers a frame. A token whose connection is gone, or that was answered already, is counted and ignored.
    Reply {
        /// What the frame was delivered with.
        token: ReplyToken,
        /// The payload, or a piece of it; framed by the listener's codec.
        bytes: &'a [u8],
        /// More pieces of this reply follow.
        more: bool,
        /// Closes the connection once this reply is flushed. Replies owed for later frames are not sent.
        end: bool,
    },
    /// Gives a token back: this frame gets no answer. Later replies of an ordered connection no longer wait for it.
    Release {
        /// What the frame was delivered with.
        token: ReplyToken,
    },
    /// Sends a frame that answers nothing. Never comes between the pieces of a reply.
    Send {
        /// To whom.
        connection: ConnectionToken,
        /// The payload; framed by the listener's codec.
        bytes: &'a [u8],
    },
    /// Sends bytes as they are. Never comes between the pieces of a reply.
    Write {
        /// To whom.
        connection: ConnectionToken,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Flushes what was written and closes. What is still owed is not waited for.
    End {
        /// Whom.
        connection: ConnectionToken,
    },
    /// Closes at once; what is not yet written is lost.
    Destroy {
        /// Whom.
        connection: ConnectionToken,
    },
}

/// What a drain left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Nothing is left.
    Empty,
    /// The budget is used up, and there is more.
    More,
    /// The writer is gone and so is all it wrote: the outbox is dropped.
    Gone,
}

/// Replies and commands of one environment.
///
/// Only the reactor's thread calls it. A panic in here is caught and counts as [`Drained::Gone`].
pub trait Outbox: Send {
    /// Hands over up to `budget` things, in the order they were put in.
    fn drain(&mut self, budget: usize, handle: &mut dyn FnMut(Outgoing<'_>)) -> Drained;

    /// The reactor is about to block: true when nothing is there and the writer will call `waker` once something is.
    ///
    /// An implementer states "asleep" first and looks for content after that; the writer does it the other way round.
    fn arm(&mut self, waker: &Waker) -> bool;

    /// The reactor is up again; wakes can be spared until the next [`arm`](Self::arm).
    fn disarm(&mut self);
}
