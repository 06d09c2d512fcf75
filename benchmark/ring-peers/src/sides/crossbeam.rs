//! `crossbeam-channel`, bounded. It has no batches; what is ready is taken by `try_iter`.

use super::channels::Channel;
use crate::receive::Receive;
use crossbeam_channel::{Receiver, Sender, bounded};

/// The kind of channel.
pub(crate) struct Crossbeam;

impl Channel for Crossbeam {
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn bounded(slots: usize) -> (Self::Sender, Self::Receiver) {
        bounded(slots)
    }

    #[inline]
    fn send(sender: &Self::Sender, event: u64) {
        sender.send(event).expect("the receiver outlives its senders");
    }
}

impl Receive for Receiver<u64> {
    #[inline]
    fn take(&mut self, mut each: impl FnMut(u64)) -> bool {
        let Ok(first) = self.recv() else { return false };
        each(first);
        self.try_iter().for_each(each);
        true
    }
}
