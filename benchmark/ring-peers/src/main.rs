//! One run of one side of the benchmark suites `ring`, `ring-latency` and `ring-idle`, in a process of its own.
//!
//! ```text
//! ring-peers SIDE GRAPH BATCH SLOTS SECONDS [--strategy STRATEGY]
//! ```
//! moves events of 8 bytes through GRAPH for about SECONDS, after a warm-up, and prints
//! `{"eventsPerSecond":…,"events":…}`. An event counts once, however many consumers see it.
//!
//! Every producer numbers its events from 0 on, every consumer adds up what it sees. A consumer whose count or sum is
//! not that of what was published ends the process with an error. A run is bounded by time and not by a number of
//! events, because one side may be ten thousand times faster than another, and the same side twenty times faster in
//! its next process.
//!
//! ```text
//! ring-peers latency LINK ROUND_TRIPS PAUSE [--strategy STRATEGY]
//! ```
//! sends one event at a time to another thread and back, and prints `{"nanoseconds":[…]}`, each round trip's in the order
//! made.
//!
//! ```text
//! ring-peers idle STRATEGY SECONDS
//! ```
//! has five of our consumers wait for nothing, and prints `{"waiting":true}` when they do; who measures reads this
//! process's time on processors from outside.

mod command;
mod idle;
mod measure;
mod plan;
mod publish;
mod race;
mod receive;
mod round_trips;
mod sides;
mod tally;
mod threads;

fn main() -> std::process::ExitCode {
    command::run(std::env::args().skip(1))
}
