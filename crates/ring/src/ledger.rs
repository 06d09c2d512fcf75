//! Claiming parts of one sequence by many, so that what a claimant had open when it died is found.
//!
//! Producers claim slots by moving the claim sequence, the workers of a shared stage claim events by moving the stage's.
//! A compare-and-swap alone does not tell who made it: of a claimant that is gone nobody would know whether it died
//! before or after. So the *ledger* holds, in one word of 64 bits, the sequence and who moved it last; and each claimant
//! has a cell with what it is about to claim, or has, and with the end of its last claim that somebody else has seen:
//!
//! ```text
//!   ledger      (sequence, last claimant)
//!   open        (start, number) of a claimant; number 0: nothing
//!   confirmed   (end, times): end of the last claim of a claimant that the next one found in the ledger, and how
//!               often this word was written
//!
//!   C1  (at, last) = ledger                              (acquire)
//!   C2  confirmed[last] = (at, times + 1), unless its end is at; by compare-and-swap from what it was while the
//!       ledger said C1
//!   C3  confirmed[me] = (at, times + 1), if its end is at + n
//!       open[me] = (at, n)                               (release)
//!   C4  ledger: (at, last) -> (at + n, me)               (compare-and-swap; back to C1 when it fails)
//!       ... the claim is used, published, finished ...
//!   C5  open[me] = (_, 0)                                (release)
//! ```
//! *What a dead claimant d had open is decided.* Its death is proved, so all its stores are seen. Let `open[d]` be (a, k)
//! with k > 0. If the ledger is (a + k, d), C4 was made: an older claim of d that ended there lies 2^32 back. If it has
//! moved on from there, who moved it had stored the end a + k to `confirmed[d]` before (C2), which is acquired with the
//! ledger. And `confirmed[d]` ends at a + k for no other reason: it did not when d stored `open[d]` (C3), and what is stored
//! there later is the end of a claim that d made, none of which but this one ends there. So: C4 was made if and only if
//! the ledger is (a + k, d) or `confirmed[d]` ends at a + k, looked at in this order.
//!
//! *Why C3 looks at `confirmed[me]`.* Sequences wrap. A claimant that was idle, or that nobody followed, for 2^32 events
//! has an end there which is this one's too, and so has one that never was confirmed, where the first lap ends: for
//! both zero. Dying before C4 it would be taken for one that had claimed, and slots of somebody else's given up.
//!
//! *A confirmation is not undone.* A slow claimant could store an older end over a newer one. It swaps from a word that
//! it read before it found the ledger still at C1; any later write has counted that word up, and it begins again. By
//! the end alone it could not tell: C3 brings ends back.
//!
//! *A failed attempt is no claim.* `open[me]` stays what it was about to be until the next C3, or until the claim is given
//! up: nobody has stored its end under this claimant's name, and nobody will.
//!
//! Nobody waits for anybody, whoever dies: nothing but death itself has to be known. A claimant may die in any step of
//! what it does with its claim, too; `stamps` tells what a death leaves there. Who has died has to be recovered before
//! another takes its cell, and before 2^31 more events are claimed, as everything that compares sequences. A claimant
//! that is *paused*, between C1 and C4, for exactly as long as it takes to claim 2^32 events would find the ledger as
//! it was, and go by an outdated look at the room: as with any ring of 32 bits, that is out of bounds.
//!
//! Where no claimant can die with a claim open, all of them may leave out C2, C3 and C5, and with them what they cost.

use millrace_park::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use millrace_park::sync::seqcst;

