//! Consumers that wait for nothing.

/// How many wait, each on a thread of its own.
pub(crate) const CONSUMERS: usize = 5;

/// What each sees before it is left alone, so that it waits as it would in the middle of its work.
pub(crate) const EVENTS: u64 = 1_000;

/// A way to wait.
pub(crate) trait Idle {
    /// Sets [`CONSUMERS`] up, publishes [`EVENTS`], and calls `waiting`, during which nothing comes. Ends the consumers
    /// when that returns.
    fn idle(&self, waiting: &mut dyn FnMut());
}
