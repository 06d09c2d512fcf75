//! Ending a ring: nothing more is accepted.

use crate::claim::settle;
use crate::layout::{FAILED, OPEN};
use crate::memory::Memory;
use millrace_park::sync::seqcst;
use millrace_park::{Barrier, Failure};

/// Brings a ring to `state`, and wakes everyone who waits. When this returns to who ended an open ring, no claim is under
/// way that did not see it or was not seen; another who ends it returns at once.
pub(crate) fn end(memory: &Memory, barrier: Barrier, state: u32) {
    let Some(view) = memory.enter() else { return };
    // A ring that closes can still fail: stages behind the failed one would wait for ever.
    let mut found = OPEN;
    while found < state
        && let Err(other) = seqcst::compare_exchange(&view.header.state, found, state)
    {
        found = other;
    }
    if found == OPEN {
        settle(&view, barrier);
    }
    drop(view);
    memory.consumers().wake(u32::MAX);
    memory.producers().wake(u32::MAX);
}

/// Ends a ring because of this. Of several failures the first is kept: false when this is a later one.
pub(crate) fn fail(memory: &Memory, barrier: Barrier, failure: Failure) -> bool {
    // Noted first, so that who finds the ring failed finds out why.
    let first = memory.failure().set(failure).is_ok();
    end(memory, barrier, FAILED);
    first
}
