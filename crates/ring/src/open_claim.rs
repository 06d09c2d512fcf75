//! Claims that stay open from one call to another, for code that writes slots itself (JavaScript).
//!
//! Nothing of such a claim is kept here: it stands in the claimant's cell, where who recovers it finds it as well. That
//! memory may be scribbled over, so a claim is looked at again before it is published.

use crate::byte_producer::{padding, write_prefix};
use crate::claim::{ClaimError, Claimer};
use crate::layout::{FAILED, OPEN, PADDING};
use crate::memory::{Memory, View};
use crate::sequence::{distance, wake};
use crate::stamps;
use millrace_park::sync::atomic::Ordering::{Acquire, Relaxed};
use millrace_park::sync::seqcst;
use std::fmt;

/// Nothing was published: this producer has no claim open, or none as large, or the ring's memory is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoClaim;

impl fmt::Display for NoClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this producer has no such claim open")
    }
}

impl std::error::Error for NoClaim {}

/// Claims `n` slots for the producer with seat `index` of a multi-producer ring, and gives the first one's sequence. Those
/// of a record lie behind one another: where they would cross the ring's end, what is left before it is claimed too.
pub(crate) fn claim(memory: &Memory, index: u32, n: u32) -> Result<u32, ClaimError> {
    let view = memory.enter().ok_or(ClaimError::Gone)?;
    let records = view.geometry.fields.is_some();
    if records && n > view.geometry.capacity / 2 {
        return Err(ClaimError::TooLarge);
    }
    let mut claimer = Claimer::stateless(index, &view)?;
    loop {
        let at = claimer.position(&view);
        let padding = if records { padding(view.geometry, at, n) } else { 0 };
        if claimer.try_claim(memory, &view, at, padding + n)? {
            return Ok(at);
        }
    }
}

/// Publishes the first `used` slots of the claim that seat `index` has open, and gives the others up. On a ring that
/// failed all are given up, and those that were used are lost.
pub(crate) fn commit(memory: &Memory, index: u32, used: u32) -> Result<(), NoClaim> {
    let view = memory.enter().ok_or(NoClaim)?;
    let cell = &view.producers[index as usize];
    let (start, n) =
        cell.claimant.open().filter(|(start, n)| stands(&view, *start, *n) && used <= *n).ok_or(NoClaim)?;
    let seen = if view.header.state.load(Acquire) == FAILED { 0 } else { used };
    if seen < n {
        give_up(&view, start.wrapping_add(seen), n - seen);
    }
    if seen > 0 {
        stamps::publish(&view, start, seen);
    }
    cell.claimant.finish();
    view.header.aborted.fetch_add(n - used, Relaxed);
    view.header.lost.fetch_add(used - seen, Relaxed);
    if view.geometry.wait.sleeps() {
        wake(memory, view.cursor, cell);
    }
    // Who waits for the end of a closed ring waits for the cursor where nobody has a stage open, and sleeps whatever the
    // ring's way to wait is.
    if seqcst::load(&view.header.state) != OPEN {
        memory.consumers().wake(u32::MAX);
    }
    Ok(())
}

/// The `n` slots from `start` on, which are claimed, belong to nobody any more. Consumers of records in Rust look at
/// prefixes, not at skips, and who releases records by hand goes from one prefix to the next: they find padding.
pub(crate) fn give_up(view: &View<'_>, start: u32, n: u32) {
    if view.geometry.fields.is_some() {
        let until_end = n.min(view.geometry.capacity - (start & (view.geometry.capacity - 1)));
        for (at, granules) in [(0, until_end), (until_end, n - until_end)] {
            if granules > 0 {
                // SAFETY: claimed, not published, and written by nobody else any more.
                unsafe { write_prefix(view.slot(start.wrapping_add(at)), PADDING, granules) };
            }
        }
    }
    stamps::skip(view, start, n);
}

/// Whether this can be a claim that is open: behind the cursor, and before where the next one begins.
fn stands(view: &View<'_>, start: u32, n: u32) -> bool {
    let end = start.wrapping_add(n);
    n <= view.geometry.capacity
        && distance(view.cursor.value.load(Acquire), start) >= 0
        && distance(end, view.claim.ledger.sequence()) >= 0
}
