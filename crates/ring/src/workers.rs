//! Sharing a stage's events among workers: each event goes to one of them.
//!
//! Stages behind the stage, and producers, look at its one sequence and know nothing of workers. A worker claims the
//! events of its batch by moving the stage's *ledger* (module `ledger`), and the stage's sequence follows what is
//! finished:
//!
//! ```text
//!     stage's sequence        ledger          upstream
//!            |                   |                |
//!   ... done [ w1  ][done][ w0  ][ ready          ][ not published
//!
//!   claim    K1  limit = slowest upstream, n = a fair share of what lies between ledger and limit
//!            K2  open[c] = (ledger, n); ledger += n          (C3 and C4 of `ledger`; again while others are faster)
//!   finish   F1  open[c] = what is left of the batch         (SeqCst)
//!            F2  v = ledger                                  (SeqCst)
//!            F3  for every x: v = min(v, start of open[x])   (SeqCst)
//!            F4  sequence = v, unless it is there already    (SeqCst, compare-and-swap), and wake
//! ```
//! *The sequence never passes an event in hand.* Say e was claimed by C4 and is not finished. If C4 came after F2, e lies
//! at v or behind it. If it came before, F2 acquired the ledger behind C4, and with it the note of C3: what F3 reads of
//! that cell is this note, or a later one of the same claim, which begins at e or earlier. Were the ledger read behind
//! the cells, or the note made behind the claim, F3 could miss it.
//!
//! *Nobody's finish is left behind.* Let all that was claimed be finished. The last F1 in the single order of SeqCst
//! accesses comes behind every C4 and every other F1, so the F2 and F3 after it see the whole ledger and no open cell.
//! An attempt at a claim leaves a note too: whoever looks meanwhile stops there. So a claimant whose first attempt was
//! not its last does F1 to F4 itself, with what it has by then, or nothing.
//!
//! *Who sees the sequence sees what all workers wrote.* For every event that F3 let pass, it acquired a note that the
//! event's worker made after it.
//!
//! # Cells and their holders
//! The open claim lies in the claimant of a worker's seat, but a claim does not move when it changes hands: the evidence
//! that it was made (`ledger`) is the cell's. So a cell has a *holder*, the seat of the worker that uses it, normally the
//! cell's own:
//!
//! ```text
//!   free     holder 0, nothing open     taken (compare-and-swap) by a worker without a cell
//!   held     holder w                   w claims, hands out, finishes
//!   orphan   holder 0, a claim open     w ended, closed, or left its batch; taken by the next that looks
//! ```
//! Whoever looks for events takes an orphan first. It lets its own cell go *before* it tries: so nobody ever holds two, of
//! as many cells as there can be workers one is always free for who has none, and a worker that is opened in place of a
//! dead one finds a seat at once. Who ends a worker decides whether the claim in its cell was made, and clears it if
//! not: an orphan is always a real one. Then everyone else is woken: nobody else may be left to take it.
//!
//! Events of an orphan come again in part: from the last that was released. While a ring is failed, orphans are left
//! alone, because what failed it would come again.
//!
//! # The end
//! A worker ends when nothing more is to come and the stage's *sequence* has reached the end, not earlier: until then a
//! batch of another may become an orphan. So in a ring that closes workers wait for the stage's own cell too.
//!
//! # Numbers
//! Sequences wrap at 2^32; the counter of wraps beside the sequence is written by whoever moved it, a little later, and
//! would be wrong in between. What users see is counted by *halves*: runs of 2^31 sequences that the ledger has begun.
//! Their lowest bit is the ledger's highest, or they are one behind: claimants make it good before their batch can be
//! finished, and the ring is too small for a whole half to be unfinished. So ledger and halves, read together, tell the
//! exact number, whoever is slow.

use crate::layout::{Cell, FAILED};
use crate::memory::{Memory, View};
use crate::place::take_worker;
use crate::producer_seat::check_owner;
use crate::ring::OpenError;
use crate::seats::Seats;
use crate::sequence::{count, distance, slowest, wake};
use crate::stamps::Skips;
use millrace_park::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use millrace_park::sync::seqcst;
/// A word among a slot's bytes, which loom knows nothing of.
use std::sync::atomic::AtomicU32 as Shared;

