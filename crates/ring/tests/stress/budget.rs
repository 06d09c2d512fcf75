//! Seeds and time; CONTRIBUTING.md, "Tests", tells how to ask for them.

use super::plan::GRAPHS;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Of one graph.
const NORMAL: Duration = Duration::from_millis(1500);
const LONG: Duration = Duration::from_secs(100);

/// How many times a seed that was asked for is run.
const REPEATS: u64 = 20;

/// Calls `work` with seeds of a graph until the time is up, or with the one that was asked for if it is of this graph.
pub(crate) fn for_seeds(graph: usize, work: impl Fn(u64)) {
    let (graph, graphs) = (graph as u64, GRAPHS.len() as u64);
    if let Ok(asked) = std::env::var("MILLRACE_STRESS_SEED") {
        let seed: u64 = asked.parse().expect("a whole number in MILLRACE_STRESS_SEED");
        if seed % graphs == graph {
            (0..REPEATS).for_each(|_| work(seed));
        }
        return;
    }
    let long = std::env::var("MILLRACE_STRESS").is_ok_and(|asked| asked == "long");
    let until = Instant::now() + if long { LONG } else { NORMAL };
    // As large as a seed of the stress tests in JavaScript, so that either kind can be asked for.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
    let mut seed = now % (1 << 28) * graphs + graph;
    while Instant::now() < until {
        work(seed);
        seed += graphs;
    }
}
