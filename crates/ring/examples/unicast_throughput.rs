//! What every ring is asked first: one producer, one consumer, how many events a second?
//!
//! ```text
//! cargo run --release -p millrace-ring --example unicast_throughput
//! ```
//! Each of our wait strategies, by 1 and by 100 events a publish, beside `std::sync::mpsc::sync_channel`. The consumer
//! adds up what comes and the sum is checked. A row is the median of its runs, with the slowest and the fastest beside
//! it: a ring is fast while its consumer takes long runs, and slower while it follows right behind, so runs differ.
//! With fewer free cores than threads, what spins waits for the scheduler: look at `block` and `adaptive` there.

use millrace_ring::typed::{Adaptive, Block, Builder, Spin, WaitStrategy, Yield};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

/// Slots of the ring, and places of the channel.
const CAPACITY: u32 = 1 << 16;
/// Events a run: some milliseconds for the fastest row, half a second for the slowest.
const EVENTS: u64 = 10_000_000;
const RUNS: usize = 7;
/// No further run of a row is begun after this, so that nine rows end in time whatever else the machine does.
const ROW: Duration = Duration::from_millis(1200);

fn main() {
    println!("one producer, one consumer, {CAPACITY} slots, events of 8 bytes, {EVENTS} a run\n");
    println!("{:<14}{:>6}{:>10}{:>14}    {:<16}", "", "by", "ns/event", "M events/s", "slowest, fastest");
    for batch in [1, 100] {
        row("block", batch, || ring(Block, batch));
        row("yield", batch, || ring(Yield, batch));
        row("spin", batch, || ring(Spin, batch));
        row("adaptive", batch, || ring(Adaptive::default(), batch));
    }
    row("sync_channel", 1, channel);
}

/// Runs one row, and prints it.
fn row(name: &str, batch: u32, run: impl Fn() -> Duration) {
    let begin = Instant::now();
    let mut times = vec![run()];
    while times.len() < RUNS && begin.elapsed() < ROW {
        times.push(run());
    }
    times.sort_unstable();
    let nanos = |time: Duration| time.as_secs_f64() * 1e9 / EVENTS as f64;
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
fn ring<W: WaitStrategy>(strategy: W, batch: u32) -> Duration {
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
        for n in 0..EVENTS {
            producer.publish(|event| *event = n).expect("an open ring");
        }
    } else {
        for first in (0..EVENTS).step_by(batch as usize) {
            producer.publish_many(batch, |at, event| *event = first + u64::from(at)).expect("an open ring");
        }
    }
    ring.close();
    check(consuming.join().expect("a consumer that ends"));
    begin.elapsed()
}

fn channel() -> Duration {
    let (sender, receiver) = sync_channel(CAPACITY as usize);
    let consuming = thread::spawn(move || receiver.iter().sum());
    let begin = Instant::now();
    for n in 0..EVENTS {
        sender.send(n).expect("a receiver");
    }
    drop(sender);
    check(consuming.join().expect("a consumer that ends"));
    begin.elapsed()
}

fn check(sum: u64) {
    assert_eq!(sum, EVENTS * (EVENTS - 1) / 2, "events were lost, or came twice");
}
