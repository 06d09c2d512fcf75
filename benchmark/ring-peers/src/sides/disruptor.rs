//! `disruptor`, by its managed threads. It has no strategy that yields; its documentation leaves that to the user, by
//! `WaitStrategy` for consumers and by `try_publish` for producers.

use super::Side;
use crate::plan::{Graph, Plan};
use crate::publish::Publish;
use crate::race::Race;
use crate::tally::{Moved, Seen, Tally};
use crate::threads::produce_all;
use disruptor::wait_strategies::WaitStrategy;
use disruptor::{BusySpin, Producer, Sequence, build_multi_producer, build_single_producer};
use std::iter::repeat_n;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};
use std::thread;

/// How both ends wait.
pub(crate) trait Waiting: Default + 'static {
    type Strategy: WaitStrategy + 'static;

    /// That of the consumers.
    fn strategy() -> Self::Strategy;

    /// Publishes, waiting for room.
    fn publish<const N: u64>(out: &mut impl Producer<Event>, first: u64);
}

/// Both ends look again and again: the crate's own way.
#[derive(Default)]
pub(crate) struct Busy;

/// Both ends give the processor away between looks.
#[derive(Default)]
pub(crate) struct Yielding;

/// A consumer's way to yield.
#[derive(Clone, Copy)]
pub(crate) struct YieldNow;

impl WaitStrategy for YieldNow {
    #[inline]
    fn wait_for(&self, _sequence: Sequence) {
        thread::yield_now();
    }
}

impl Waiting for Busy {
    type Strategy = BusySpin;

    fn strategy() -> Self::Strategy {
        BusySpin
    }

    #[inline]
    fn publish<const N: u64>(out: &mut impl Producer<Event>, first: u64) {
        if N == 1 {
            out.publish(|event| event.number = first);
        } else {
            out.batch_publish(N as usize, |events| {
                events.zip(first..).for_each(|(event, number)| event.number = number);
            });
        }
    }
}

impl Waiting for Yielding {
    type Strategy = YieldNow;

    fn strategy() -> Self::Strategy {
        YieldNow
    }

    #[inline]
    fn publish<const N: u64>(out: &mut impl Producer<Event>, first: u64) {
        if N == 1 {
            while out.try_publish(|event| event.number = first).is_err() {
                thread::yield_now();
            }
            return;
        }
        let n = N as usize;
        while out
            .try_batch_publish(n, |events| {
                events.zip(first..).for_each(|(event, number)| event.number = number);
            })
            .is_err()
        {
            thread::yield_now();
        }
    }
}

/// What a slot holds.
#[derive(Default)]
pub(crate) struct Event {
    number: u64,
}

/// Rings whose ends wait as `W` does.
#[derive(Default)]
pub(crate) struct Disruptor<W>(PhantomData<W>);

struct Out<W, P>(P, PhantomData<W>);

impl<W: Waiting, P: Producer<Event>> Publish for Out<W, P> {
    #[inline]
    fn publish<const N: u64>(&mut self, first: u64) {
        W::publish::<N>(&mut self.0, first);
    }
}

/// Where consumers leave what they saw: their threads are not ours to join.
type Results = Arc<Mutex<Vec<Seen>>>;

/// A consumer's state; it ends with its thread.
struct Counting {
    tally: Tally,
    results: Results,
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.results.lock().expect("a panic ends the process").push(Seen::now(self.tally));
    }
}

impl<W: Waiting> Side for Disruptor<W> {
    fn run(&self, plan: Plan, race: &Arc<Race>) -> Moved {
        let results = Results::default();
        let consumer = || {
            let mut counting = Counting { tally: Tally::default(), results: results.clone() };
            move |event: &Event, _: Sequence, _: bool| {
                // The whole of it, so that it is dropped where the closure is.
                let counting = &mut counting;
                counting.tally.add(event.number);
            }
        };
        let single = || build_single_producer(plan.slots, Event::default, W::strategy());
        let published = match plan.graph {
            Graph::OneToOne => publish::<W, _>(plan, race, single().handle_events_with(consumer()).build()),
            Graph::ThreeToOne => {
                let builder = build_multi_producer(plan.slots, Event::default, W::strategy());
                let producer = builder.handle_events_with(consumer()).build();
                let producers = repeat_n(producer, plan.graph.producers());
                produce_all(plan, race, producers.map(|producer| || Out::<W, _>(producer, PhantomData)))
            }
            Graph::OneToThree => {
                let builder = single().handle_events_with(consumer()).handle_events_with(consumer());
                publish::<W, _>(plan, race, builder.handle_events_with(consumer()).build())
            }
            Graph::Pipeline => {
                let builder = single().handle_events_with(consumer()).and_then().handle_events_with(consumer());
                publish::<W, _>(plan, race, builder.and_then().handle_events_with(consumer()).build())
            }
            Graph::Diamond => {
                let builder = single().handle_events_with(consumer()).handle_events_with(consumer());
                publish::<W, _>(plan, race, builder.and_then().handle_events_with(consumer()).build())
            }
        };
        // The last producer to be dropped, by its thread, has joined the consumers.
        let seen = std::mem::take(&mut *results.lock().expect("a panic ends the process"));
        Moved { published, seen }
    }
}

fn publish<W: Waiting, P>(plan: Plan, race: &Arc<Race>, producer: P) -> Tally
where
    P: Producer<Event> + Send + 'static,
{
    produce_all(plan, race, [|| Out::<W, P>(producer, PhantomData)])
}
