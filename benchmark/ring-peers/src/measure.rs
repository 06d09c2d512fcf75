//! One run, timed and checked.

use crate::plan::Plan;
use crate::race::Race;
use crate::sides::Side;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// What a run gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) events: u64,
    /// From the first publish until the last consumer had the last event.
    took: Duration,
}

impl Measured {
    /// Events a second.
    pub(crate) fn rate(self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }
}

/// Has `side` move events for `time`, and until the last one has come.
pub(crate) fn measure(side: &dyn Side, plan: Plan, time: Duration) -> Result<Measured, String> {
    let race = Arc::new(Race::new(plan.graph.producers()));
    let referee = thread::spawn({
        let race = race.clone();
        move || race.stop_after(time)
    });
    let moved = side.run(plan, &race);
    referee.join().expect("a panic ends the process");
    moved.check(plan.graph)?;
    let took = moved.seen.iter().map(|seen| race.clock(seen.at)).max().unwrap_or_default();
    Ok(Measured { events: moved.published.count, took })
}
