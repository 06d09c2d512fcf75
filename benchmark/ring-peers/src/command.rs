//! The command line: which side, and what it is to do.

use crate::measure::measure;
use crate::plan::{Batch, Graph, Plan};
use crate::round_trips::Trips;
use crate::sides;
use std::fmt::Display;
use std::process::ExitCode;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

/// Of a link, and of a side: enough for a processor at its pace, pages that are there and threads that have run.
const WARM_UP: Duration = Duration::from_millis(150);

/// Slots each way: one event is on its way.
const LINK_SLOTS: usize = 1_024;

/// Runs what the arguments ask for.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let arguments: Vec<String> = arguments.collect();
    match dispatch(&arguments) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("ring-peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<String, String> {
    match arguments.split_first() {
        Some((mode, rest)) if mode == "latency" => latency(rest),
        Some((mode, rest)) if mode == "idle" => idle(rest),
        _ => rate(arguments),
    }
}

/// Nanoseconds of each round trip.
fn latency(arguments: &[String]) -> Result<String, String> {
    let (side, count, pause, strategy) = match arguments {
        [side, count, pause] => (side, count, pause, None),
        [side, count, pause, option, strategy] if option == "--strategy" => {
            (side, count, pause, Some(strategy.as_str()))
        }
        _ => return Err(usage()),
    };
    let trips = Trips {
        count: value(count, "ROUND_TRIPS")?,
        warm_up: WARM_UP,
        pause: Duration::from_micros(value(pause, "PAUSE")?),
        slots: LINK_SLOTS,
    };
    let taken = sides::link(side, strategy)?.round_trips(trips);
    let texts: Vec<String> = taken.iter().map(u64::to_string).collect();
    Ok(format!(r#"{{"nanoseconds":[{}]}}"#, texts.join(",")))
}

/// Says when consumers wait, and has them wait.
fn idle(arguments: &[String]) -> Result<String, String> {
    let [strategy, seconds] = arguments else { return Err(usage()) };
    let time = seconds_of(seconds)?;
    sides::ours::ours(strategy)?.idle(&mut || {
        println!(r#"{{"waiting":true}}"#);
        thread::sleep(time);
    });
    Ok(r#"{"waiting":false}"#.into())
}

fn rate(arguments: &[String]) -> Result<String, String> {
    let (side, graph, batch, slots, seconds, strategy) = match arguments {
        [side, graph, batch, slots, seconds] => (side, graph, batch, slots, seconds, None),
        [side, graph, batch, slots, seconds, option, strategy] if option == "--strategy" => {
            (side, graph, batch, slots, seconds, Some(strategy.as_str()))
        }
        _ => return Err(usage()),
    };
    let plan = Plan {
        graph: value::<Graph>(graph, "GRAPH")?,
        batch: value::<Batch>(batch, "BATCH")?,
        slots: value(slots, "SLOTS")?,
    };
    let seconds = seconds_of(seconds)?;
    let side = sides::named(side, strategy)?;
    if !side.takes(plan.graph) {
        return Err(format!("this side has no {graph}"));
    }
    measure(&*side, plan, WARM_UP)?;
    let measured = measure(&*side, plan, seconds)?;
    Ok(format!(r#"{{"eventsPerSecond":{:.0},"events":{}}}"#, measured.rate(), measured.events))
}

fn seconds_of(text: &str) -> Result<Duration, String> {
    Duration::try_from_secs_f64(value(text, "SECONDS")?).map_err(|error| format!("SECONDS: {error}"))
}

fn value<T: FromStr<Err: Display>>(text: &str, name: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{name}: {text:?}: {error}"))
}

fn usage() -> String {
    format!(
        "usage: ring-peers SIDE GRAPH BATCH SLOTS SECONDS [--strategy STRATEGY]
       ring-peers latency LINK ROUND_TRIPS PAUSE [--strategy STRATEGY]
       ring-peers idle STRATEGY SECONDS
  SIDE      {}
  GRAPH     {}
  BATCH     1, 10, 100
  SLOTS     a power of two
  LINK      {}
  PAUSE     microseconds from an answer to the next event
  STRATEGY  of ours: {}",
        sides::NAMES.join(", "),
        Graph::NAMES.map(|(name, _)| name).join(", "),
        sides::LINKS.join(", "),
        sides::ours::STRATEGIES.join(", "),
    )
}
