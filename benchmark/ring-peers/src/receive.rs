//! What every consumer does: wait for events, and take what is there.

/// The receiving end.
pub(crate) trait Receive {
    /// Waits for events and hands over what is ready; false when there will be no more.
    fn take(&mut self, each: impl FnMut(u64)) -> bool;
}
