//! Publishing events that a producer in JavaScript has staged.

use crate::claim::{ClaimError, Claimed, Claimer};
use crate::layout::FAILED;
use crate::memory::Memory;
use millrace_park::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::ptr::NonNull;

/// Publishes copies of up to `n` events that lie behind one another in `events`: as many as there is room for, in one
/// claim. For a producer of a multi-producer ring whose events are staged elsewhere, so that a ring that was closed in
/// between still takes them; `index` is its seat.
pub(crate) fn publish_copied(memory: &Memory, index: u32, events: &[u8], n: u32) -> Result<u32, ClaimError> {
    let view = memory.enter().ok_or(ClaimError::Gone)?;
    let stride = view.geometry.stride as usize;
    let n = n.min((events.len() / stride) as u32);
    let open = view.producers[index as usize].claimant.open();
    assert!(open.is_none(), "seat {index} has a claim open, which would be left behind");
    let mut claimer = Claimer::stateless(index);
    let (start, n) = loop {
        let at = claimer.position(&view);
        let n = n.min(claimer.room(&view, at));
        if n == 0 {
            // A ring that failed has no room ever again, and who waits for some is told so at once.
            let failed = view.header.state.load(Acquire) == FAILED;
            return Err(if failed { ClaimError::Closed } else { ClaimError::Full });
        }
        if claimer.try_claim_accepted(&view, at, n)? {
            break (at, n);
        }
    };
    let claim = Claimed { claimer: &mut claimer, view: &view, start, n };
    let until_end = n.min(view.geometry.capacity - (start & (view.geometry.capacity - 1)));
    let (first, second) = events[..n as usize * stride].split_at(until_end as usize * stride);
    // SAFETY: the slots are claimed and lie behind one another up to the ring's end, and from its begin on.
    unsafe {
        view.slot(start).copy_from_nonoverlapping(NonNull::from(first).cast(), first.len());
        view.slot(start.wrapping_add(until_end)).copy_from_nonoverlapping(NonNull::from(second).cast(), second.len());
    }
    drop(claim);
    claimer.flush(memory, &view);
    // Here, and not when the caller knows: a thread that ends in between would leave them counted as lost.
    let staged = &view.producers[index as usize].staged;
    staged.store(staged.load(Relaxed).saturating_sub(n), Release);
    Ok(n)
}
