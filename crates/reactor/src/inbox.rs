//! Where messages go.

use crate::message::Message;
use std::task::Waker;

/// Why an inbox did not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no room now. The reactor stops reading the listener's connections, keeps the message, and offers it
    /// again when [`Inbox::wait_for_room`] says so.
    Full,
    /// Nobody will ever read again. The listener and its connections are closed with
    /// [`CloseReason::Error`](crate::CloseReason::Error), and the inbox is dropped.
    Gone,
    /// This message would not even fit into an empty inbox. Its connection is closed with
    /// [`CloseReason::FrameTooLarge`](crate::CloseReason::FrameTooLarge).
    TooLarge,
}

/// Where the messages of one listener's connections go.
///
/// Only the reactor's thread calls it. Messages of one connection come in order: `Open`, then frames, then `Close`.
/// A panic in here is caught: the inbox counts as [`Refused::Gone`] from then on.
pub trait Inbox: Send {
    /// Takes one message. When it is refused nothing of it may be left behind.
    ///
    /// # Errors
    /// [`Refused`] says what the reactor shall do with the message.
    fn deliver(&mut self, message: &Message<'_>) -> Result<(), Refused>;

    /// Publishes what was delivered and wakes the reader.
    ///
    /// Follows the deliveries of every turn before anything is written to a socket and before the thread could
    /// block. What an implementer acquires in the first `deliver` of a turn it can therefore release here.
    fn flush(&mut self);

    /// Asks to be woken when there is room again; called after [`Refused::Full`].
    ///
    /// True when there is room already: then the waker may stay uncalled.
    fn wait_for_room(&mut self, waker: &Waker) -> bool;
}
