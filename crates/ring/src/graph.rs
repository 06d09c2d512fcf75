//! The graph of stages: named, acyclic, everyone reachable.

use crate::layout::{CURSOR, MAX_STAGES};
use std::fmt;

/// A stage and whom it follows; nobody means the producers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Unique in its ring.
    pub name: String,
    /// Names of stages that must be done with an event first.
    pub after: Vec<String>,
    /// How many workers share its events; none for a stage with one consumer that gets all of them.
    pub workers: Option<u32>,
}

/// Why stages do not make a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphError {
    /// No stage, or more than 31.
    Count(usize),
    /// Two stages of this name.
    Twice(String),
    /// The first follows the second, which does not exist.
    Unknown(String, String),
    /// These follow each other in a circle.
    Cycle(Vec<String>),
    /// The stage is to have none, or more workers than a ring has seats for.
    Workers(String, u32),
    /// More stages and workers than seats.
    Seats(u32),
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(got) => write!(f, "there are {got} stages, allowed are 1 to {MAX_STAGES}"),
            Self::Twice(name) => write!(f, "there are two stages named '{name}'"),
            Self::Unknown(stage, after) => write!(f, "stage '{stage}' follows '{after}', which is no stage"),
            Self::Workers(stage, got) => {
                write!(f, "stage '{stage}' has {got} workers, allowed are 1 to {}", MAX_STAGES - 1)
            }
            Self::Seats(got) => write!(f, "stages and workers take {got} seats, allowed are {MAX_STAGES} in all"),
            Self::Cycle(path) => write!(f, "stages follow each other in a circle: {}", path.join(" -> ")),
        }
    }
}

impl std::error::Error for GraphError {}

/// The upstream mask of each stage.
pub(crate) fn upstream_masks(stages: &[Stage]) -> Result<Vec<u32>, GraphError> {
    if stages.is_empty() || stages.len() > MAX_STAGES as usize {
        return Err(GraphError::Count(stages.len()));
    }
    let index = |name: &str| stages.iter().position(|stage| stage.name == name);
    let mut masks = Vec::with_capacity(stages.len());
    for (position, stage) in stages.iter().enumerate() {
        if index(&stage.name) != Some(position) {
            return Err(GraphError::Twice(stage.name.clone()));
        }
        let after: Vec<&str> = stage.after.iter().map(String::as_str).collect();
        let mask = mask_of(index, &after).map_err(|after| GraphError::Unknown(stage.name.clone(), after.into()))?;
        masks.push(mask);
    }
    check_workers(stages)?;
    match find_cycle(&masks) {
        Some(cycle) => Err(GraphError::Cycle(cycle.iter().map(|at| stages[*at].name.clone()).collect())),
        None => Ok(masks),
    }
}

/// The upstream mask of a stage that follows `after`, by who knows the stages' places; or the name that is none.
pub(crate) fn mask_of<'a>(index: impl Fn(&str) -> Option<usize>, after: &[&'a str]) -> Result<u32, &'a str> {
    let mut mask = 0;
    for name in after {
        mask |= 1 << index(name).ok_or(*name)?;
    }
    Ok(if mask == 0 { CURSOR } else { mask })
}

/// All that stages with this upstream wait for, themselves or through others.
pub(crate) fn all_upstream(masks: &[u32], mask: u32) -> u32 {
    let mut all = mask;
    loop {
        let more = (0..masks.len()).filter(|at| all & 1 << at != 0).fold(all, |more, at| more | masks[at]);
        if more == all {
            return all;
        }
        all = more;
    }
}

fn check_workers(stages: &[Stage]) -> Result<(), GraphError> {
    let wrong = |stage: &&Stage| stage.workers.is_some_and(|workers| !(1..MAX_STAGES).contains(&workers));
    if let Some(Stage { name, workers, .. }) = stages.iter().find(wrong) {
        return Err(GraphError::Workers(name.clone(), workers.unwrap_or(0)));
    }
    match seats(stages) {
        taken if taken > MAX_STAGES => Err(GraphError::Seats(taken)),
        _ => Ok(()),
    }
}

/// Seats that stages and their workers take.
pub(crate) fn seats(stages: &[Stage]) -> u32 {
    stages.len() as u32 + stages.iter().filter_map(|stage| stage.workers).sum::<u32>()
}

/// The first seat of each stage's workers, and their number: behind the stages, in the order of these.
pub(crate) fn worker_seats(stages: &[Stage]) -> Vec<(u32, u32)> {
    let mut next = stages.len() as u32;
    let place = |stage: &Stage| {
        let (first, number) = (next, stage.workers.unwrap_or(0));
        next += number;
        (first, number)
    };
    stages.iter().map(place).collect()
}

/// A circle of stages, its first repeated as its last.
fn find_cycle(masks: &[u32]) -> Option<Vec<usize>> {
    // Stages all of whose upstream is done are taken away until none is left, or only circles and what follows them.
    let mut done = CURSOR;
    while let Some(next) = (0..masks.len()).find(|at| done & (1 << at) == 0 && masks[*at] & !done == 0) {
        done |= 1 << next;
    }
    let mut at = (0..masks.len()).find(|at| done & (1 << at) == 0)?;
    let mut path = vec![at];
    loop {
        at = (masks[at] & !done).trailing_zeros() as usize;
        if let Some(first) = path.iter().position(|seen| *seen == at) {
            path.drain(..first);
            path.push(at);
            path.reverse();
            return Some(path);
        }
        path.push(at);
    }
}

/// The stages nobody follows: what producers must not overtake.
pub(crate) fn sinks(masks: &[u32]) -> u32 {
    let followed = masks.iter().fold(0, |all, mask| all | mask);
    (0..masks.len()).filter(|at| followed & (1 << at) == 0).fold(0, |all, at| all | 1 << at)
}
