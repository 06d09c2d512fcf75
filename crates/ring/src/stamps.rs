//! Publishing the claims of many producers in order, through one cursor.
//!
//! A claim of n slots from s on is published when the cursor reaches s + n. Claims are written in any order; the cursor
//! goes from claim to claim. Whose claim begins where the cursor stands moves it himself; who is ahead of it leaves a
//! *stamp*, and whoever brings the cursor there moves it on:
//!
//! ```text
//!   P1  cursor == s ?                              (acquire)
//!         yes:  cursor = s + n                     (SeqCst)   and on to P3
//!   P2    no:   count[s] = n; stamp[s] = s + 1     (SeqCst)
//!   P3  c = cursor                                 (SeqCst)
//!   P4  stamp[c] == c + 1 ?  no: done              (SeqCst)
//!   P5  cursor: c -> c + count[c] by compare-and-swap (SeqCst), back to P3
//! ```
//! So consumers, in any language, look at one word whoever publishes. (LMAX and disruptor-rs let every consumer scan a
//! stamp an event instead.) A claim that nobody else's stands before costs one store of the cursor.
//!
//! *The plain store of P1 is ours alone.* The cursor stands at s, our claim has no stamp, so no P4 matches there and no
//! P5 leaves s: the cursor cannot change before we change it.
//!
//! *No claim is left behind.* Let R be the thread that brings the cursor to s (by P1 or P5). Either R's next P4 comes
//! after P2 in the single order of SeqCst accesses, and R sees the stamp; or it comes before, then P3 comes after R's
//! store and finds the cursor at s or beyond.
//!
//! *Nobody sleeps through a claim.* Who leaves a stamp may look for sleepers before the cursor comes to it, and not
//! again. So whoever makes a P5 looks for them behind it, even if what it publishes itself may wait for a flush.
//!
//! *Lightly.* The two full fences that this takes, behind P1 and behind P2, are most of what an event costs. Where all
//! consumers are native, P1 goes without: its store may still be on its way when P4 reads an old stamp, while the one
//! that leaves the stamp reads an old cursor, and nobody publishes the claim. Then a consumer does: one that finds
//! nothing ready behind the cursor looks at P4 and P5 itself. It is there to do so, or will be: it is at work, and will
//! look when it has done; or it polls; or it sleeps, and both producers look for sleepers when they have done (one that
//! is about to sleep has the others fenced and looks again, see `millrace_park::Barrier`). Producers that claim later
//! bring the cursor on as well.
//!
//! *No claim is published early.* The cursor stands on claims' first slots only, so a stamp that P4 finds there is a
//! first slot's. It is this claim's, because stamps are sequences: one of an earlier lap is another number, unless it
//! has lain there for 2^32 events. So in one lap of every 2^31 events, the first, claims overwrite the stamps of all
//! their slots before they are written (P0).
//!
//! # Skipped slots
//! A claim that is given up is stamped too, with [`SKIP`] in its count, always by P2: so the mark stays until the slots
//! are claimed again. Before that, `skipped` of the header is raised; a consumer that acquires the cursor and finds
//! `skipped` as it was when it last had nothing skipped before it knows that its batch has no such slots. Otherwise it
//! looks at each slot's stamp until it has passed everything that was claimed by then. Where nothing is given up,
//! skipping costs a load a batch.
//!
//! In a byte ring they hold padding as well, which consumers of records in Rust pass over without a look at stamps.
//!
//! Of a claim that is partly used the rest is given up first and the used part published then, so that consumers pass
//! both together.
//!
//! # What a death leaves
//! A producer's claim is *open* in its cell (see `ledger`) from before it is made until P5 has nothing left to do. Who
//! recovers it finds where its owner died by what is written already:
//!
//! | found | the owner died | what is done |
//! |---|---|---|
//! | a stamp at the claim's first slot, or the cursor behind it | behind P1 or P2 | P3 to P5: the claim is published, others may have stamped behind it |
//! | a skip inside the claim, up to its end | between giving the rest up and publishing | the part before is given up |
//! | neither | before | all of it is given up |
//!
//! A slot's count is written before its stamp, and does not count without it. Two numbers beside the protocol may be
//! off by what a death cut in two: `skipped` by the claim that was about to be stamped (it may only be too high, and
//! costs consumers looks in vain), the cursor's wraps by one, within two instructions every 2^32 events. A thread of
//! JavaScript that is terminated dies in none of these places: native code runs to its end.

