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
//!   confirmed   end of the last claim of a claimant that the next one found in the ledger
//!
//!   C1  (at, last) = ledger                              (acquire)
//!   C2  confirmed[last] = at, unless it is; by compare-and-swap from what it was while the ledger said C1
//!   C3  open[me] = (at, n)                               (release)
//!   C4  ledger: (at, last) -> (at + n, me)               (compare-and-swap; back to C1 when it fails)
//!       ... the claim is used, published, finished ...
//!   C5  open[me] = (_, 0)                                (release)
//! ```
//! *What a dead claimant d had open is decided.* Its death is proved, so all its stores are seen. Let open[d] be (a, k)
//! with k > 0. If the ledger is (a + k, d), C4 was made. If it has moved on from there, who moved it had stored
//! confirmed[d] = a + k before (C2), which is acquired with the ledger. No other claim of d ends at a + k, as its claims
//! end ever later. So: C4 was made if and only if the ledger is (a + k, d) or confirmed[d] is a + k, looked at in this
//! order.
//!
//! *A confirmation is not undone.* A slow claimant could store an older end over a newer one. It swaps from a value that
//! it read before it found the ledger still at C1; any later confirmation has changed that value, and it begins again.
//!
//! Nobody waits for anybody, whoever dies: nothing but death itself has to be known. Where no claimant can die with a
//! claim open, all of them may leave out C2, C3 and C5, and with them what they cost.

use millrace_park::sync::atomic::{
    AtomicU32, AtomicU64,
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
        let confirmed = &claimants(last).confirmed;
        let before = confirmed.load(Acquire);
        if last != me && before != start {
            let moved = || self.0.load(Acquire) != found;
            if moved() || confirmed.compare_exchange(before, start, AcqRel, Relaxed).is_err() {
                return None;
            }
        }
        claimants(me).open.store(pair(start, n), Release);
        Some(Attempt { found, start, made: pair(start.wrapping_add(n), me) })
    }

    /// C4.
    fn make(&self, attempt: &Attempt) -> bool {
        seqcst::compare_exchange64(&self.0, attempt.found, attempt.made).is_ok()
    }

    /// What claimant `who`, which is dead, has open: start and number.
    pub(crate) fn left_open(&self, claimant: &Claimant, who: u32) -> Option<(u32, u32)> {
        let (start, n) = claimant.open()?;
        let end = start.wrapping_add(n);
        let made = self.0.load(Acquire) == pair(end, who) || claimant.confirmed.load(Acquire) == end;
        made.then_some((start, n))
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
    confirmed: AtomicU32,
    room: AtomicU32,
    open: AtomicU64,
}

impl Claimant {
    pub(crate) fn new() -> Self {
        Self { confirmed: AtomicU32::new(0), room: AtomicU32::new(0), open: AtomicU64::new(0) }
    }

    /// What it has claimed, or is about to: start and number.
    pub(crate) fn open(&self) -> Option<(u32, u32)> {
        Some(halves(self.open.load(Acquire))).filter(|(_, n)| *n > 0)
    }

    /// C5.
    #[inline]
    pub(crate) fn finish(&self) {
        self.open.store(0, Release);
    }
}
