//! Holds what was seen against what was accepted.

use super::consuming::{Consumed, Seen, Visited};
use super::producing::Produced;
use super::round::Round;
use millrace_ring::typed::Statistics;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::Ordering::Relaxed;

/// What is known of a ring that has ended.
pub(crate) struct Account<'a> {
    pub(crate) round: &'a Round,
    pub(crate) stats: Statistics,
    pub(crate) produced: Vec<Produced>,
    /// By the index of the stage; a shared one as often as it has workers.
    pub(crate) consumed: Vec<(usize, Consumed)>,
    pub(crate) visits: Vec<Visited>,
}

pub(crate) fn account(all: &Account<'_>) {
    let Account { round, stats, produced, consumed, visits } = all;
    let plan = &round.plan;
    let failed = round.failed.load(Relaxed);
    let is = |what: &str, found: &dyn Debug, wanted: &dyn Debug| {
        let (found, wanted) = (format!("{found:?}"), format!("{wanted:?}"));
        if found != wanted {
            round.problem(format!("{what}: {found}, not {wanted}"));
        }
    };

    // Whose event lies where, as anybody saw it.
    let mut places = BTreeMap::new();
    let visited = visits.iter().flat_map(|visit| &visit.seen);
    for Seen { sequence, by, n } in consumed.iter().flat_map(|(_, one)| &one.seen).chain(visited) {
        let before = *places.entry(*sequence).or_insert((*by, *n));
        is(&format!("the event at {sequence}"), &(by, n), &before);
    }
    // The rest of a ring that failed is nobody's to see: this far at least one stage has seen all.
    let furthest = stats.stages[..plan.graph.len()].iter().map(|stage| stage.sequence).max().unwrap_or(0);
    let at = |(sequence, (by, n)): (&u64, &(u32, u32))| Seen { sequence: *sequence, by: *by, n: *n };
    let order: Vec<Seen> = places.range(..furthest).map(at).collect();
    let until = |sequence| order.partition_point(|seen| seen.sequence < sequence);

    for (stage, (name, _, workers)) in plan.graph.iter().enumerate() {
        let counts = &stats.stages[stage];
        let mine = || consumed.iter().filter(|(index, _)| *index == stage).map(|(_, one)| one);
        let mut seen: Vec<Seen> = mine().flat_map(|one| &one.seen).copied().collect();
        if *workers > 0 {
            seen.sort_unstable();
        }
        // A worker may be done with what lies behind an event that another has in hand.
        let released = if failed && *workers > 0 {
            seen.partition_point(|seen| seen.sequence < counts.sequence)
        } else {
            seen.len()
        };
        if let Some(what) = differs(&seen[..released], &order[..until(counts.sequence)]) {
            round.problem(format!("stage {name}: {what}"));
        }
        if seen.is_sorted_by(|one, other| one.sequence < other.sequence) {
            is(&format!("the sum of {name}"), &sum(&seen[..released]), &sum(&order[..until(counts.sequence)]));
        } else {
            round.problem(format!("stage {name} saw events twice or out of order"));
        }
        is(&format!("events that {name} passed over"), &counts.skipped, &mine().map(|one| one.skipped).sum::<u32>());
        is(&format!("batches that {name} began again"), &counts.retries, &mine().map(|one| one.retries).sum::<u32>());
        if !failed {
            is(&format!("the sequence and lag of {name}"), &(counts.sequence, counts.lag), &(stats.cursor, 0));
        }
    }
    for Visited { seen, stayed } in visits {
        let Some(first) = seen.first() else { continue };
        let from = until(first.sequence);
        let to = if *stayed && !failed { order.len() } else { order.len().min(from + seen.len()) };
        let seen = &seen[..seen.partition_point(|seen| seen.sequence < furthest)];
        if let Some(what) = differs(seen, &order[from..to]) {
            round.problem(format!("a stage that joined: {what}"));
        }
    }

    let mut next = vec![0; produced.len()];
    for Seen { sequence, by, n } in &order {
        match next.get_mut(*by as usize) {
            Some(due) if due == n => *due += 1,
            due => round.problem(format!("{by}/{n} at {sequence}, where {due:?} was due")),
        }
    }
    let accepted: Vec<u32> = produced.iter().map(|one| one.accepted).collect();
    let given_up = if plan.multi > 0 { produced.iter().map(|one| one.given_up).sum() } else { 0 };
    if failed {
        is("more seen than accepted", &next.iter().zip(&accepted).any(|(seen, accepted)| seen > accepted), &false);
    } else {
        is("events seen of each producer", &next, &accepted);
        is("given up", &stats.given_up, &given_up);
        let published = accepted.iter().chain([&given_up]).map(|n| u64::from(*n)).sum::<u64>();
        is("the cursor", &stats.cursor, &(u64::from(plan.start) + published));
    }
}

fn sum(seen: &[Seen]) -> u64 {
    seen.iter().map(|seen| u64::from(seen.n)).sum()
}

/// The first place where two orders are not the same.
fn differs(found: &[Seen], wanted: &[Seen]) -> Option<String> {
    if found == wanted {
        return None;
    }
    let at = found.iter().zip(wanted).take_while(|(one, other)| one == other).count();
    let (found, wanted) = (found.get(at), wanted.get(at));
    Some(format!("{found:?}, not {wanted:?}, behind {at} that are right"))
}
