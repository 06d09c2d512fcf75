//! How a stream of bytes becomes frames, and a reply becomes bytes.
//!
//! A codec is streaming (it sees bytes as they come, in any pieces), bounded (it refuses what is larger than its
//! limits as soon as that can be known) and incremental (its state remembers what it looked at, so that a frame that
//! comes a byte at a time is still looked at once). Any split of a stream gives the same frames.

mod inline;
mod lines;
mod resp;
#[cfg(test)]
mod split;

pub use lines::Lines;
pub use resp::Resp;

use crate::message::CloseReason;
use std::borrow::Cow;

/// Buffers a codec lays a frame out in when it cannot lend it straight from the input; used again for every frame.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The layout in front of the body.
    pub head: Vec<u8>,
    /// The bytes of the frame, where the input has something else between them.
    pub body: Vec<u8>,
}

/// What a codec saw at the beginning of the input.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A whole frame, which took this many bytes of the input.
    Frame {
        /// Bytes of the input that belong to this frame.
        consumed: usize,
        /// What goes in front of the body.
        head: &'a [u8],
        /// The frame's bytes.
        body: &'a [u8],
    },
    /// Bytes that mean nothing and are passed over.
    Skip {
        /// How many.
        consumed: usize,
    },
    /// The beginning of a frame, or nothing.
    Partial,
}

/// The stream cannot go on: what the peer is told, and the reason the connection is closed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// [`CloseReason::Protocol`] or [`CloseReason::FrameTooLarge`].
    pub reason: CloseReason,
    /// In words, for the log and the `Close` message.
    pub text: Cow<'static, str>,
    /// What is written to the peer before the end; empty where the protocol has no words for it.
    pub answer: Vec<u8>,
}

/// A framing: how frames are found in a stream, and how replies are framed.
pub trait Codec {
    /// What has to be remembered between two looks at a frame that is not whole. `Default` is "nothing seen yet".
    type State: Default;

    /// Looks for a frame at the beginning of `input`.
    ///
    /// After [`Decoded::Partial`] the next call gets the same state, and the same bytes with more behind them (they
    /// may have moved). After a frame or a skip the state is fresh again and the next call starts behind what was
    /// consumed.
    ///
    /// # Errors
    /// A [`Refusal`] when the stream cannot be the protocol, or a limit is exceeded.
    fn decode<'a>(
        &self,
        state: &mut Self::State,
        input: &'a [u8],
        scratch: &'a mut Scratch,
    ) -> Result<Decoded<'a>, Refusal>;

    /// Frames a piece of a reply; `last` says that no more of it follows.
    fn encode(&self, payload: &[u8], last: bool, write: &mut dyn FnMut(&[u8]));

    /// What a peer is told whose frame is larger than its reader takes; empty where the protocol has no words.
    fn too_large(&self) -> Refusal;
}

/// The framings a listener can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framing {
    /// Lines, ended by LF or CRLF.
    Lines(Lines),
    /// Requests of the Redis serialization protocol, version 2.
    Resp(Resp),
}

/// The state of whichever framing it is.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum FramingState {
    /// Nothing seen yet.
    #[default]
    Fresh,
    /// Of [`Lines`].
    Lines(<Lines as Codec>::State),
    /// Of [`Resp`].
    Resp(<Resp as Codec>::State),
}

impl Codec for Framing {
    type State = FramingState;

    fn decode<'a>(
        &self,
        state: &mut FramingState,
        input: &'a [u8],
        scratch: &'a mut Scratch,
    ) -> Result<Decoded<'a>, Refusal> {
        match self {
            Self::Lines(codec) => {
                if !matches!(state, FramingState::Lines(_)) {
                    *state = FramingState::Lines(Default::default());
                }
                let FramingState::Lines(state) = state else { unreachable!("set just above") };
                codec.decode(state, input, scratch)
            }
            Self::Resp(codec) => {
                if !matches!(state, FramingState::Resp(_)) {
                    *state = FramingState::Resp(Default::default());
                }
                let FramingState::Resp(state) = state else { unreachable!("set just above") };
                codec.decode(state, input, scratch)
            }
        }
    }

    fn encode(&self, payload: &[u8], last: bool, write: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Lines(codec) => codec.encode(payload, last, write),
            Self::Resp(codec) => codec.encode(payload, last, write),
        }
    }

    fn too_large(&self) -> Refusal {
        match self {
            Self::Lines(codec) => codec.too_large(),
            Self::Resp(codec) => codec.too_large(),
        }
    }
}
