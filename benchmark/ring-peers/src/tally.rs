//! Adding events up, and finding out whether all of them came.

use crate::plan::Graph;
use std::time::Instant;

/// A number of events, and their wrapped sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) sum: u64,
}

impl Tally {
    /// Of the events 0 to `count` - 1.
    pub(crate) fn of_first(count: u64) -> Self {
        // One of two neighbours is even: halved first, the product wraps as the sum does.
        let (even, odd) = if count.is_multiple_of(2) { (count, count.wrapping_sub(1)) } else { (count - 1, count) };
        Self { count, sum: (even / 2).wrapping_mul(odd) }
    }

    /// What every consumer does with every event.
    #[inline(always)]
    pub(crate) fn add(&mut self, event: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(event);
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies
            .fold(Self::default(), |all, one| Self { count: all.count + one.count, sum: all.sum.wrapping_add(one.sum) })
    }
}

/// What one consumer saw, and when it had the last event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    tally: Tally,
    pub(crate) at: Instant,
}

impl Seen {
    /// To be called where the consumer ends.
    pub(crate) fn now(tally: Tally) -> Self {
        Self { tally, at: Instant::now() }
    }
}

/// What came of one run.
#[derive(Debug)]
pub(crate) struct Moved {
    /// By all producers.
    pub(crate) published: Tally,
    /// By each consumer.
    pub(crate) seen: Vec<Seen>,
}

impl Moved {
    /// Whether every consumer of the graph saw what was published, once.
    pub(crate) fn check(&self, graph: Graph) -> Result<(), String> {
        if self.seen.len() != graph.consumers() {
            return Err(format!("{} consumers told what they saw, {} should have", self.seen.len(), graph.consumers()));
        }
        match self.seen.iter().find(|seen| seen.tally != self.published) {
            Some(Seen { tally, .. }) => Err(format!("{:?} was published and {tally:?} consumed", self.published)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_the_first_events_is_what_adding_them_gives() {
        for count in [0, 1, 2, 7, 100] {
            let mut added = Tally::default();
            (0..count).for_each(|event| added.add(event));
            assert_eq!(added, Tally::of_first(count));
        }
    }

    #[test]
    fn the_sum_of_very_many_wraps() {
        let n: u64 = 1 << 33;
        assert_eq!(Tally::of_first(n + 1).sum, Tally::of_first(n).sum.wrapping_add(n));
        assert_eq!(u128::from(Tally::of_first(n).sum), u128::from(n) * u128::from(n - 1) / 2 % (1 << 64));
    }

    #[test]
    fn a_consumer_that_missed_or_doubled_an_event_is_found() {
        let moved = |seen: &[Tally]| Moved {
            published: Tally::of_first(3),
            seen: seen.iter().map(|tally| Seen::now(*tally)).collect(),
        };
        let all = Tally::of_first(3);
        assert!(moved(&[all]).check(Graph::OneToOne).is_ok());
        assert!(moved(&[all, all]).check(Graph::Pipeline).is_err());
        assert!(moved(&[all, all, Tally { count: 3, sum: 4 }]).check(Graph::Pipeline).is_err());
        assert!(moved(&[Tally { count: 4, sum: 3 }]).check(Graph::OneToOne).is_err());
    }
}
