//! A thread that opens a stage in every way there is and leaves it again, until the ring has ended.

use super::event::{Event, First};
use super::plan::Failure;
use super::random::Random;
use super::round::Round;
use millrace_ring::typed::{
    Consumer, ExclusiveConsumer, ExclusiveError, OnError, Ran, Ring, StageConsumer, Stopped, WaitStrategy, Worker,
};
use millrace_ring::{JoinError, JoinFrom, Waited};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

/// An event, as a stage saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) sequence: u64,
    pub(crate) by: u32,
    pub(crate) n: u32,
}

/// What a thread has done for its stage.
#[derive(Debug, Default)]
pub(crate) struct Consumed {
    /// What it saw and released, in this order.
    pub(crate) seen: Vec<Seen>,
    pub(crate) skipped: u32,
    pub(crate) retries: u32,
}

/// What a handler panics with to leave its stage; any other panic is a defect.
struct Leaves;

/// An open stage. Its first one writes what it owns, in either of the ways it may.
enum Open<W: WaitStrategy> {
    Plain(Consumer<Event, W>),
    First(StageConsumer<Event, W, First>),
    Exclusive(ExclusiveConsumer<Event, W>),
    Worker(Worker<Event, W>),
}

type Failed = Stopped<&'static str>;
type Handler<'a> = dyn FnMut(&Event, u64, bool) -> Result<(), &'static str> + 'a;

impl<W: WaitStrategy> Open<W> {
    fn stage<P>(ring: &Ring<Event, W, P>, round: &Round, stage: usize, random: &mut Random) -> Self {
        let (name, _, workers) = round.plan.graph[stage];
        if workers > 0 {
            return Self::Worker(ring.worker(name).expect("a seat for each worker"));
        }
        if random.one_in(3) {
            match ring.exclusive_consumer(name) {
                Ok(consumer) => return Self::Exclusive(consumer),
                // A stage of the graph, or one that has joined.
                Err(ExclusiveError::Beside(_)) => (),
                Err(other) => round.problem(format!("stage {name}: {other}")),
            }
        }
        if stage == 0 {
            Self::First(ring.consumer_of::<First>().expect("nobody else has it"))
        } else {
            Self::Plain(ring.consumer(name).expect("nobody else has it"))
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) -> Waited {
        match self {
            Self::Plain(open) => open.wait(timeout),
            Self::First(open) => open.wait(timeout),
            Self::Exclusive(open) => open.wait(timeout),
            Self::Worker(open) => open.wait(timeout),
        }
    }

    fn poll(&mut self, max: u32, each: &mut Handler<'_>) {
        let mut call = |event: &Event, sequence, last| each(event, sequence, last).expect("no policy");
        match self {
            Self::Plain(open) => open.poll(max, call),
            Self::Worker(open) => open.poll(max, call),
            Self::First(open) => open.poll(max, |event, writer, sequence, last| {
                event.owned.set(writer, event.mark_of(0));
                call(event, sequence, last);
            }),
            Self::Exclusive(open) => open.poll(max, |event, sequence, last| {
                event.mark_alone();
                call(event, sequence, last);
            }),
        };
    }

    fn run(&mut self, each: &mut Handler<'_>) {
        let mut call = |event: &Event, sequence, last| each(event, sequence, last).expect("no policy");
        match self {
            Self::Plain(open) => open.run(call),
            Self::Worker(open) => open.run(call),
            Self::First(open) => open.run(|event, writer, sequence, last| {
                event.owned.set(writer, event.mark_of(0));
                call(event, sequence, last);
            }),
            Self::Exclusive(open) => open.run(|event, sequence, last| {
                event.mark_alone();
                call(event, sequence, last);
            }),
        }
    }

    /// The same with a policy, and where the stage stood at the end; of a worker nobody knows, with others beside it.
    fn run_fallible(&mut self, policy: OnError, each: &mut Handler<'_>) -> (Result<Ran, Failed>, Option<u64>) {
        match self {
            Self::Plain(open) => (open.run_fallible(policy, each), Some(open.sequence())),
            Self::First(open) => {
                let ran = open.run_fallible(policy, |event, writer, sequence, last| {
                    event.owned.set(writer, event.mark_of(0));
                    each(event, sequence, last)
                });
                (ran, Some(open.sequence()))
            }
            Self::Exclusive(open) => {
                let ran = open.run_fallible(policy, |event, sequence, last| {
                    event.mark_alone();
                    each(event, sequence, last)
                });
                (ran, Some(open.sequence()))
            }
            Self::Worker(open) => (open.run_fallible(policy, each), None),
        }
    }
}

/// One opening of a stage.
struct Visit<'a> {
    name: &'a str,
    round: &'a Round,
    /// The stage, if it is one of the graph, and all before it.
    stage: Option<usize>,
    before: &'a [usize],
    random: &'a mut Random,
    done: &'a mut Consumed,
    /// What was seen of a batch that is not released yet.
    batch: Vec<Seen>,
    /// Events after which it panics.
    leaves: u32,
    /// Who catches its panic is to fail the ring.
    fails: bool,
}