/// The workers of one stage.
#[derive(Clone, Copy)]
pub(crate) struct Workers<'a> {
    view: &'a View<'a>,
    /// The stage's cell, with sequence and ledger.
    pub(crate) stage: &'a Cell,
    upstream: u32,
    /// The seats, each with a cell for claims.
    first: u32,
    cells: &'a [Cell],
}

impl<'a> Workers<'a> {
    /// Those of a stage that is shared.
    pub(crate) fn of_stage(view: &'a View<'a>, stage: u32) -> Option<Self> {
        let (first, number) = *view.geometry.workers.get(stage as usize).filter(|(_, number)| *number > 0)?;
        Some(Self {
            view,
            stage: &view.stages[stage as usize],
            upstream: view.geometry.upstream[stage as usize],
            first,
            cells: &view.stages[first as usize..(first + number) as usize],
        })
    }

    /// Those to whom a seat belongs.
    fn of_seat(view: &'a View<'a>, seat: u32) -> Option<Self> {
        let has = |(first, number): &(u32, u32)| (*first..first + number).contains(&seat);
        let stage = view.geometry.workers.iter().position(has)?;
        Self::of_stage(view, stage as u32)
    }

    /// The bits of their seats.
    pub(crate) fn bits(&self) -> u32 {
        (((1u64 << self.cells.len()) - 1) << self.first) as u32
    }

