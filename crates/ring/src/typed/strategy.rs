//! How threads wait for events.

use super::yielding::Yielding;
use millrace_park::{Sleeper, ThreadSleeper};
use std::fmt;

/// What a waiting consumer does after a look that found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Looks again, after a hint to the processor.
    Spin,
    /// Gives the processor away, then looks again.
    Yield,
    /// Sleeps until who publishes wakes it. Means [`Yield`](Self::Yield) where [`WaitStrategy::PARKS`] is false.
    Park,
}

/// How a ring's consumers wait.
///
/// ```
/// use millrace_ring::typed::{Pause, WaitStrategy};
/// /// Two hundred looks, then sleep.
/// #[derive(Debug, Clone)]
/// struct Patient;
/// impl WaitStrategy for Patient {
///     const PARKS: bool = true;
///     fn pause(&mut self, looks: u32) -> Pause {
///         if looks < 200 { Pause::Spin } else { Pause::Park }
///     }
/// }
/// ```
pub trait WaitStrategy: Clone + Send + Sync + 'static {
    /// Whether consumers may sleep. Where they never do, publishing does not look for sleepers.
    const PARKS: bool;
    /// Whether a consumer that finds only a few events at each look lets up to 1.6 us pass before it looks again, so
    /// that batches grow: many times the throughput where events come faster than they are looked for. An event that
    /// comes alone is seen at once either way.
    const GATHERS: bool = true;
    /// What to do after the `looks`-th look in a row, counted from 0, that found nothing. May sleep by itself.
    fn pause(&mut self, looks: u32) -> Pause;
    /// Something was found after so many looks that found nothing, one at least. Each consumer has a strategy of its
    /// own, which may learn from this.
    fn found(&mut self, looks: u32) {
        let _ = looks;
    }
    /// What sleeps, for [`Pause::Park`], and lets others run, for [`Pause::Yield`], and so for a producer without room.
    /// Called on the thread that waits, each time; [`Builder::sleep_by`](super::Builder::sleep_by) is for another one.
    #[inline(always)]
    fn sleeper(&self) -> impl Sleeper + use<Self> {
        ThreadSleeper::current()
    }
}

/// Sleeps at once: for stages that are idle most of the time, on machines with other work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Block;

/// Gives the processor away between looks, and never sleeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Yield;

/// Looks again and again, as soon as it can: the least latency, for threads that own a core.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spin;

/// Looks a little, yields for a while, then sleeps. It yields for as long as events have kept it waiting lately, up to
/// what two sleeps and wakes cost: where they come faster than that, a sleep would only delay them and those behind;
/// where they don't, it sleeps nearly at once.
#[derive(Debug, Clone, Default)]
pub struct Adaptive(Yielding);

impl WaitStrategy for Block {
    const PARKS: bool = true;
    fn pause(&mut self, _: u32) -> Pause {
        Pause::Park
    }
}

impl WaitStrategy for Yield {
    const PARKS: bool = false;
    #[inline(always)]
    fn pause(&mut self, _: u32) -> Pause {
        Pause::Yield
    }
}

impl WaitStrategy for Spin {
    const PARKS: bool = false;
    const GATHERS: bool = false;
    #[inline(always)]
    fn pause(&mut self, _: u32) -> Pause {
        Pause::Spin
    }
}

/// Waits as `W` says and sleeps by what `current` gives, see [`Builder::sleep_by`](super::Builder::sleep_by).
#[derive(Clone)]
pub struct SleepBy<W, F> {
    strategy: W,
    current: F,
}

impl<W, F> SleepBy<W, F> {
    pub(super) fn new(strategy: W, current: F) -> Self {
        Self { strategy, current }
    }
}

impl<W: fmt::Debug, F> fmt::Debug for SleepBy<W, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SleepBy").field("strategy", &self.strategy).finish_non_exhaustive()
    }
}

/// Looks in a row, all but the last of which may spin: others run on the same thread, and what this one waits for may
/// be theirs to do.
const SPINS: u32 = 64;

impl<W, F, S> WaitStrategy for SleepBy<W, F>
where
    W: WaitStrategy,
    F: Fn() -> S + Clone + Send + Sync + 'static,
    S: Sleeper,
{
    const PARKS: bool = W::PARKS;
    const GATHERS: bool = W::GATHERS;

    #[inline]
    fn pause(&mut self, looks: u32) -> Pause {
        match self.strategy.pause(looks) {
            // True again for ever once `looks` has saturated.
            Pause::Spin if looks % SPINS == SPINS - 1 => Pause::Yield,
            pause => pause,
        }
    }

    #[inline]
    fn found(&mut self, looks: u32) {
        self.strategy.found(looks);
    }

    fn sleeper(&self) -> impl Sleeper + use<W, F, S> {
        (self.current)()
    }
}

/// Looks of an adaptive waiter before the first yield: a few microseconds.
const LOOKS: u32 = 100;

impl WaitStrategy for Adaptive {
    const PARKS: bool = true;
    #[inline]
    fn pause(&mut self, looks: u32) -> Pause {
        if looks < LOOKS {
            return Pause::Spin;
        }
        if looks == LOOKS {
            self.0.begins();
        }
        if self.0.goes_on() { Pause::Yield } else { Pause::Park }
    }

    #[inline]
    fn found(&mut self, looks: u32) {
        if looks > LOOKS {
            self.0.ends();
        }
    }
}
