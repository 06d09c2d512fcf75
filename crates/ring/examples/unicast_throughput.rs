//! What every ring is asked first: one producer, one consumer, how many events a second?
//!
//! ```text
//! cargo run --release -p millrace-ring --example unicast_throughput
//! ```
//! Each of our wait strategies, by 1, 10 and 100 events a publish, beside the two channels of the standard library, the
//! one that is as long as the ring and the one without a bound, which take one event at a time. The consumer adds up
//! what comes and the sum is checked. A row is the median of its runs, with the slowest and the fastest beside it: a
//! ring is fast while its consumer takes long runs, and slower while it follows right behind, so runs differ. With fewer
//! free cores than threads, what spins waits for the scheduler: look at `block` and `adaptive` there.

use millrace_ring::typed::{Adaptive, Block, Builder, Spin, WaitStrategy, Yield};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Slots of the ring, and places of the bounded channel.
const CAPACITY: u32 = 1 << 16;
const BATCHES: [u32; 3] = [1, 10, 100];

/// How much is measured.
#[derive(Clone, Copy)]
struct Budget {
    /// Events a run, a multiple of every batch.
    events: u64,
    runs: usize,
    /// No further run of a row is begun after this, so that all rows end in time whatever else the machine does.
    row: Duration,
}

fn main() {
    // Some milliseconds a run of the fastest row, half a second of the slowest.
    measure(Budget { events: 10_000_000, runs: 7, row: Duration::from_millis(1200) });
}

fn measure(budget: Budget) {
    let Budget { events, .. } = budget;
    println!("one producer, one consumer, {CAPACITY} slots, events of 8 bytes, {events} a run\n");
    println!("{:<14}{:>6}{:>10}{:>14}    {:<16}", "", "by", "ns/event", "M events/s", "slowest, fastest");
    for batch in BATCHES {
        row("block", batch, budget, || ring(Block, batch, events));
        row("yield", batch, budget, || ring(Yield, batch, events));
        row("spin", batch, budget, || ring(Spin, batch, events));
        row("adaptive", batch, budget, || ring(Adaptive::default(), batch, events));
    }
    row("sync_channel", 1, budget, || {
        let (sender, receiver) = sync_channel(CAPACITY as usize);
        through(receiver, events, move |n| sender.send(n).expect("a receiver"))
    });
    row("channel", 1, budget, || {
        let (sender, receiver) = channel();
        through(receiver, events, move |n| sender.send(n).expect("a receiver"))
    });
}

/// Runs one row, and prints it.
fn row(name: &str, batch: u32, budget: Budget, run: impl Fn() -> Duration) {
    let begin = Instant::now();
    let mut times = vec![run()];
    while times.len() < budget.runs && begin.elapsed() < budget.row {
        times.push(run());
    }
    times.sort_unstable();
    let nanos = |time: Duration| time.as_secs_f64() * 1e9 / budget.events as f64;
    let rate = |time: Duration| 1e3 / nanos(time);
    let median = times[times.len() / 2];
    println!(
        "{name:<14}{batch:>6}{:>10.2}{:>14.1}    {:.1}, {:.1}",
        nanos(median),
        rate(median),
        rate(times[times.len() - 1]),
        rate(times[0]),
    );
}

/// From the first event's publishing to the end of a consumer that has seen them all.
fn ring<W: WaitStrategy>(strategy: W, batch: u32, events: u64) -> Duration {
    let ring = Builder::new(CAPACITY).wait(strategy).stage("sum", &[]).create(|| 0u64).expect("a ring");
    let mut producer = ring.producer().expect("the only producer");
    let mut consumer = ring.consumer("sum").expect("the only consumer");
    let consuming = thread::spawn(move || {
        let mut sum = 0;
        consumer.run(|event, _, _| sum += *event);
        sum
    });
    let begin = Instant::now();
    if batch == 1 {
        for n in 0..events {
            producer.publish(|event| *event = n).expect("an open ring");
        }
    } else {
        for first in (0..events).step_by(batch as usize) {
            producer.publish_many(batch, |at, event| *event = first + u64::from(at)).expect("an open ring");
        }
    }
    ring.close();
    check(consuming.join().expect("a consumer that ends"), events);
    begin.elapsed()
}

fn through(receiver: Receiver<u64>, events: u64, send: impl Fn(u64)) -> Duration {
    let consuming = thread::spawn(move || receiver.iter().sum());
    let begin = Instant::now();
    (0..events).for_each(&send);
    drop(send);
    check(consuming.join().expect("a consumer that ends"), events);
    begin.elapsed()
}

fn check(sum: u64, events: u64) {
    assert_eq!(sum, events * (events - 1) / 2, "events were lost, or came twice");
}

#[test]
fn every_row_sees_every_event() {
    measure(Budget { events: 10_000, runs: 1, row: Duration::ZERO });
}
