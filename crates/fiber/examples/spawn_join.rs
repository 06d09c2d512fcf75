//! Coroutines spawn, wait for each other and are joined; then what a yield and a spawn with its join cost here.
//!
//! `cargo run --release -p millrace-fiber --example spawn_join`

use millrace_fiber::{Config, Scheduler, spawn, yield_now};
use std::hint::black_box;
use std::io;
use std::time::Instant;

const YIELDS: u32 = 5_000_000;
const SPAWNS: u32 = 100_000;
const RUNS: usize = 7;

fn main() -> io::Result<()> {
    let scheduler = Scheduler::new(Config { workers: 2, name: "example".into(), ..Config::default() })?;
    let total = scheduler.spawn(|| {
        let parts: Vec<_> = (1..=4u64).map(|part| spawn(move || part * part)).collect();
        parts.into_iter().map(|part| part.join().expect("it does not panic")).sum::<u64>()
    });
    println!("1 + 4 + 9 + 16 = {}", total.join().expect("it does not panic"));

    for workers in [1, 2] {
        println!("{workers} worker(s), median of {RUNS} runs (lowest, highest), ns each:");
        report("yield, alone", workers, YIELDS, || yields(1));
        report("yield, 100 in turn", workers, YIELDS, || yields(100));
        report("spawn all, then join all", workers, SPAWNS, spawn_all);
        report("spawn and join, one by one", workers, SPAWNS, spawn_each);
    }
    Ok(())
}

fn report(case: &str, workers: usize, times: u32, body: fn()) {
    let scheduler = Scheduler::new(Config { workers, ..Config::default() }).expect("threads can be started");
    let mut runs: Vec<_> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            scheduler.spawn(body).join().expect("it does not panic");
            start.elapsed().as_nanos() as f64 / f64::from(times)
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    println!("  {case:<28} {:8.1} ({:.1}, {:.1})", runs[RUNS / 2], runs[0], runs[RUNS - 1]);
}

fn yields(coroutines: u32) {
    let each = move || {
        for _ in 0..YIELDS / coroutines {
            yield_now();
        }
    };
    let handles: Vec<_> = (0..coroutines).map(|_| spawn(each)).collect();
    for handle in handles {
        handle.join().expect("it does not panic");
    }
}

fn spawn_all() {
    let handles: Vec<_> = (0..SPAWNS).map(|index| spawn(move || black_box(index))).collect();
    for handle in handles {
        handle.join().expect("it does not panic");
    }
}

fn spawn_each() {
    for index in 0..SPAWNS {
        spawn(move || black_box(index)).join().expect("it does not panic");
    }
}
