//! What the reactor says to those it works for.

use crate::token::{ConnectionToken, ListenerToken, ReplyToken};

/// What a [`Message`] tells. The numbers are what stands in shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum MessageKind {
    /// A connection was accepted; the body is the peer's address as text. Comes before any of its frames.
    Open = 0,
    /// A whole frame.
    Frame = 1,
    /// A connection is over; `detail` is its [`CloseReason`], the body says more where there is more to say.
    /// The last message of a connection.
    Close = 2,
    /// A system call for this connection failed in a way that is no mere reset; `detail` is the error's number
    /// (`errno`), the body its text. A `Close` follows.
    Error = 3,
}

/// Why a connection is over. The numbers are what stands in shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum CloseReason {
    /// The peer ended its side and got all it was owed, or a reply or command ended the connection on purpose.
    End = 0,
    /// The peer reset the connection, or went away while it was written to.
    Reset = 1,
    /// What the peer sent is not the protocol; it was told so where the protocol has words for that.
    Protocol = 2,
    /// A frame was larger than the listener, or the inbox, takes.
    FrameTooLarge = 3,
    /// A frame was begun and not finished in time.
    FrameTimeout = 4,
    /// Nothing was received, sent or owed for too long.
    IdleTimeout = 5,
    /// The peer did not read, and the write limit's policy is to close.
    WriteLimit = 6,
    /// The listener or the reactor was closed, or the connection was destroyed by command.
    Closed = 7,
    /// The listener was drained, and nothing was owed to this connection any more.
    Drained = 8,
    /// A system call failed, or the inbox is gone.
    Error = 9,
}

impl CloseReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::End,
        Self::Reset,
        Self::Protocol,
        Self::FrameTooLarge,
        Self::FrameTimeout,
        Self::IdleTimeout,
        Self::WriteLimit,
        Self::Closed,
        Self::Drained,
        Self::Error,
    ];

    /// The reason's name, the same in every language.
    ///
    /// ```
    /// use millrace_reactor::CloseReason;
    /// assert_eq!(CloseReason::FrameTooLarge.name(), "frame-too-large");
    /// assert_eq!(CloseReason::ALL[CloseReason::Drained as usize], CloseReason::Drained);
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::FrameTooLarge => "frame-too-large",
            Self::FrameTimeout => "frame-timeout",
            Self::IdleTimeout => "idle-timeout",
            Self::WriteLimit => "write-limit",
            Self::Closed => "closed",
            Self::Drained => "drained",
            Self::Error => "error",
        }
    }
}

/// One thing that happened, lent to an [`Inbox`](crate::Inbox) for the time of the call.
///
/// The payload is `head` followed by `body`; they are apart only so that the codec need not copy them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is.
    pub kind: MessageKind,
    /// The listener that accepted the connection.
    pub listener: ListenerToken,
    /// The connection.
    pub connection: ConnectionToken,
    /// What is owed for a frame; [`ReplyToken::NONE`] for everything else, and with
    /// [`Replies::None`](crate::Replies::None).
    pub reply: ReplyToken,
    /// What the kind says it is; 0 otherwise.
    pub detail: u32,
    /// What the codec puts in front: for RESP the number of arguments and then the end of each in `body`, all
    /// little-endian `u32`; empty for lines.
    pub head: &'a [u8],
    /// The bytes: a line without its terminator, RESP arguments one behind the other.
    pub body: &'a [u8],
}
