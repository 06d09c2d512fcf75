//! One connection, as the reactor sees it.

use crate::codec::FramingState;
use crate::engine::Time;
use crate::message::CloseReason;
use crate::replies::Chain;
use std::net::SocketAddr;

/// Why a connection is not read from. It is read from when there is none of these.
pub(crate) mod pause {
    /// The inbox did not take its `Open` or a frame.
    pub(crate) const INBOX: u8 = 1;
    /// As many frames as allowed wait for their replies, or the reactor has no token left.
    pub(crate) const OWED: u8 = 1 << 1;
    /// The peer does not read what it is sent.
    pub(crate) const WRITE: u8 = 1 << 2;
    /// The listener is drained.
    pub(crate) const DRAIN: u8 = 1 << 3;
    /// The peer sends no more.
    pub(crate) const ENDED: u8 = 1 << 4;
    /// What it sent cannot be the protocol; it will be told when all before is answered.
    pub(crate) const REFUSED: u8 = 1 << 5;
    /// Those during which the peer's time stands still, because it is we who do not read.
    pub(crate) const OURS: u8 = INBOX | OWED;
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Served.
    Open,
    /// Over, as soon as what was written has gone out.
    Ending(CloseReason),
    /// Over, and told so. What still comes is thrown away until the peer has seen our end.
    Lingering,
}

/// Bytes that are not a whole frame yet, or one that could not be delivered.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    pub(crate) buffer: Vec<u8>,
    pub(crate) state: FramingState,
}

/// A connection's state. There may be tens of thousands: what an idle one does not need is behind an `Option`.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) listener: u32,
    pub(crate) phase: Phase,
    pub(crate) pause: u8,
    /// Its `Open` was delivered, so that it is owed a `Close`.
    pub(crate) known: bool,
    /// On the list of those that may be over their write limit.
    pub(crate) suspect: bool,
    /// The peer, when its `Open` could not be delivered.
    pub(crate) unannounced: Option<Box<SocketAddr>>,
    /// What its `Close` will say, once that is known and has to wait.
    pub(crate) verdict: Option<Box<(CloseReason, String)>>,
    pub(crate) partial: Option<Box<Partial>>,
    pub(crate) chain: Chain,
    /// The reply whose pieces have begun to go out and have not ended; 0 for none.
    pub(crate) speaker: u32,
    /// Bytes of replies that wait for their turn.
    pub(crate) stashed: usize,
    /// What is sent when the speaker has ended.
    pub(crate) behind: Option<Vec<u8>>,
    /// When bytes last came or went, in the listener's time.
    pub(crate) active: Time,
    /// When the frame in `partial` began, in the listener's time.
    pub(crate) frame_since: Option<Time>,
    /// When we stopped reading, in the listener's time.
    pub(crate) paused_since: Time,
    /// The earliest alarm that is set; the end of time for none.
    pub(crate) alarm: Time,
    /// What was queued when the last alarm came: no less now means that the peer does not read.
    pub(crate) queued_then: usize,
}

/// There is no alarm.
pub(crate) const NEVER: Time = Time(u64::MAX);

impl Connection {
    pub(crate) fn new(listener: u32, now: Time) -> Self {
        Self {
            listener,
            phase: Phase::Open,
            pause: 0,
            known: false,
            suspect: false,
            unannounced: None,
            verdict: None,
            partial: None,
            chain: Chain::default(),
            speaker: 0,
            stashed: 0,
            behind: None,
            active: now,
            frame_since: None,
            paused_since: Time::default(),
            alarm: NEVER,
            queued_then: 0,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }
}
