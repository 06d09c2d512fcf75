//! `kanal`, bounded and blocking. It sends one after the other and takes what is ready by `drain_into`, with `recv` when
//! nothing is, as its documentation shows.

use super::channels::Channel;
use crate::receive::Receive;
use kanal::{Receiver, Sender, bounded};

/// The kind of channel.
pub(crate) struct Kanal;

/// A receiver with the vector it drains into.
pub(crate) struct Draining {
    receiver: Receiver<u64>,
    taken: Vec<u64>,
}

impl Channel for Kanal {
    type Sender = Sender<u64>;
    type Receiver = Draining;

    fn bounded(slots: usize) -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = bounded(slots);
        (sender, Draining { receiver, taken: Vec::with_capacity(slots) })
    }

    #[inline]
    fn send(sender: &Self::Sender, event: u64) {
        sender.send(event).expect("the receiver outlives its senders");
    }
}

impl Receive for Draining {
    #[inline]
    fn take(&mut self, each: impl FnMut(u64)) -> bool {
        if self.receiver.drain_into(&mut self.taken).is_err() {
            return false;
        }
        if self.taken.is_empty() {
            let Ok(first) = self.receiver.recv() else { return false };
            self.taken.push(first);
        }
        self.taken.drain(..).for_each(each);
        true
    }
}
