//! The threads of a run: one a producer, one a consumer.

use crate::plan::Plan;
use crate::publish::{Publish, produce};
use crate::race::Race;
use crate::tally::{Seen, Tally};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// Publishes through what each of `ends` makes, on a thread of its own, until the race is over; what all published. An
/// end is dropped by its thread when it has published its last.
pub(crate) fn produce_all<P, E>(plan: Plan, race: &Arc<Race>, ends: impl IntoIterator<Item = E>) -> Tally
where
    P: Publish,
    E: FnOnce() -> P + Send + 'static,
{
    let start = |end: E| {
        let race = race.clone();
        thread::spawn(move || produce(&race, plan.batch, &mut end()))
    };
    let threads: Vec<_> = ends.into_iter().map(start).collect();
    threads.into_iter().map(join).sum()
}

/// Waits until these consumers have seen everything.
pub(crate) fn join_all(consumers: Vec<JoinHandle<Seen>>) -> Vec<Seen> {
    consumers.into_iter().map(join).collect()
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("a panic ends the process")
}