impl Visit<'_> {
    fn take(&mut self, event: &Event, sequence: u64, last: bool) {
        if self.leaves == 0 {
            resume_unwind(Box::new(Leaves));
        }
        self.leaves -= 1;
        self.random.pause();
        let (name, by, n) = (self.name, event.by, event.n);
        if !event.is_whole() {
            self.round.problem(format!("stage {name} saw a torn event {by}/{n} at {sequence}"));
        }
        for &stage in self.before {
            let owns = stage == 0;
            if !event.is_marked(stage) || owns && event.owned.get() != event.mark_of(0) {
                self.round.problem(format!("stage {name} saw {by}/{n} at {sequence} before stage {stage} did it"));
            }
        }
        if let Some(stage) = self.stage {
            event.mark(stage);
        }
        self.batch.push(Seen { sequence, by, n });
        if last {
            self.done.seen.append(&mut self.batch);
        }
    }

    /// True when the ring has ended.
    fn go<W: WaitStrategy>(&mut self, open: &mut Open<W>) -> bool {
        let failure = self.round.plan.failure.filter(|(stage, ..)| Some(*stage) == self.stage);
        if let Some((_, how, after)) = failure {
            return self.failing(open, how, after);
        }
        match self.random.below(5) {
            0 | 1 => self.polling(open),
            2 => {
                open.run(&mut |event, sequence, last| {
                    self.take(event, sequence, last);
                    Ok(())
                });
                true
            }
            3 => self.skipping(open),
            _ => self.retrying(open),
        }
    }

    fn polling<W: WaitStrategy>(&mut self, open: &mut Open<W>) -> bool {
        for _ in 0..self.random.below(60) {
            let timeout = self.random.one_in(2).then(|| Duration::from_micros(self.random.below(500).into()));
            let waited = if self.random.one_in(3) { Waited::Ready } else { open.wait(timeout) };
            match waited {
                Waited::Ended => return true,
                Waited::TimedOut => continue,
                Waited::Ready => (),
            }
            let max = 1 + self.random.below(self.round.plan.capacity);
            open.poll(max, &mut |event, sequence, last| {
                self.take(event, sequence, last);
                Ok(())
            });
        }
        false
    }

    fn skipping<W: WaitStrategy>(&mut self, open: &mut Open<W>) -> bool {
        let (mut skipped, mut in_batch) = (0, 0);
        let (ran, _) = open.run_fallible(OnError::Skip, &mut |event, sequence, last| {
            // What is passed over counts as seen.
            self.take(event, sequence, last);
            let skips = self.random.one_in(30);
            in_batch += u32::from(skips);
            if last {
                self.done.skipped += in_batch;
                skipped += u64::from(std::mem::take(&mut in_batch));
            }
            if !skips {
                return Ok(());
            }
            Err("no")
        });
        self.holds("skipped", ran.is_ok_and(|ran| ran.skipped == skipped));
        true
    }

    fn retrying<W: WaitStrategy>(&mut self, open: &mut Open<W>) -> bool {
        let backoff = Duration::from_micros(self.random.below(100).into());
        let (mut failures, mut retries) = (0, 0);
        let (ran, _) = open.run_fallible(OnError::Retry { attempts: 4, backoff }, &mut |event, sequence, last| {
            if failures < 3 && self.random.one_in(30) {
                failures += 1;
                retries += 1;
                self.done.retries += 1;
                self.batch.clear();
                return Err("no");
            }
            self.take(event, sequence, last);
            if last {
                failures = 0;
            }
            Ok(())
        });
        self.holds("retries", ran.is_ok_and(|ran| ran.retries == retries));
        true
    }

    /// Has a handler end the ring behind so many events.
    fn failing<W: WaitStrategy>(&mut self, open: &mut Open<W>, how: Failure, after: usize) -> bool {
        let attempts = 3;
        let policy = match how {
            Failure::Stop => OnError::Stop,
            Failure::Retry => OnError::Retry { attempts, backoff: Duration::ZERO },
            Failure::Panic => {
                open.run(&mut |event, sequence, last| {
                    if self.done.seen.len() + self.batch.len() >= after {
                        self.fails = true;
                        resume_unwind(Box::new(Leaves));
                    }
                    self.take(event, sequence, last);
                    Ok(())
                });
                return true;
            }
        };
        let (mut failed_at, mut began_at, mut begun) = (None, 0, 0);
        let (ran, stands) = open.run_fallible(policy, &mut |event, sequence, last| {
            if self.done.seen.len() + self.batch.len() < after {
                self.take(event, sequence, last);
                return Ok(());
            }
            failed_at = Some(sequence);
            began_at = self.batch.first().map_or(sequence, |first| first.sequence);
            if !matches!(how, Failure::Retry) {
                self.done.seen.append(&mut self.batch);
                return Err("no");
            }
            self.batch.clear();
            begun += 1;
            if begun < attempts {
                self.done.retries += 1;
            }
            Err("no")
        });
        if let Err(Stopped { sequence, .. }) = ran {
            self.round.failed.store(true, Relaxed);
            let stood = if matches!(how, Failure::Retry) { began_at } else { sequence };
            let stands = stands.unwrap_or(stood);
            self.holds("the failure", (Some(sequence), stands) == (failed_at, stood));
        } else {
            self.holds("the end", failed_at.is_none());
        }
        true
    }

    fn holds(&self, what: &str, holds: bool) {
        if !holds {
            self.round.problem(format!("stage {}: {what} do not agree with what ran", self.name));
        }
    }
}

