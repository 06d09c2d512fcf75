//! What every producer does: publish numbered events until the time is up.

use crate::plan::Batch;
use crate::race::Race;
use crate::tally::Tally;

/// Events between two looks at the clock: a multiple of every batch, and 20 ms of the slowest side.
pub(crate) const ROUND: u64 = 2_000;

/// The producing end of a side.
pub(crate) trait Publish {
    /// Publishes the `N` events from `first` on together, waiting for room.
    fn publish<const N: u64>(&mut self, first: u64);
}

/// Publishes through `out` until the race is over; what was published.
pub(crate) fn produce(race: &Race, batch: Batch, out: &mut impl Publish) -> Tally {
    race.meet();
    match batch {
        Batch::One => by::<1>(race, out),
        Batch::Ten => by::<10>(race, out),
        Batch::Hundred => by::<100>(race, out),
    }
}

fn by<const N: u64>(race: &Race, out: &mut impl Publish) -> Tally {
    let mut next = 0;
    while !race.stopped() {
        for _ in 0..ROUND / N {
            out.publish::<N>(next);
            next += N;
        }
    }
    Tally::of_first(next)
}