    pub(crate) fn seat(&self, seat: u32) -> &'a Cell {
        &self.cells[(seat - self.first) as usize]
    }

    /// Takes a seat for `owner`.
    pub(crate) fn take(&self, owner: u32) -> Result<u32, OpenError> {
        check_owner(owner);
        let free = |cell: &Cell| cell.owner.compare_exchange(0, owner, AcqRel, Relaxed).is_ok();
        let at = self.cells.iter().position(free).ok_or(OpenError::Taken)?;
        Ok(self.first + at as u32)
    }

    /// True when there is something to claim, or was a moment ago.
    pub(crate) fn pending(&self) -> bool {
        let ready = || distance(self.stage.ledger.sequence_in_order(), slowest(self.view, self.upstream).1) > 0;
        ready() || (!self.failed() && self.cells.iter().any(|cell| Self::lies_free(cell, true)))
    }

    fn failed(&self) -> bool {
        self.view.header.state.load(Acquire) == FAILED
    }

    /// Whether nobody holds a cell, and an orphan is in it, or nothing is.
    fn lies_free(cell: &Cell, orphan: bool) -> bool {
        seqcst::load(&cell.holder) == 0 && cell.claimant.open().is_some() == orphan
    }

    /// A batch for the worker in `seat`, which has none in hand: start and number. It is what another left, or at most
    /// `most` places and a fair share of what is ready. `moved` is told when the stage's sequence has moved on.
    ///
    /// In a ring that failed, the first time it gives none is the last.
    pub(crate) fn claim(&self, seat: u32, most: u32, skips: &mut Skips, mut moved: impl FnMut()) -> Option<(u32, u32)> {
        let cell = self.hold(seat)?;
        let claimants = |at: u32| &self.cells[(at as usize).min(self.cells.len() - 1)].claimant;
        let claimant = &self.cells[cell].claimant;
        if let Some(orphan) = claimant.open() {
            return Some(orphan);
        }
        loop {
            let (mut attempts, mut given_up) = (0, false);
            let mut looked = *skips;
            let claimed = self.stage.ledger.claim(claimants, cell as u32, |start| {
                attempts += 1;
                let ready = distance(start, slowest(self.view, self.upstream).1).max(0).cast_unsigned();
                // Anew from what was known before: slots that an attempt in vain would have passed over lie ahead still.
                looked = *skips;
                let (over, ready) = self.clip(start, ready, &mut looked);
                given_up = over > 0;
                let n = if given_up { over } else { self.share(start, ready, most) };
                if n > 0 { Ok(n) } else { Err(()) }
            });
            if claimed.is_ok() {
                *skips = looked;
                self.note_half();
            }
            let (start, n) = claimed.unwrap_or_default();
            if given_up || attempts > 1 {
                claimant.leave_open(start, if given_up { 0 } else { n });
                if self.advance() {
                    moved();
                }
            }
            if claimed.is_err() {
                return None;
            }
            if !given_up {
                return Some((start, n));
            }
        }
    }

    /// Of the slots that are ready, those that producers gave up, and how many to consume behind them.
    fn clip(&self, start: u32, ready: u32, skips: &mut Skips) -> (u32, u32) {
        if self.view.geometry.multi { skips.clip(self.view, start, ready) } else { (0, ready) }
    }

    /// A cell for the worker in `seat`: with an orphan, if there is any, or the one that it holds, or a free one. None
    /// in a failed ring that has nothing but orphans.
    fn hold(&self, seat: u32) -> Option<usize> {
        loop {
            let failed = self.failed();
            let lies_free = |orphan| self.from(seat).find(|at| Self::lies_free(&self.cells[*at], orphan));
            let orphan = if failed { None } else { lies_free(true) };
            let held = self.held(seat);
            if orphan.is_none() && held.is_some() {
                return held;
            }
            if let Some(held) = held {
                self.cells[held].holder.store(0, Release);
            }
            match orphan.or_else(|| lies_free(false)) {
                Some(at) => {
                    let holder = &self.cells[at].holder;
                    if holder.compare_exchange(0, seat + 1, AcqRel, Relaxed).is_err() {
                        continue;
                    }
                    // Left to lie by another since the look: in a failed ring that is what failed it, or may be.
                    if failed && self.cells[at].claimant.open().is_some() {
                        holder.store(0, Release);
                        continue;
                    }
                    return Some(at);
                }
                None if failed => return None,
                // Others let go before they take: look again.
                None => std::hint::spin_loop(),
            }
        }
    }

    /// The cell that a worker holds; its own is looked at first.
    fn held(&self, seat: u32) -> Option<usize> {
        self.from(seat).find(|at| self.cells[*at].holder.load(Relaxed) == seat + 1)
    }

    /// All cells, a worker's own first.
    fn from(&self, seat: u32) -> impl Iterator<Item = usize> + use<> {
        let (own, number) = ((seat - self.first) as usize, self.cells.len());
        (0..number).map(move |at| (own + at) % number)
    }

    /// Of what is ready from `start` on, as much as every worker gets when all are as fast.
    fn share(&self, start: u32, ready: u32, most: u32) -> u32 {
        let open = self.cells.iter().filter(|cell| cell.owner.load(Relaxed) != 0).count().max(1);
        let share = ready.div_ceil(open as u32).min(most);
        if self.view.geometry.fields.is_some() { self.whole_records(start, ready, share) } else { share }
    }

    /// The granules of whole records from `start` on, `share` or as few more as there must be.
    fn whole_records(&self, start: u32, ready: u32, share: u32) -> u32 {
        let capacity = self.view.geometry.capacity;
        let mut n = 0;
        while n < share {
            let sequence = start.wrapping_add(n);
            // SAFETY: a granule is longer than two words, and word-aligned. It may be written meanwhile, when the ledger has
            // moved on: then the claim fails, and what was read here is not used.
            let [_, granules] = unsafe { self.view.slot(sequence).cast::<[Shared; 2]>().as_ref() };
            let left = capacity - (sequence & (capacity - 1));
            n += granules.load(Relaxed).clamp(1, left.min(ready - n));
        }
        n
    }

    /// Finishes everything before `sequence` of what the worker in `seat` has in hand.
    pub(crate) fn finish(&self, seat: u32, sequence: u32, mut moved: impl FnMut()) {
        let Some(claimant) = self.held(seat).map(|at| &self.cells[at].claimant) else { return };
        let Some((start, n)) = claimant.open() else { return };
        let passed = sequence.wrapping_sub(start);
        if passed == 0 || passed > n {
            return;
        }
        claimant.leave_open(sequence, n - passed);
        if self.advance() {
            moved();
        }
    }

    /// F2 to F4: brings the stage to the first event that is not finished. True when it has moved.
    fn advance(&self) -> bool {
        let mut to = self.stage.ledger.sequence_in_order();
        for cell in self.cells {
            if let Some((start, _)) = cell.claimant.open_in_order()
                && distance(start, to) > 0
            {
                to = start;
            }
        }
        let mut at = seqcst::load(&self.stage.value);
        while distance(at, to) > 0 {
            match seqcst::compare_exchange(&self.stage.value, at, to) {
                Ok(_) => {
                    if to < at {
                        self.stage.wraps.fetch_add(1, Relaxed);
                    }
                    return true;
                }
                Err(found) => at = found,
            }
        }
        false
    }

    /// Lets the cell of a worker go; what it has in hand becomes an orphan. True when it had something.
    pub(crate) fn let_go(&self, seat: u32, mut moved: impl FnMut()) -> bool {
        let Some(at) = self.held(seat) else { return false };
        let claimant = &self.cells[at].claimant;
        let made = |(start, n): (u32, u32)| self.stage.ledger.was_made(claimant, at as u32, start.wrapping_add(n));
        let left = claimant.open().is_some_and(made);
        if !left {
            claimant.leave_open(0, 0);
        }
        seqcst::store(&self.cells[at].holder, 0);
        if self.advance() {
            moved();
        }
        left
    }

    /// [`let_go`](Self::let_go) for a worker that ends, if `seat` is one's; wakes the others for what it leaves.
    pub(crate) fn give_up(memory: &Memory, view: &View<'_>, seat: u32) {
        if let Some(workers) = Workers::of_seat(view, seat)
            && workers.let_go(seat, || wake(memory, workers.stage, workers.seat(seat)))
        {
            memory.consumers().wake(workers.bits());
        }
    }

    /// After a claim: the halves that the ledger has begun, if this claim began one.
    fn note_half(&self) {
        let (halves, begun, _) = self.halves();
        if halves != begun {
            // Or another has noted it.
            let _ = self.stage.halves.compare_exchange(halves, begun, AcqRel, Relaxed);
        }
    }

    /// Halves as they are noted, as they are, and the ledger's sequence.
    fn halves(&self) -> (u32, u32, u32) {
        loop {
            let sequence = self.stage.ledger.sequence();
            let noted = self.stage.halves.load(Acquire);
            if self.stage.ledger.sequence() == sequence {
                return (noted, noted.wrapping_add((noted ^ (sequence >> 31)) & 1), sequence);
            }
        }
    }

    /// The exact number of a sequence that is in the ring.
    pub(crate) fn number(&self, sequence: u32) -> u64 {
        let (_, half, ledger) = self.halves();
        let claimed = (u64::from(half) << 31) | u64::from(ledger & (u32::MAX >> 1));
        claimed.wrapping_add_signed(i64::from(distance(ledger, sequence)))
    }
}