use crate::memory::View;
use crate::sequence::distance;
use millrace_park::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use millrace_park::sync::seqcst;

/// The bit of a claim's count that says: nobody consumes these slots.
pub(crate) const SKIP: u32 = 1 << 31;

/// Events after which stamps must not be left alone any longer: half of what makes them ambiguous.
const STALE: u32 = 1 << 31;

/// The claim of `n` slots from `start` on is written. True when the cursor was brought over stamps: then who waits for
/// it is to be woken.
#[inline]
pub(crate) fn publish(view: &View<'_>, start: u32, n: u32) -> bool {
    clear(view, start, n);
    if view.cursor.value.load(Acquire) == start {
        let end = start.wrapping_add(n);
        note_wrap(view, start, end);
        seqcst::store(&view.cursor.value, end);
    } else {
        stamp(view, start, n);
    }
    advance(view)
}

/// The same without the fence, where consumers [help]: half the cost of an event.
#[inline]
pub(crate) fn publish_lightly(view: &View<'_>, start: u32, n: u32) {
    clear(view, start, n);
    if view.cursor.value.load(Acquire) == start {
        let end = start.wrapping_add(n);
        note_wrap(view, start, end);
        view.cursor.value.store(end, Release);
        if view.stamps[view.index(end)].load(Acquire) != end.wrapping_add(1) {
            return;
        }
    } else {
        stamp(view, start, n);
    }
    advance(view);
}

/// Publishes what was left to a consumer that finds nothing ready; true when there was something.
#[inline]
pub(crate) fn help(view: &View<'_>) -> bool {
    let cursor = view.cursor.value.load(Acquire);
    let left = view.stamps[view.index(cursor)].load(Acquire) == cursor.wrapping_add(1);
    if left {
        advance(view);
    }
    left
}

/// The claim of `n` slots from `start` on is given up.
#[cold]
pub(crate) fn skip(view: &View<'_>, start: u32, n: u32) {
    clear(view, start, n);
    raise_skipped(view, n);
    stamp(view, start, n | SKIP);
    advance(view);
}

/// Counts slots that are given up. Zero means that none ever was, so the count leaves it out where it wraps.
fn raise_skipped(view: &View<'_>, n: u32) {
    let raise = |skipped: u32| Some(skipped.wrapping_add(n).max(1));
    let _ = view.header.skipped.fetch_update(AcqRel, Relaxed, raise);
}

/// How many slots of the claim of `n` slots from `start` on a producer that died had neither published nor given up: the
/// first ones. What was published behind them, or by them, is brought on its way.
pub(crate) fn left_open(view: &View<'_>, start: u32, n: u32) -> u32 {
    let stamped = |at: u32| {
        let sequence = start.wrapping_add(at);
        seqcst::load(&view.stamps[view.index(sequence)]) == sequence.wrapping_add(1)
    };
    if stamped(0) || distance(start, seqcst::load(&view.cursor.value)) > 0 {
        advance(view);
        return 0;
    }
    (1..n).find(|at| stamped(*at)).unwrap_or(n)
}

/// P0, in the laps where it is due.
#[inline(always)]
fn clear(view: &View<'_>, start: u32, n: u32) {
    let due = |sequence: u32| sequence & (STALE - 1) < view.geometry.capacity;
    if due(start) || due(start.wrapping_add(n - 1)) {
        clear_all(view, start, n);
    }
}

#[cold]
fn clear_all(view: &View<'_>, start: u32, n: u32) {
    for at in 0..n {
        let sequence = start.wrapping_add(at);
        view.stamps[view.index(sequence)].store(sequence, Relaxed);
    }
}

fn stamp(view: &View<'_>, start: u32, count: u32) {
    let first = view.index(start);
    view.counts[first].store(count, Relaxed);
    seqcst::store(&view.stamps[first], start.wrapping_add(1));
}

