//! Everything about a round that its seed settles.

use super::random::Random;

/// A stage: its name, the indices of those it follows, and how many workers share it; 0 for a single consumer.
pub(crate) type Graph = &'static [(&'static str, &'static [usize], u32)];

pub(crate) const GRAPHS: [Graph; 5] = [
    &[("a", &[], 0)],
    &[("a", &[], 0), ("b", &[], 0), ("c", &[], 0)],
    &[("a", &[], 0), ("b", &[0], 0), ("c", &[1], 0)],
    &[("a", &[], 0), ("b", &[], 0), ("c", &[0, 1], 0)],
    &[("a", &[], 0), ("b", &[0], 3), ("c", &[1], 0)],
];

pub(crate) const MOST_STAGES: usize = 3;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    Adaptive,
    Block,
    Yield,
    Spin,
}

/// How a handler ends the ring.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure {
    Stop,
    /// It fails as often as its batch is begun.
    Retry,
    /// It panics, and who catches that fails the ring.
    Panic,
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) graph: Graph,
    pub(crate) capacity: u32,
    /// Near the wrap, mostly.
    pub(crate) start: u32,
    pub(crate) wait: Wait,
    /// 0 stands for the one producer of a ring that allows no more.
    pub(crate) multi: u32,
    pub(crate) visitors: u32,
    /// Events after which producers stop.
    pub(crate) events: u64,
    /// Events after which the ring is closed, whoever still publishes.
    pub(crate) close_at: u64,
    /// The stage that fails for good, how, and behind how many events that it has done.
    pub(crate) failure: Option<(usize, Failure, usize)>,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let graph = GRAPHS[(seed % GRAPHS.len() as u64) as usize];
        let wait = match random.below(10) {
            0..4 => Wait::Block,
            4..7 => Wait::Adaptive,
            7..9 => Wait::Yield,
            _ => Wait::Spin,
        };
        let capacity = 2 << random.below(10);
        // Where nobody sleeps, or a ring is small, each event may cost a slice of the scheduler's.
        let most = match wait {
            Wait::Spin => 100,
            Wait::Yield => 1000,
            _ => 4000,
        };
        let events = (50 + random.below(most)).min(capacity * 50);
        let multi = if matches!(wait, Wait::Spin) { random.below(2) } else { random.below(5) };
        let failure = random.one_in(4).then(|| {
            let stage = random.below(graph.len() as u32) as usize;
            let how = [Failure::Panic, Failure::Stop, Failure::Retry][random.below(3) as usize];
            (stage, how, random.below(events) as usize)
        });
        Self {
            seed,
            graph,
            capacity,
            start: if random.one_in(3) { 0 } else { 0u32.wrapping_sub(1 + random.below(events)) },
            wait,
            multi,
            visitors: if matches!(wait, Wait::Spin) { 0 } else { random.below(3) },
            events: events.into(),
            close_at: if random.one_in(2) { random.below(events) } else { events }.into(),
            failure,
        }
    }

    /// All stages that come before one.
    pub(crate) fn before(&self, stage: usize) -> Vec<usize> {
        self.graph[stage].1.iter().flat_map(|&one| [vec![one], self.before(one)].concat()).collect()
    }

    pub(crate) fn names(&self, stages: &[usize]) -> Vec<&'static str> {
        stages.iter().map(|&stage| self.graph[stage].0).collect()
    }
}
