//! Graphs of bounded channels, as somebody builds them who has no ring: a channel a hop.
//!
//! Multicast is a channel a consumer, and every event goes into each. A pipeline is a channel between two stages. A
//! diamond is two channels in and two channels out; its last stage has an event when both have brought it.

use super::Side;
use crate::plan::{Graph, Plan};
use crate::publish::Publish;
use crate::race::Race;
use crate::receive::Receive;
use crate::round_trips::{Link, Trips, round_trips};
use crate::tally::{Moved, Seen, Tally};
use crate::threads::{join_all, produce_all};
use std::collections::VecDeque;
use std::iter::repeat_n;
use std::marker::PhantomData;
use std::sync::Arc;
use std::thread;

/// A kind of bounded channel. Dropping all senders ends it.
pub(crate) trait Channel: 'static {
    type Sender: Send + Clone + 'static;
    type Receiver: Receive + Send + 'static;

    /// A channel that holds `slots` events.
    fn bounded(slots: usize) -> (Self::Sender, Self::Receiver);

    /// Sends, waiting for room.
    fn send(sender: &Self::Sender, event: u64);
}

/// Graphs of channels of kind `C`.
pub(crate) struct Channels<C>(PhantomData<C>);

impl<C> Default for Channels<C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// A producer's only end.
struct Out<C: Channel>(C::Sender);

impl<C: Channel> Publish for Out<C> {
    #[inline]
    fn publish<const N: u64>(&mut self, first: u64) {
        for event in first..first + N {
            C::send(&self.0, event);
        }
    }
}

/// A producer's ends: what it publishes goes into every one.
struct Outs<C: Channel>(Vec<C::Sender>);

impl<C: Channel> Publish for Outs<C> {
    #[inline]
    fn publish<const N: u64>(&mut self, first: u64) {
        for out in &self.0 {
            for event in first..first + N {
                C::send(out, event);
            }
        }
    }
}

impl<C: Channel> Side for Channels<C> {
    fn run(&self, plan: Plan, race: &Arc<Race>) -> Moved {
        let channel = || C::bounded(plan.slots);
        let (input, first) = channel();
        let mut outs = vec![input];
        let consumers = match plan.graph {
            Graph::OneToOne | Graph::ThreeToOne => vec![thread::spawn(|| consume(first))],
            Graph::OneToThree => {
                let [(to_second, second), (to_third, third)] = [channel(), channel()];
                outs.extend([to_second, to_third]);
                [first, second, third].into_iter().map(|input| thread::spawn(|| consume(input))).collect()
            }
            Graph::Pipeline => {
                let [(to_second, second), (to_third, third)] = [channel(), channel()];
                vec![
                    thread::spawn(|| forward::<C>(first, to_second)),
                    thread::spawn(|| forward::<C>(second, to_third)),
                    thread::spawn(|| consume(third)),
                ]
            }
            Graph::Diamond => {
                let (to_right, right) = channel();
                let [(from_left, left_done), (from_right, right_done)] = [channel(), channel()];
                outs.push(to_right);
                vec![
                    thread::spawn(|| forward::<C>(first, from_left)),
                    thread::spawn(|| forward::<C>(right, from_right)),
                    thread::spawn(|| join(left_done, right_done)),
                ]
            }
        };
        let published = match <[_; 1]>::try_from(outs) {
            Ok([out]) => produce_all(plan, race, repeat_n(out, plan.graph.producers()).map(|out| || Out::<C>(out))),
            Err(outs) => produce_all(plan, race, [|| Outs::<C>(outs)]),
        };
        Moved { published, seen: join_all(consumers) }
    }
}

impl<C: Channel> Link for Channels<C> {
    fn round_trips(&self, trips: Trips) -> Vec<u64> {
        let [(out, there), (answer, back)] = [C::bounded(trips.slots), C::bounded(trips.slots)];
        round_trips(trips, (Out::<C>(out), back), (there, Out::<C>(answer)))
    }
}

fn consume(mut input: impl Receive) -> Seen {
    let mut tally = Tally::default();
    while input.take(|event| tally.add(event)) {}
    Seen::now(tally)
}

fn forward<C: Channel>(mut input: C::Receiver, out: C::Sender) -> Seen {
    let mut tally = Tally::default();
    while input.take(|event| {
        tally.add(event);
        C::send(&out, event);
    }) {}
    Seen::now(tally)
}

fn join(mut left: impl Receive, mut right: impl Receive) -> Seen {
    let mut tally = Tally::default();
    let (mut lefts, mut rights) = (VecDeque::new(), VecDeque::new());
    while (!lefts.is_empty() || left.take(|event| lefts.push_back(event)))
        && (!rights.is_empty() || right.take(|event| rights.push_back(event)))
    {
        add_pairs(&mut lefts, &mut rights, &mut tally);
    }
    assert!(lefts.is_empty() && !right.take(|_| ()), "an event came by one side only");
    Seen::now(tally)
}

/// Takes the events that have come by both sides.
pub(super) fn add_pairs(lefts: &mut VecDeque<u64>, rights: &mut VecDeque<u64>, tally: &mut Tally) {
    let both = lefts.len().min(rights.len());
    for (left, right) in lefts.drain(..both).zip(rights.drain(..both)) {
        assert_eq!(left, right, "the two sides brought different events");
        tally.add(left);
    }
}