/// P3 to P5; true when there was a P5.
#[inline]
fn advance(view: &View<'_>) -> bool {
    let mut moved = false;
    loop {
        let cursor = seqcst::load(&view.cursor.value);
        let at = view.index(cursor);
        if seqcst::load(&view.stamps[at]) != cursor.wrapping_add(1) {
            return moved;
        }
        // Not the count of a later lap: then the cursor has moved on, and the compare-and-swap fails.
        let next = cursor.wrapping_add(view.counts[at].load(Relaxed) & !SKIP);
        if seqcst::compare_exchange(&view.cursor.value, cursor, next).is_ok() {
            note_wrap(view, cursor, next);
            moved = true;
        }
    }
}

#[inline(always)]
fn note_wrap(view: &View<'_>, from: u32, to: u32) {
    if to < from {
        view.cursor.wraps.fetch_add(1, Relaxed);
    }
}

/// How long the claim is that begins at `sequence`, if one was ended there, and whether it was given up.
fn ended_at(view: &View<'_>, sequence: u32) -> Option<(u32, bool)> {
    let index = view.index(sequence);
    // The stamp first: beyond the cursor the count that goes with it may be written just now.
    if view.stamps[index].load(Acquire) != sequence.wrapping_add(1) {
        return None;
    }
    let count = view.counts[index].load(Relaxed);
    // Zero in scribbled memory only.
    Some(((count & !SKIP).max(1), count & SKIP != 0))
}

/// The slots given up from `sequence` on, if a claim that begins there was given up.
fn skipped_at(view: &View<'_>, sequence: u32) -> Option<u32> {
    ended_at(view, sequence).and_then(|(length, given_up)| given_up.then_some(length))
}

/// How many of the claimed slots between two sequences were given up.
pub(crate) fn given_up_between(view: &View<'_>, from: u32, to: u32) -> u32 {
    if !view.geometry.multi || view.header.skipped.load(Acquire) == 0 {
        return 0;
    }
    let (mut at, mut given_up) = (from, 0);
    while distance(at, to) > 0 {
        let over = skipped_at(view, at).unwrap_or(0);
        given_up += over;
        at = at.wrapping_add(over.max(1));
    }
    given_up
}

/// How many slots from `cursor` on were published, behind a claim that is still open.
pub(crate) fn published_behind(view: &View<'_>, cursor: u32) -> u32 {
    if !view.geometry.multi {
        return 0;
    }
    let end = view.claim.ledger.sequence();
    let (mut at, mut published) = (cursor, 0);
    while distance(at, end) > 0 {
        let (length, given_up) = ended_at(view, at).unwrap_or((1, true));
        published += if given_up { 0 } else { length };
        at = at.wrapping_add(length);
    }
    published
}

/// What a consumer knows of skipped slots.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Skips {
    /// `skipped` when all that it counted lay behind us.
    quiet: Option<u32>,
    /// A later `skipped`, and the sequence before which all that it counts lies.
    pending: Option<(u32, u32)>,
}

impl Skips {
    /// What who has just come to a ring knows: as long as nothing was given up, nothing lies ahead.
    pub(crate) fn nothing_yet() -> Self {
        Self { quiet: Some(0), pending: None }
    }

    /// Of the `n` published slots from `next` on: how many to pass over, and how many to consume behind those.
    #[inline(always)]
    pub(crate) fn clip(&mut self, view: &View<'_>, next: u32, n: u32) -> (u32, u32) {
        if self.quiet == Some(view.header.skipped.load(Relaxed)) { (0, n) } else { self.look(view, next, n) }
    }

    #[cold]
    fn look(&mut self, view: &View<'_>, next: u32, n: u32) -> (u32, u32) {
        let skipped = view.header.skipped.load(Acquire);
        let pending = self.pending.filter(|pending| pending.0 == skipped);
        let (_, until) = *self.pending.insert(pending.unwrap_or_else(|| (skipped, view.claim.ledger.sequence())));
        let mut over = 0;
        while over < n
            && let Some(more) = skipped_at(view, next.wrapping_add(over))
        {
            over = over.saturating_add(more).min(n);
        }
        let end = (over..n).find(|at| skipped_at(view, next.wrapping_add(*at)).is_some()).unwrap_or(n);
        if distance(next.wrapping_add(end), until) <= 0 {
            self.quiet = Some(skipped);
        }
        (over, end - over)
    }
}
