//! The ways of moving events, by name.

use crate::plan::{Graph, Plan};
use crate::race::Race;
use crate::round_trips::Link;
use crate::tally::Moved;
use std::sync::Arc;

mod channels;
mod crossbeam;
mod disruptor;
mod kanal;
pub(crate) mod ours;
mod rtrb;
mod std_channel;
mod tokio;
mod words;

/// One way of moving events through a graph.
pub(crate) trait Side {
    /// Whether it has such a graph.
    fn takes(&self, _graph: Graph) -> bool {
        true
    }

    /// Sets the graph up on threads of its own, publishes until the race is over, and waits until every consumer has
    /// seen everything.
    fn run(&self, plan: Plan, race: &Arc<Race>) -> Moved;
}

/// What there is; of several strategies, a side each.
pub(crate) const NAMES: [&str; 8] =
    ["ours", "disruptor-busy", "disruptor-yield", "rtrb", "crossbeam", "kanal", "std", "tokio"];

/// The side of this name. Only ours has a `strategy`.
pub(crate) fn named(name: &str, strategy: Option<&str>) -> Result<Box<dyn Side>, String> {
    if name == "ours" {
        return Ok(ours::ours(strategy.unwrap_or("adaptive"))?);
    }
    without_strategy(strategy)?;
    Ok(match name {
        "disruptor-busy" => Box::new(disruptor::Disruptor::<disruptor::Busy>::default()),
        "disruptor-yield" => Box::new(disruptor::Disruptor::<disruptor::Yielding>::default()),
        "rtrb" => Box::new(rtrb::Rtrb),
        "crossbeam" => Box::new(channels::Channels::<crossbeam::Crossbeam>::default()),
        "kanal" => Box::new(channels::Channels::<kanal::Kanal>::default()),
        "std" => Box::new(channels::Channels::<std_channel::Std>::default()),
        "tokio" => Box::new(tokio::Tokio),
        other => return Err(format!("no side is called {other}: {}", NAMES.join(", "))),
    })
}

/// Sides that carry events there and back.
pub(crate) const LINKS: [&str; 7] = ["ours", "rtrb", "crossbeam", "kanal", "std", "words-spin", "words-park"];

/// The link of this name.
pub(crate) fn link(name: &str, strategy: Option<&str>) -> Result<Box<dyn Link>, String> {
    if name == "ours" {
        return Ok(ours::ours(strategy.unwrap_or("adaptive"))?);
    }
    without_strategy(strategy)?;
    Ok(match name {
        "rtrb" => Box::new(rtrb::Rtrb),
        "crossbeam" => Box::new(channels::Channels::<crossbeam::Crossbeam>::default()),
        "kanal" => Box::new(channels::Channels::<kanal::Kanal>::default()),
        "std" => Box::new(channels::Channels::<std_channel::Std>::default()),
        "words-spin" => Box::new(words::Words { park: false }),
        "words-park" => Box::new(words::Words { park: true }),
        other => return Err(format!("no link is called {other}: {}", LINKS.join(", "))),
    })
}

fn without_strategy(strategy: Option<&str>) -> Result<(), String> {
    strategy.map_or(Ok(()), |_| Err("only ours takes a strategy; a peer's are sides of their own".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::measure;
    use crate::plan::Batch;
    use crate::round_trips::Trips;
    use std::time::Duration;

    #[test]
    fn every_side_moves_every_event_through_every_graph() {
        let sides = NAMES.map(|name| (name, None)).into_iter();
        let strategies = ours::STRATEGIES.map(|strategy| ("ours", Some(strategy)));
        for (name, strategy) in sides.chain(strategies) {
            let side = named(name, strategy).unwrap();
            for (title, graph) in Graph::NAMES.into_iter().filter(|(_, graph)| side.takes(*graph)) {
                for batch in [Batch::One, Batch::Ten, Batch::Hundred] {
                    let plan = Plan { graph, batch, slots: 1024 };
                    let measured = measure(&*side, plan, Duration::from_millis(5));
                    assert!(measured.is_ok_and(|run| run.events > 0), "{name} {strategy:?} {title} {batch:?}");
                }
            }
        }
    }

    #[test]
    fn every_link_carries_every_event_there_and_back() {
        let sides = LINKS.map(|name| (name, None)).into_iter();
        let strategies = ours::STRATEGIES.map(|strategy| ("ours", Some(strategy)));
        for (name, strategy) in sides.chain(strategies) {
            for pause in [Duration::ZERO, Duration::from_micros(200)] {
                let trips = Trips { count: 50, warm_up: Duration::from_millis(1), pause, slots: 64 };
                let taken = link(name, strategy).unwrap().round_trips(trips);
                assert_eq!(taken.len(), 50, "{name} {strategy:?}");
            }
        }
    }

    #[test]
    fn idle_consumers_are_told_when_they_wait_and_end() {
        for strategy in ours::STRATEGIES {
            let mut told = 0;
            ours::ours(strategy).unwrap().idle(&mut || told += 1);
            assert_eq!(told, 1);
        }
    }

    #[test]
    fn what_there_is_not_is_refused() {
        assert!(named("ring", None).is_err());
        assert!(named("rtrb", Some("spin")).is_err());
        assert!(named("ours", Some("doze")).is_err());
        assert!(link("tokio", None).is_err());
    }
}
