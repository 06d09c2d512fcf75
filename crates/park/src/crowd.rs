//! Waiters that share one bit of a word, however many they are.

use crate::sleepers::WakerTable;
use crate::sync::{Mutex, lock};
use std::sync::Arc;
use std::task::{Wake, Waker};

/// Those behind one bit of a [`WakerTable`]: a wake of the bit wakes them all.
#[derive(Debug, Default)]
pub struct Crowd {
    wakers: Mutex<Vec<(u64, Waker)>>,
}

impl Crowd {
    /// A crowd with nobody in it, behind a bit of `table`.
    #[must_use]
    pub fn behind(table: &WakerTable, bit: u32) -> Arc<Self> {
        let crowd = Arc::new(Self::default());
        table.set(bit, Waker::from(crowd.clone()));
        crowd
    }

    /// Somebody comes, who is known by `key`.
    pub fn add(&self, key: u64, waker: Waker) {
        lock(&self.wakers).push((key, waker));
    }

    /// Those leave whose key is one of these: they will not be woken any more once this returns.
    pub fn remove(&self, leaves: impl Fn(u64) -> bool) {
        lock(&self.wakers).retain(|(key, _)| !leaves(*key));
    }
}

impl Wake for Crowd {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        lock(&self.wakers).iter().for_each(|(_, waker)| waker.wake_by_ref());
    }
}
