//! What a ring has done so far.

use crate::join::{read_joined, stage_name};
use crate::layout::Cell;
use crate::memory::{Memory, View};
use crate::sequence::{distance, position};
use millrace_park::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

/// A ring's counts, see [`Ring::stats`](crate::Ring::stats) and [`typed::Ring::stats`](crate::typed::Ring::stats).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// When they were read.
    pub at: Instant,
    /// Events published since the ring was made, with those given up between them; the number of the next event.
    pub cursor: u64,
    /// Slots that several producers claimed and gave up. What one producer gives up is not counted: it claims the same
    /// slots again.
    ///
    /// In rings that are not typed every slot that was claimed and given up, those in `recovered` included; both parts
    /// wrap at 2^32.
    pub given_up: u64,
    /// Slots that were claimed when their producer's thread ended, given up for it. Wraps at 2^32; 0 in typed rings.
    pub recovered: u32,
    /// Slots of events that were accepted and never seen by consumers: their producer's thread ended before they were
    /// flushed, or the ring failed. Wraps at 2^32; 0 in typed rings, whose producers publish at once.
    pub lost: u32,
    /// Stages, in the order they were added, and behind them those that have joined.
    pub stages: Vec<StageStatistics>,
    /// Seats of producers, taken or not.
    pub producers: Vec<ProducerStatistics>,
}

/// Counts of one stage, together with its workers'; all but `sequence` wrap at 2^32.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageStatistics {
    /// The stage.
    pub name: String,
    /// Whether it has joined, and is not of the graph.
    pub joined: bool,
    /// The number of the next event it will release.
    pub sequence: u64,
    /// Events published that it has not released.
    pub lag: u32,
    /// Times it released events.
    pub batches: u32,
    /// Times it went to sleep.
    pub waits: u32,
    /// Times it released and found somebody asleep.
    pub wakes_made: u32,
    /// Times it released and had nobody to wake.
    pub wakes_elided: u32,
    /// Events passed over because its handler failed.
    pub skipped: u32,
    /// Batches begun again because its handler failed.
    pub retries: u32,
}

/// Counts of one producer's seat; they wrap at 2^32. Where consumers never sleep, nothing is looked for or counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerStatistics {
    /// Times it published and found somebody asleep.
    pub wakes_made: u32,
    /// Times it published and had nobody to wake.
    pub wakes_elided: u32,
}

impl Statistics {
    /// Events a second that a stage has released between two readings, with slots given up among them; none when one of
    /// the two has no such stage, or no time lies between.
    ///
    /// ```
    /// use millrace_ring::typed::Builder;
    /// let ring = Builder::new(8).stage("store", &[]).create(u32::default)?;
    /// let before = ring.stats();
    /// ring.producer()?.publish_many(5, |at, event| *event = at).unwrap();
    /// ring.consumer("store")?.poll(8, |_, _, _| ());
    /// let now = ring.stats();
    /// let seconds = (now.at - before.at).as_secs_f64();
    /// assert_eq!(now.throughput(&before, "store"), Some(5.0 / seconds));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn throughput(&self, before: &Self, stage: &str) -> Option<f64> {
        let sequence = |all: &Self| Some(all.stages.iter().find(|one| one.name == stage)?.sequence);
        let released = sequence(self)?.saturating_sub(sequence(before)?);
        let seconds = self.at.duration_since(before.at).as_secs_f64();
        (seconds > 0.0).then(|| released as f64 / seconds)
    }

    pub(crate) fn of(memory: &Memory, view: &View<'_>, given_up: u64) -> Self {
        // Stages first: none is ever ahead of the cursor that is looked at after it, though that may run on meanwhile.
        let count = |word: &AtomicU32| word.load(Relaxed);
        let stage = |name: String, cell: &Cell, workers: &[Cell], joined: bool| {
            let sum = |word: fn(&Cell) -> &AtomicU32| {
                workers.iter().fold(count(word(cell)), |sum, worker| sum.wrapping_add(count(word(worker))))
            };
            StageStatistics {
                name,
                joined,
                sequence: position(cell),
                lag: 0,
                batches: sum(|cell| &cell.batches),
                waits: sum(|cell| &cell.waits),
                wakes_made: sum(|cell| &cell.made),
                wakes_elided: sum(|cell| &cell.elided),
                skipped: sum(|cell| &cell.skipped),
                retries: sum(|cell| &cell.retries),
            }
        };
        let declared = |(at, (first, number)): (usize, &(u32, u32))| {
            let workers = &view.stages[*first as usize..(first + number) as usize];
            stage(stage_name(memory, view, at as u32), &view.stages[at], workers, false)
        };
        let mut stages: Vec<_> = view.geometry.workers.iter().enumerate().map(declared).collect();
        stages.extend(read_joined(view, |name, cell| stage(name, cell, &[], true)));
        let cursor = position(view.cursor);
        for StageStatistics { lag, sequence, .. } in &mut stages {
            *lag = distance(*sequence as u32, cursor as u32).max(0).cast_unsigned().min(view.geometry.capacity);
        }
        let producer =
            |cell: &Cell| ProducerStatistics { wakes_made: count(&cell.made), wakes_elided: count(&cell.elided) };
        Self {
            at: Instant::now(),
            cursor,
            given_up,
            recovered: count(&view.header.recovered),
            lost: count(&view.header.lost),
            stages,
            producers: view.producers.iter().map(producer).collect(),
        }
    }
}
