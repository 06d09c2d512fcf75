//! The command line: which side, and what it is to do.

use crate::measure::measure;
use crate::plan::{Batch, Graph, Plan};
use crate::sides;
use std::fmt::Display;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

/// Enough for a processor at its pace, pages that are there and threads that have run.
const WARM_UP: Duration = Duration::from_millis(150);

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
    let seconds =
        Duration::try_from_secs_f64(value(seconds, "SECONDS")?).map_err(|error| format!("SECONDS: {error}"))?;
    let side = sides::named(side, strategy)?;
    if !side.takes(plan.graph) {
        return Err(format!("this side has no {graph}"));
    }
    measure(&*side, plan, WARM_UP)?;
    let measured = measure(&*side, plan, seconds)?;
    Ok(format!(r#"{{"eventsPerSecond":{:.0},"events":{}}}"#, measured.rate(), measured.events))
}

fn value<T: FromStr<Err: Display>>(text: &str, name: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{name}: {text:?}: {error}"))
}

fn usage() -> String {
    format!(
        "usage: ring-peers SIDE GRAPH BATCH SLOTS SECONDS [--strategy STRATEGY]
  SIDE      {}
  GRAPH     {}
  BATCH     1, 10, 100
  SLOTS     a power of two
  STRATEGY  of ours: {}",
        sides::NAMES.join(", "),
        Graph::NAMES.map(|(name, _)| name).join(", "),
        sides::ours::STRATEGIES.join(", "),
    )
}
