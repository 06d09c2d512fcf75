//! One ring from its first event to its end.

use super::account::{Account, account};
use super::consuming::{consume, visit};
use super::event::Event;
use super::plan::{Plan, Wait};
use super::producing::{Seats, produce};
use super::random::Random;
use millrace_ring::typed::{Adaptive, Block, Builder, Ring, Spin, WaitStrategy, Yield};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// After so long a round hangs: a machine under load takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all threads of a round share.
pub(crate) struct Round {
    pub(crate) plan: Plan,
    /// Events that were accepted.
    pub(crate) begun: AtomicU64,
    /// A stage failed for good.
    pub(crate) failed: AtomicBool,
    problems: Mutex<Vec<String>>,
}

impl Round {
    pub(crate) fn problem(&self, what: String) {
        self.problems.lock().unwrap().push(what);
    }
}

/// Runs what a seed stands for.
pub(crate) fn run(seed: u64) {
    let plan = Plan::of(seed);
    match plan.wait {
        Wait::Adaptive => with(plan, Adaptive::default()),
        Wait::Block => with(plan, Block),
        Wait::Yield => with(plan, Yield),
        Wait::Spin => with(plan, Spin),
    }
}

fn with<W: WaitStrategy>(plan: Plan, wait: W) {
    let mut builder = Builder::new(plan.capacity).wait(wait).start(plan.start);
    for (name, after, workers) in plan.graph {
        let after = plan.names(after);
        builder = if *workers > 0 { builder.workers(name, &after, *workers) } else { builder.stage(name, &after) };
    }
    match plan.multi {
        0 => watched(plan, builder.create(Event::default).unwrap()),
        most => watched(plan, builder.multi(most).create(Event::default).unwrap()),
    }
}

fn watched<W: WaitStrategy, P: 'static>(plan: Plan, ring: Ring<Event, W, P>)
where
    Ring<Event, W, P>: Seats + Send,
{
    let (begun, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let round = Arc::new(Round { plan, begun, failed, problems: Mutex::default() });
    let (tell, told) = mpsc::channel();
    let (its_round, its_ring) = (round.clone(), ring.clone());
    let running = thread::spawn(move || {
        go(&its_round, &its_ring);
        let _ = tell.send(());
    });
    let end = told.recv_timeout(PATIENCE);
    if end == Err(mpsc::RecvTimeoutError::Timeout) {
        round.problem("nothing goes on".into());
    } else if running.join().is_err() {
        round.problem("a thread panicked".into());
    }
    let problems = round.problems.lock().unwrap();
    let (plan, seed, stats) = (&round.plan, round.plan.seed, ring.stats());
    let some = problems[..problems.len().min(12)].join("\n");
    assert!(
        problems.is_empty(),
        "{some}\n{} problems\n{plan:?}\n{stats:#?}\n\
         again: MILLRACE_STRESS_SEED={seed} cargo test -p millrace-ring --test stress_typed",
        problems.len()
    );
}

fn go<W: WaitStrategy, P>(round: &Round, ring: &Ring<Event, W, P>)
where
    Ring<Event, W, P>: Seats,
{
    let plan = &round.plan;
    let seeds = &mut Random::new(!plan.seed);
    let over = &AtomicU32::new(0);
    thread::scope(|scope| {
        let mut stages = Vec::new();
        for (stage, (.., workers)) in plan.graph.iter().enumerate() {
            for _ in 0..1.max(*workers) {
                let random = Random::new(seeds.next());
                stages.push((stage, scope.spawn(move || consume(ring, stage, round, random))));
            }
        }
        let visitors: Vec<_> = (0..plan.visitors)
            .map(|number| {
                let random = Random::new(seeds.next());
                scope.spawn(move || visit(ring, &format!("visitor {number}"), round, random))
            })
            .collect();
        let most = 1.max(plan.multi);
        let producers: Vec<_> = (0..most)
            .map(|by| {
                let random = Random::new(seeds.next());
                scope.spawn(move || {
                    let produced = produce(ring, by, round, random);
                    over.fetch_add(1, Relaxed);
                    produced
                })
            })
            .collect();
        while round.begun.load(Relaxed) < plan.close_at && over.load(Relaxed) < most {
            thread::sleep(Duration::from_micros(50));
        }
        ring.close();
        let produced = producers.into_iter().map(|thread| thread.join().unwrap()).collect();
        let consumed = stages.into_iter().map(|(stage, thread)| (stage, thread.join().unwrap())).collect();
        let visits = visitors.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        account(&Account { round, stats: ring.stats(), produced, consumed, visits });
    });
}
