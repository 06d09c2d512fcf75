//! `std::sync::mpsc::sync_channel`. It has no batches; what is ready is taken by `try_iter`.

use super::channels::Channel;
use crate::receive::Receive;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The kind of channel.
pub(crate) struct Std;

impl Channel for Std {
    type Sender = SyncSender<u64>;
    type Receiver = Receiver<u64>;

    fn bounded(slots: usize) -> (Self::Sender, Self::Receiver) {
        sync_channel(slots)
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