/// A worker goes by its seat.
impl Seats {
    /// Takes the seat of a worker of a stage.
    ///
    /// # Errors
    /// [`OpenError::Taken`] when all are taken, [`OpenError::Shared`] when the stage has no workers,
    /// [`OpenError::Stage`], [`OpenError::Gone`].
    ///
    /// # Panics
    /// When `owner` is 0.
    pub fn take_worker(&self, stage: u32, owner: u32) -> Result<u32, OpenError> {
        take_worker(&*self.memory.enter().ok_or(OpenError::Gone)?, stage, owner)
    }

    /// Takes a batch for a worker that has none in hand, of its fair share of what is ready and at most `most` places,
    /// or what another worker left: start, which is left in the worker's cell too, and number.
    pub fn claim_work(&self, seat: u32, most: u32) -> Option<(u32, u32)> {
        let view = self.memory.enter()?;
        let workers = Workers::of_seat(&view, seat)?;
        let moved = || wake(&self.memory, workers.stage, workers.seat(seat));
        let (start, n) = workers.claim(seat, most, &mut Skips::nothing_yet(), moved)?;
        workers.seat(seat).value.store(start, Relaxed);
        Some((start, n))
    }

    /// Releases what the worker has in hand before `sequence`.
    pub fn finish_work(&self, seat: u32, sequence: u32) {
        let Some(view) = self.memory.enter() else { return };
        let Some(workers) = Workers::of_seat(&view, seat) else { return };
        count(&workers.seat(seat).batches, 1);
        workers.finish(seat, sequence, || wake(&self.memory, workers.stage, workers.seat(seat)));
    }

    /// Leaves what the worker has in hand to whoever comes first.
    pub fn hand_back_work(&self, seat: u32) {
        if let Some(view) = self.memory.enter() {
            Workers::give_up(&self.memory, &view, seat);
        }
    }

    /// Notes what a worker of the first stage is about to claim and does not claim it: it is about to die.
    #[cfg(loom)]
    pub fn intend_work(&self, seat: u32, n: u32) {
        let Some(view) = self.memory.enter() else { return };
        let Some(workers) = Workers::of_seat(&view, seat) else { return };
        let Some(cell) = workers.hold(seat) else { return };
        workers.stage.ledger.intend_only(|at| &workers.cells[at as usize].claimant, cell as u32, n);
    }
}
