//! Millrace's ring, through the crate's public API.

use super::Side;
use crate::plan::{Graph, Plan};
use crate::publish::Publish;
use crate::race::Race;
use crate::tally::{Moved, Seen, Tally};
use crate::threads::{join_all, produce_all};
use millrace_park::ThreadSleeper;
use millrace_ring::{ClaimError, Config, Consumer, Producer, Ring, Wait, Waited};
use std::sync::Arc;
use std::{hint, thread};

/// Bytes of an event.
const STRIDE: u32 = 8;

/// Who opens the ends: any number but 0.
const OWNER: u32 = 1;

/// Ways to wait by their names.
pub(crate) const STRATEGIES: [(&str, Wait); 4] =
    [("block", Wait::Block), ("yield", Wait::Yield), ("spin", Wait::Spin), ("adaptive", Wait::Adaptive)];

/// Rings that wait in one way.
pub(crate) struct Ours(Wait);

impl Ours {
    /// Rings that wait as the strategy of this name says.
    pub(crate) fn new(strategy: &str) -> Result<Self, String> {
        let found = STRATEGIES.iter().find(|(name, _)| *name == strategy);
        found.map(|(_, wait)| Self(*wait)).ok_or_else(|| format!("no strategy is called {strategy}"))
    }

    fn config(&self, plan: Plan) -> Config {
        let config = Config::new(plan.slots as u32, STRIDE).wait(self.0);
        match plan.graph {
            Graph::OneToOne => config.stage("a", &[]),
            Graph::ThreeToOne => config.multi(plan.graph.producers() as u32).stage("a", &[]),
            Graph::OneToThree => config.stage("a", &[]).stage("b", &[]).stage("c", &[]),
            Graph::Pipeline => config.stage("a", &[]).stage("b", &["a"]).stage("c", &["b"]),
            Graph::Diamond => config.stage("a", &[]).stage("b", &[]).stage("c", &["a", "b"]),
        }
    }
}

impl Side for Ours {
    fn run(&self, plan: Plan, race: &Arc<Race>) -> Moved {
        let ring = Ring::create(self.config(plan)).expect("a ring that can be made");
        let stages = &["a", "b", "c"][..plan.graph.consumers()];
        let open = |stage: &&str| ring.consumer(stage, OWNER).expect("a stage that is free");
        let start = |consumer| thread::spawn(|| consume(consumer));
        let consumers = stages.iter().map(open).map(start).collect();
        let producers = (0..plan.graph.producers()).map(|_| ring.producer(OWNER).expect("a seat that is free"));
        let wait = self.0;
        let ends = producers.map(|producer| move || Out { producer, sleeper: ThreadSleeper::current(), wait });
        let published = produce_all(plan, race, ends);
        ring.close();
        Moved { published, seen: join_all(consumers) }
    }
}

struct Out {
    producer: Producer,
    sleeper: ThreadSleeper,
    wait: Wait,
}

impl Out {
    #[cold]
    fn wait_for_room(&mut self, n: u32) {
        match self.wait {
            Wait::Spin => hint::spin_loop(),
            Wait::Yield => thread::yield_now(),
            Wait::Block | Wait::Adaptive => self.producer.wait(n, &self.sleeper, None).expect("its memory is there"),
        }
    }
}

impl Publish for Out {
    #[inline]
    fn publish<const N: u64>(&mut self, first: u64) {
        let n = N as u32;
        let write = |i, slot: &mut [u8]| slot.copy_from_slice(&(first + u64::from(i)).to_ne_bytes());
        while let Err(error) = self.producer.try_publish(n, write) {
            assert_eq!(error, ClaimError::Full);
            self.wait_for_room(n);
        }
    }
}

fn consume(mut consumer: Consumer) -> Seen {
    let sleeper = ThreadSleeper::current();
    let mut tally = Tally::default();
    loop {
        let add = |_, slot: &mut [u8], _| tally.add(u64::from_ne_bytes(slot.try_into().expect("an event's bytes")));
        let polled = consumer.poll(u32::MAX, add).expect("its memory is there");
        if polled == 0 && consumer.wait(&sleeper, None).expect("its memory is there") == Waited::Ended {
            return Seen::now(tally);
        }
    }
}
