//! `tokio::sync::mpsc`, bounded, on a multi-thread runtime of two workers: a task a producer and a consumer. Single
//! events by `send`, batches by `reserve_many`; what is ready is taken by `recv_many`.

use super::Side;
use super::channels::add_pairs;
use crate::plan::{Batch, Graph, Plan};
use crate::publish::ROUND;
use crate::race::Race;
use crate::tally::{Moved, Seen, Tally};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

const WORKERS: usize = 2;

/// Most events taken at once.
const TAKE: usize = 1_024;

/// Graphs of its channels.
pub(crate) struct Tokio;

impl Side for Tokio {
    fn run(&self, plan: Plan, race: &Arc<Race>) -> Moved {
        let runtime = Builder::new_multi_thread().worker_threads(WORKERS).build().expect("a runtime of two threads");
        runtime.block_on(run(plan, race.clone()))
    }
}

async fn run(plan: Plan, race: Arc<Race>) -> Moved {
    let channel = || channel(plan.slots);
    let (input, first) = channel();
    let mut inputs = vec![vec![input]];
    let consumers: Vec<JoinHandle<Seen>> = match plan.graph {
        Graph::OneToOne => vec![tokio::spawn(consume(first))],
        Graph::ThreeToOne => {
            inputs = vec![inputs[0].clone(); plan.graph.producers()];
            vec![tokio::spawn(consume(first))]
        }
        Graph::OneToThree => {
            let [(to_second, second), (to_third, third)] = [channel(), channel()];
            inputs[0].extend([to_second, to_third]);
            [first, second, third].into_iter().map(|receiver| tokio::spawn(consume(receiver))).collect()
        }
        Graph::Pipeline => {
            let [(to_second, second), (to_third, third)] = [channel(), channel()];
            vec![
                tokio::spawn(forward(first, to_second)),
                tokio::spawn(forward(second, to_third)),
                tokio::spawn(consume(third)),
            ]
        }
        Graph::Diamond => {
            let (to_right, right) = channel();
            let [(from_left, left_done), (from_right, right_done)] = [channel(), channel()];
            inputs[0].push(to_right);
            vec![
                tokio::spawn(forward(first, from_left)),
                tokio::spawn(forward(right, from_right)),
                tokio::spawn(join(left_done, right_done)),
            ]
        }
    };
    // No gate for producers to meet at: a worker that waited there would keep another producer from running.
    race.begin();
    let producers: Vec<_> = inputs
        .into_iter()
        .map(|outs| {
            let race = race.clone();
            match plan.batch {
                Batch::One => tokio::spawn(produce_singly(race, outs)),
                Batch::Ten => tokio::spawn(produce::<10>(race, outs)),
                Batch::Hundred => tokio::spawn(produce::<100>(race, outs)),
            }
        })
        .collect();
    let published = all(producers).await.into_iter().sum();
    Moved { published, seen: all(consumers).await }
}

async fn all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut done = Vec::with_capacity(tasks.len());
    for task in tasks {
        done.push(task.await.expect("a panic ends the process"));
    }
    done
}

async fn produce_singly(race: Arc<Race>, outs: Vec<Sender<u64>>) -> Tally {
    let mut next = 0;
    while !race.stopped() {
        for _ in 0..ROUND {
            for out in &outs {
                out.send(next).await.expect("the receiver outlives its senders");
            }
            next += 1;
        }
    }
    Tally::of_first(next)
}

async fn produce<const N: u64>(race: Arc<Race>, outs: Vec<Sender<u64>>) -> Tally {
    let mut next = 0;
    while !race.stopped() {
        for _ in 0..ROUND / N {
            for out in &outs {
                let permits = out.reserve_many(N as usize).await.expect("the receiver outlives its senders");
                permits.zip(next..).for_each(|(permit, event)| permit.send(event));
            }
            next += N;
        }
    }
    Tally::of_first(next)
}

async fn consume(mut input: Receiver<u64>) -> Seen {
    let mut tally = Tally::default();
    let mut taken = Vec::with_capacity(TAKE);
    while input.recv_many(&mut taken, TAKE).await > 0 {
        taken.drain(..).for_each(|event| tally.add(event));
    }
    Seen::now(tally)
}

async fn forward(mut input: Receiver<u64>, out: Sender<u64>) -> Seen {
    let mut tally = Tally::default();
    let mut taken = Vec::with_capacity(TAKE);
    while input.recv_many(&mut taken, TAKE).await > 0 {
        for event in taken.drain(..) {
            tally.add(event);
            out.send(event).await.expect("the receiver outlives its senders");
        }
    }
    Seen::now(tally)
}

async fn join(mut left: Receiver<u64>, mut right: Receiver<u64>) -> Seen {
    let mut tally = Tally::default();
    let mut taken = Vec::with_capacity(TAKE);
    let (mut lefts, mut rights) = (VecDeque::new(), VecDeque::new());
    while more(&mut left, &mut lefts, &mut taken).await && more(&mut right, &mut rights, &mut taken).await {
        add_pairs(&mut lefts, &mut rights, &mut tally);
    }
    assert!(lefts.is_empty() && right.recv().await.is_none(), "an event came by one side only");
    Seen::now(tally)
}

/// Whether there are events, or will be.
async fn more(input: &mut Receiver<u64>, events: &mut VecDeque<u64>, taken: &mut Vec<u64>) -> bool {
    if events.is_empty() {
        input.recv_many(taken, TAKE).await;
        events.extend(taken.drain(..));
    }
    !events.is_empty()
}
