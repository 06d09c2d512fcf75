//! Publishing events, or records, that a producer in JavaScript has staged.

use crate::byte_producer::write_prefix;
use crate::claim::{ClaimError, Claimed, Claimer};
use crate::layout::{FAILED, PADDING};
use crate::memory::{Memory, View};
use millrace_park::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::ptr::NonNull;

/// Publishes copies of up to `n` slots, events or whole records, that lie behind one another in `staged`: as many as
/// there is room for, in one claim. For a producer of a multi-producer ring that stages them elsewhere and notes them in
/// its cell, so that a ring that was closed in between still takes them; `index` is its seat.
pub(crate) fn publish_copied(memory: &Memory, index: u32, staged: &[u8], n: u32) -> Result<u32, ClaimError> {
    let view = memory.enter().ok_or(ClaimError::Gone)?;
    let mut claimer = Claimer::stateless(index, &view)?;
    let own = &view.producers[index as usize];
    // What is noted was accepted while the ring was open, and has kept it from ending since.
    let accepted = own.staged.load(Relaxed) > 0;
    let stride = view.geometry.stride as usize;
    let staged = &staged[..staged.len().min(n as usize * stride)];
    let (start, fit) = loop {
        let at = claimer.position(&view);
        let fit = Fit::of(&view, staged, at, claimer.room(&view, at));
        if fit.taken() == 0 {
            // A ring that failed has no room ever again, and who waits for some is told so at once.
            let failed = view.header.state.load(Acquire) == FAILED;
            return Err(if failed { ClaimError::Closed } else { ClaimError::Full });
        }
        let n = fit.claimed();
        let claimed =
            if accepted { claimer.try_claim_accepted(&view, at, n) } else { claimer.try_claim(memory, &view, at, n) };
        if claimed? {
            break (at, fit);
        }
    };
    let claim = Claimed { claimer: &mut claimer, memory, view: &view, start, n: fit.claimed() };
    let (first, rest) = staged.split_at(fit.before as usize * stride);
    let second = &rest[..fit.after as usize * stride];
    // SAFETY: the slots are claimed and lie behind one another up to the ring's end, and from its begin on.
    unsafe {
        view.slot(start).copy_from_nonoverlapping(NonNull::from(first).cast(), first.len());
        if fit.padding > 0 {
            write_prefix(view.slot(start.wrapping_add(fit.before)), PADDING, fit.padding);
        }
        let begin = view.slot(start.wrapping_add(fit.before + fit.padding));
        begin.copy_from_nonoverlapping(NonNull::from(second).cast(), second.len());
    }
    drop(claim);
    claimer.flush(memory, &view);
    // Here, and not when the caller knows: a thread that ends in between would leave them counted as lost.
    own.staged.store(own.staged.load(Relaxed).saturating_sub(fit.taken()), Release);
    Ok(fit.taken())
}

/// How what is staged lies in a claim: slots before the ring's end, padding up to there, slots from its begin on.
#[derive(Default)]
struct Fit {
    before: u32,
    padding: u32,
    after: u32,
}

impl Fit {
    /// Of what is `staged`, as much as goes into `room` slots from `at` on.
    fn of(view: &View<'_>, staged: &[u8], at: u32, room: u32) -> Self {
        let slots = (staged.len() / view.geometry.stride as usize) as u32;
        let left = view.geometry.capacity - (at & (view.geometry.capacity - 1));
        if view.geometry.fields.is_none() {
            let taken = slots.min(room);
            let before = taken.min(left);
            return Self { before, padding: 0, after: taken - before };
        }
        let mut fit = Self::default();
        while fit.taken() < slots {
            // Whatever it says, no more than is staged.
            let granules = granules(view, staged, fit.taken()).clamp(1, slots - fit.taken());
            let mut with = Self { ..fit };
            if fit.after > 0 || fit.claimed() >= left {
                with.after += granules;
            } else if fit.before + granules <= left {
                with.before += granules;
            } else {
                with.padding = left - fit.before;
                with.after = granules;
            }
            if with.claimed() > room {
                break;
            }
            fit = with;
        }
        fit
    }

    fn taken(&self) -> u32 {
        self.before + self.after
    }

    fn claimed(&self) -> u32 {
        self.taken() + self.padding
    }
}

/// The granules of the staged record that begins `at` slots behind the first.
fn granules(view: &View<'_>, staged: &[u8], at: u32) -> u32 {
    let count = at as usize * view.geometry.stride as usize + size_of::<u32>();
    u32::from_ne_bytes([staged[count], staged[count + 1], staged[count + 2], staged[count + 3]])
}
