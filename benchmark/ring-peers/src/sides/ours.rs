//! Millrace's ring, through the crate's public API.

use super::Side;
use crate::idle::{CONSUMERS, EVENTS, Idle};
use crate::plan::{Graph, Plan};
use crate::publish::Publish;
use crate::race::Race;
use crate::receive::Receive;
use crate::round_trips::{Link, Trips, round_trips};
use crate::tally::{Moved, Seen, Tally};
use crate::threads::{join_all, produce_all};
use millrace_ring::Waited;
use millrace_ring::typed::{
    Adaptive, Block, Builder, Consumer, MultiProducer, Producer, Ring, Spin, WaitStrategy, Yield,
};
use std::sync::Arc;
use std::thread;

/// Ways to wait by their names.
pub(crate) const STRATEGIES: [&str; 4] = ["block", "yield", "spin", "adaptive"];

/// Everything that is measured of rings that wait in one way.
pub(crate) trait Waiting: Side + Link + Idle {}
impl<T: Side + Link + Idle> Waiting for T {}

/// Rings that wait as the strategy of this name says.
pub(crate) fn ours(strategy: &str) -> Result<Box<dyn Waiting>, String> {
    Ok(match strategy {
        "block" => Box::new(Ours(Block)),
        "yield" => Box::new(Ours(Yield)),
        "spin" => Box::new(Ours(Spin)),
        "adaptive" => Box::new(Ours(Adaptive::default())),
        other => return Err(format!("no strategy is called {other}")),
    })
}

/// Rings that wait in one way.
struct Ours<W>(W);

impl<W: WaitStrategy> Ours<W> {
    fn builder(&self, plan: Plan) -> Builder<W> {
        let builder = Builder::new(plan.slots as u32).wait(self.0.clone());
        match plan.graph {
            Graph::OneToOne | Graph::ThreeToOne => builder.stage("a", &[]),
            Graph::OneToThree => builder.stage("a", &[]).stage("b", &[]).stage("c", &[]),
            Graph::Pipeline => builder.stage("a", &[]).stage("b", &["a"]).stage("c", &["b"]),
            Graph::Diamond => builder.stage("a", &[]).stage("b", &[]).stage("c", &["a", "b"]),
        }
    }
}

impl<W: WaitStrategy> Side for Ours<W> {
    fn run(&self, plan: Plan, race: &Arc<Race>) -> Moved {
        let producers = plan.graph.producers();
        if producers == 1 {
            let ring = self.builder(plan).create(|| 0).expect("a ring that can be made");
            return run(plan, race, &ring, || ring.producer().expect("a seat that is free"));
        }
        let ring = self.builder(plan).multi(producers as u32).create(|| 0).expect("a ring that can be made");
        run(plan, race, &ring, || ring.producer().expect("a seat that is free"))
    }
}

impl<W: WaitStrategy> Link for Ours<W> {
    fn round_trips(&self, trips: Trips) -> Vec<u64> {
        let [(out, there), (answer, back)] = [(); 2].map(|()| {
            let builder = Builder::new(trips.slots as u32).wait(self.0.clone()).stage("a", &[]);
            let ring = builder.create(|| 0).expect("a ring that can be made");
            (ring.producer().expect("a seat that is free"), ring.consumer("a").expect("a stage that is free"))
        });
        round_trips(trips, (out, back), (there, answer))
    }
}

impl<W: WaitStrategy> Idle for Ours<W> {
    fn idle(&self, waiting: &mut dyn FnMut()) {
        let stages: Vec<String> = (0..CONSUMERS).map(|at| at.to_string()).collect();
        let empty = Builder::new(1024).wait(self.0.clone());
        let builder = stages.iter().fold(empty, |builder, stage| builder.stage(stage, &[]));
        let ring = builder.create(|| 0).expect("a ring that can be made");
        let open = |stage: &String| ring.consumer(stage).expect("a stage that is free");
        let consumers = stages.iter().map(open).map(|consumer| thread::spawn(|| consume(consumer))).collect();
        let mut out = ring.producer().expect("a seat that is free");
        (0..EVENTS).for_each(|event| Publish::publish::<1>(&mut out, event));
        waiting();
        ring.close();
        join_all(consumers);
    }
}

fn run<W: WaitStrategy, P, Out: Publish + Send + 'static>(
    plan: Plan,
    race: &Arc<Race>,
    ring: &Ring<u64, W, P>,
    producer: impl Fn() -> Out,
) -> Moved {
    let stages = &["a", "b", "c"][..plan.graph.consumers()];
    let open = |stage: &&str| ring.consumer(stage).expect("a stage that is free");
    let consumers = stages.iter().map(open).map(|consumer| thread::spawn(|| consume(consumer))).collect();
    let producers = (0..plan.graph.producers()).map(|_| producer());
    let published = produce_all(plan, race, producers.map(|producer| move || producer));
    ring.close();
    Moved { published, seen: join_all(consumers) }
}

/// One producer and one of several have the same methods, and no trait for them.
macro_rules! publish {
    ($($Producer:ident),*) => {$(
        impl<W: WaitStrategy> Publish for $Producer<u64, W> {
            #[inline]
            fn publish<const N: u64>(&mut self, first: u64) {
                let published = if N == 1 {
                    Self::publish(self, |event| *event = first)
                } else {
                    self.publish_many(N as u32, |i, event| *event = first + u64::from(i))
                };
                published.expect("an open ring");
            }
        }
    )*};
}

publish!(Producer, MultiProducer);

impl<W: WaitStrategy> Receive for Consumer<u64, W> {
    #[inline]
    fn take(&mut self, mut each: impl FnMut(u64)) -> bool {
        let ready = self.wait(None) == Waited::Ready;
        self.poll(u32::MAX, |event, _, _| each(*event));
        ready
    }
}

fn consume<W: WaitStrategy>(mut consumer: Consumer<u64, W>) -> Seen {
    let mut tally = Tally::default();
    consumer.run(|event, _, _| tally.add(*event));
    Seen::now(tally)
}