/// Calls `work`, which may leave by a panic: what it had of a batch then comes again.
fn leaving(visit: &mut Visit<'_>, work: impl FnOnce(&mut Visit<'_>) -> bool) -> bool {
    match catch_unwind(AssertUnwindSafe(|| work(visit))) {
        Ok(ended) => ended,
        Err(panic) if panic.is::<Leaves>() => false,
        Err(panic) => resume_unwind(panic),
    }
}

/// Does a stage's work until the ring has ended.
pub(crate) fn consume<W: WaitStrategy, P>(
    ring: &Ring<Event, W, P>,
    stage: usize,
    round: &Round,
    mut random: Random,
) -> Consumed {
    let mut done = Consumed::default();
    let before = round.plan.before(stage);
    loop {
        let mut open = Open::stage(ring, round, stage, &mut random);
        let leaves = if random.one_in(3) { random.below(400) } else { u32::MAX };
        let mut visit = Visit {
            name: round.plan.graph[stage].0,
            round,
            stage: Some(stage),
            before: &before,
            random: &mut random,
            done: &mut done,
            batch: Vec::new(),
            leaves,
            fails: false,
        };
        if leaving(&mut visit, |visit| visit.go(&mut open)) {
            return done;
        }
        if visit.fails {
            round.failed.store(true, Relaxed);
            ring.fail(round.plan.graph[stage].0, "it panicked");
            return done;
        }
        drop(open);
        random.pause();
    }
}

/// What a stage saw that had joined, and whether it stayed to the end.
pub(crate) struct Visited {
    pub(crate) seen: Vec<Seen>,
    pub(crate) stayed: bool,
}

/// Joins and leaves until the ring takes nobody any more.
pub(crate) fn visit<W: WaitStrategy, P>(
    ring: &Ring<Event, W, P>,
    name: &str,
    round: &Round,
    mut random: Random,
) -> Vec<Visited> {
    let mut visits = Vec::new();
    loop {
        let follows: Vec<_> = (0..round.plan.graph.len()).filter(|_| random.one_in(3)).collect();
        let before: Vec<_> = follows.iter().flat_map(|&one| [vec![one], round.plan.before(one)].concat()).collect();
        let from = if random.one_in(2) { JoinFrom::Now } else { JoinFrom::Oldest };
        let consumer = match ring.join(name, &round.plan.names(&follows), from) {
            Ok(consumer) => consumer,
            Err(JoinError::Closed) => return visits,
            Err(JoinError::Exclusive(_)) => {
                thread::yield_now();
                continue;
            }
            Err(other) => {
                round.problem(format!("{name}: {other}"));
                return visits;
            }
        };
        let mut open = Open::Plain(consumer);
        let mut done = Consumed::default();
        let leaves = if random.one_in(2) { random.below(400) } else { u32::MAX };
        let mut visit = Visit {
            name,
            round,
            stage: None,
            before: &before,
            random: &mut random,
            done: &mut done,
            batch: Vec::new(),
            leaves,
            fails: false,
        };
        let stayed = leaving(&mut visit, |visit| visit.polling(&mut open));
        drop(open);
        visits.push(Visited { seen: done.seen, stayed });
        random.pause();
    }
}
