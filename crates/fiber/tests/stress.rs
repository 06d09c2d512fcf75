//! Long races with a seed that is printed; `MILLRACE_SEED` repeats one.
#![cfg(not(loom))]

use millrace_fiber::{Config, Scheduler, park, park_timeout, spawn, yield_now};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Xorshift: enough to choose by.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn seed() -> u64 {
    let seed = std::env::var("MILLRACE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64 | 1));
    println!("MILLRACE_SEED={seed}");
    seed
}

/// Relaxed on purpose: what the waiter sees, it sees by the unpark.
#[test]
fn no_unpark_is_lost_whoever_races_whom() {
    const COROUTINES: usize = 64;
    const MESSAGES: u64 = 2_000;
    let seed = seed();
    let scheduler = Scheduler::new(Config { workers: 3, ..Config::default() }).unwrap();
    let sent: Arc<[AtomicU64]> = (0..COROUTINES).map(|_| AtomicU64::new(0)).collect();
    let handles: Vec<_> = (0..COROUTINES)
        .map(|index| {
            let sent = sent.clone();
            let mut random = Random(seed ^ (index as u64 + 1) << 32);
            scheduler.spawn(move || {
                while sent[index].load(Relaxed) < 2 * MESSAGES {
                    match random.below(8) {
                        0 => yield_now(),
                        1 => park_timeout(Duration::from_micros(random.below(50))),
                        _ => park(),
                    }
                }
            })
        })
        .collect();
    let coroutines: Arc<[_]> = handles.iter().map(|handle| handle.coroutine()).collect();
    let send = move |seed: u64| {
        let mut random = Random(seed);
        let mut left = [MESSAGES; COROUTINES];
        let mut open = COROUTINES;
        while open > 0 {
            let index = random.below(COROUTINES as u64) as usize;
            if left[index] > 0 {
                left[index] -= 1;
                open -= usize::from(left[index] == 0);
                sent[index].fetch_add(1, Relaxed);
                coroutines[index].unpark();
            }
        }
    };
    // One waker beside the workers and one among them.
    let inside = send.clone();
    let inside = scheduler.spawn(move || inside(seed.rotate_left(7) | 1));
    thread::spawn(move || send(seed)).join().unwrap();
    inside.join().unwrap();
    for handle in handles {
        handle.join().unwrap();
    }
    let stats = scheduler.stats();
    assert_eq!((stats.parked, stats.finished), (0, stats.spawned));
}

#[test]
fn trees_of_spawns_are_stolen_joined_and_cancelled_without_loss() {
    fn grow(mut random: Random, depth: u32) -> u64 {
        let branches: Vec<_> = (0..if depth == 0 { 0 } else { random.below(5) })
            .map(|_| {
                let random = Random(random.below(u64::MAX) | 1);
                (random.0.is_multiple_of(16), spawn(move || grow(random, depth - 1)))
            })
            .collect();
        let mut total = 1;
        for (cancel, branch) in branches {
            if cancel {
                branch.cancel();
            }
            if random.below(3) == 0 {
                yield_now();
            }
            total += branch.join().unwrap_or(0);
        }
        total
    }
    let seed = seed();
    let scheduler = Scheduler::new(Config { workers: 3, ..Config::default() }).unwrap();
    for round in 0..200u64 {
        let random = Random(seed ^ round << 20 | 1);
        assert!(scheduler.spawn(move || grow(random, 6)).join().unwrap() >= 1);
    }
    scheduler.shutdown();
    let stats = scheduler.stats();
    assert_eq!((stats.parked, stats.finished), (0, stats.spawned));
}