/// Two words in one.
#[inline(always)]
const fn pair(low: u32, high: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

#[inline(always)]
const fn halves(pair: u64) -> (u32, u32) {
    (pair as u32, (pair >> 32) as u32)
}

/// A sequence that is claimed, and who claimed last. The sequence is the lower half, which JavaScript reads by itself.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Ledger(AtomicU64);

impl Ledger {
    pub(crate) fn new(sequence: u32) -> Self {
        Self(AtomicU64::new(pair(sequence, 0)))
    }

    /// The sequence behind all claims.
    #[inline(always)]
    pub(crate) fn sequence(&self) -> u32 {
        halves(self.0.load(Acquire)).0
    }

    /// The same in the single order of sequentially consistent accesses.
    #[inline(always)]
    pub(crate) fn sequence_in_order(&self) -> u32 {
        halves(seqcst::load64(&self.0)).0
    }

    /// Claims as many as `fit` says from where the ledger stands, and gives the start: for claimants that leave no trace.
    /// `lost` is called each time that another was faster.
    #[inline(always)]
    pub(crate) fn claim_untraced<E>(
        &self,
        mut fit: impl FnMut(u32) -> Result<u32, E>,
        mut lost: impl FnMut(),
    ) -> Result<u32, E> {
        loop {
            let found = self.0.load(Acquire);
            let start = halves(found).0;
            let end = start.wrapping_add(fit(start)?);
            if self.0.compare_exchange(found, pair(end, 0), Acquire, Relaxed).is_ok() {
                return Ok(start);
            }
            lost();
        }
    }

    /// Claims for `me` as many as `fit` says from where the ledger stands, and gives start and number; `claimants` gives
    /// everyone's cell. The claim is open until it is [finished](Claimant::finish). Nothing is left of one that `fit`
    /// refuses.
    pub(crate) fn claim<'a, E>(
        &self,
        claimants: impl Fn(u32) -> &'a Claimant,
        me: u32,
        mut fit: impl FnMut(u32) -> Result<u32, E>,
    ) -> Result<(u32, u32), E> {
        loop {
            let found = self.0.load(Acquire);
            let n = fit(halves(found).0).inspect_err(|_| claimants(me).finish())?;
            if let Some(attempt) = self.intend(&claimants, me, found, n)
                && self.make(&attempt)
            {
                return Ok((attempt.start, n));
            }
        }
    }

    /// C2 and C3; none when the ledger has moved on.
    fn intend<'a>(&self, claimants: &impl Fn(u32) -> &'a Claimant, me: u32, found: u64, n: u32) -> Option<Attempt> {
        let (start, last) = halves(found);
        let unmoved = || self.0.load(Acquire) == found;
        if last != me && !claimants(last).confirm(|end| end != start, start, unmoved) {
            return None;
        }
        let (own, end) = (claimants(me), start.wrapping_add(n));
        if !own.confirm(|confirmed| confirmed == end, start, unmoved) {
            return None;
        }
        own.open.store(pair(start, n), Release);
        Some(Attempt { found, start, made: pair(end, me) })
    }

    /// C1 to C3 of a claim of `n`, once they succeed, and then nothing more: a death, for models of recovery.
    #[cfg(loom)]
    pub(crate) fn intend_only<'a>(&self, claimants: impl Fn(u32) -> &'a Claimant, me: u32, n: u32) {
        while self.intend(&claimants, me, self.0.load(Acquire), n).is_none() {}
    }

    /// C4.
    fn make(&self, attempt: &Attempt) -> bool {
        seqcst::compare_exchange64(&self.0, attempt.found, attempt.made).is_ok()
    }

    /// Whether claimant `who`, which is dead, had made the claim up to `end` that it has open.
    pub(crate) fn was_made(&self, claimant: &Claimant, who: u32, end: u32) -> bool {
        self.0.load(Acquire) == pair(end, who) || halves(claimant.confirmed.load(Acquire)).0 == end
    }
}

/// A claim about to be made.
struct Attempt {
    found: u64,
    start: u32,
    made: u64,
}

/// What one claimant notes for who has to recover it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Claimant {
    confirmed: AtomicU64,
    /// A single producer in JavaScript notes its claim here as well.
    pub(crate) open: AtomicU64,
}

impl Claimant {
    pub(crate) fn new() -> Self {
        Self { confirmed: AtomicU64::new(0), open: AtomicU64::new(0) }
    }

    /// Writes `end`, if `due` says so of the end that is there; false when it was due and somebody else came first, or
    /// the ledger is not `unmoved` any more.
    #[inline]
    fn confirm(&self, due: impl Fn(u32) -> bool, end: u32, unmoved: impl Fn() -> bool) -> bool {
        let before = self.confirmed.load(Acquire);
        let (found, times) = halves(before);
        if !due(found) {
            return true;
        }
        let after = pair(end, times.wrapping_add(1));
        unmoved() && self.confirmed.compare_exchange(before, after, AcqRel, Relaxed).is_ok()
    }

    /// What it has claimed, or is about to: start and number.
    pub(crate) fn open(&self) -> Option<(u32, u32)> {
        Some(halves(self.open.load(Acquire))).filter(|(_, n)| *n > 0)
    }

    /// The same in the single order of sequentially consistent accesses.
    pub(crate) fn open_in_order(&self) -> Option<(u32, u32)> {
        Some(halves(seqcst::load64(&self.open))).filter(|(_, n)| *n > 0)
    }

    /// C5.
    #[inline]
    pub(crate) fn finish(&self) {
        self.open.store(0, Release);
    }

    /// C5 for a part, or for all when `n` is 0: what is left open begins at `start`. In the single order of sequentially
    /// consistent accesses.
    pub(crate) fn leave_open(&self, start: u32, n: u32) {
        seqcst::store64(&self.open, pair(start, n));
    }
}
