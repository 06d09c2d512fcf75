//! Stages that join a ring and leave it while events flow.
//!
//! A stage that joins holds the producers back like the last stages of the graph: it takes a free seat, a cell behind
//! those of the declared stages and of workers, and sets its bit in `sinks`. Producers learn of it at their next look
//! for room; until then they go by an older look. So the question is where it may begin, such that no slot from there
//! on is overwritten, whatever any producer has seen so far.
//!
//! ```text
//!   joiner                                           producer that looks for room
//!   J1  value = slowest declared sink     (SeqCst)   P1  mask = sinks                              (SeqCst)
//!   J2  sinks |= my bit                   (SeqCst)   P2  the declared sinks of mask, then those
//!   J3  closed? take it back, refuse      (SeqCst)       that joined: the slowest is the gate      (SeqCst)
//!   J4  first = slowest declared sink,               P3  sinks == mask ?  no: back to P1           (SeqCst)
//!       or slowest of whom I follow       (SeqCst)   P4  claim up to gate + capacity
//!   J5  value = first, wake who found J1  (SeqCst)
//! ```
//! *No gate passes a stage that joined.* What is not a last stage has passed what last stages have, so `first` of J4 is
//! never behind the slowest declared sink as J4 finds it; and sequences only grow. Take a gate, and a stage that had
//! joined when P3 was made and is still there.
//! - P2's last look at a declared sink comes before J2 in the single order of SeqCst accesses. Then all of them come
//!   before J4, and the gate, their minimum at most, is not ahead of `first`.
//! - It comes behind J2. If the stage's bit is in `mask`, its cell was looked at after that, and has J1's value or a
//!   later one of this same tenant: the gate is not ahead of it. If the bit is not in `mask`, P3 comes behind J2 too,
//!   finds another mask, and the gate is thrown away.
//!
//! The first case holds for every gate that was ever found before: those in producers' own limits and in the claim
//! cell. The second is why declared sinks have the lower seats and are looked at first. Otherwise a seat that changes
//! its tenant between P1 and P3, so that the mask is the same again, could show the old tenant's sequence beside
//! declared ones of a later moment, and the new tenant would be run over. It is also why `Oldest` begins at the slowest
//! *declared* sink: other stages that joined may be further behind, but they leave, and what only they hold back is
//! nobody's promise.
//!
//! J1's value may be far behind by J2: producers wait a moment longer. It must not be 2^31 events behind: joiners are not
//! held up that long between two instructions.
//!
//! # Leaving
//! ```text
//!   L1  sinks &= !my bit                  (SeqCst)   A1  arm on the slowest sink                   (SeqCst)
//!   L2  take who is armed here, wake them (SeqCst)   A2  look again; the same one? sleep           (SeqCst)
//!   L3  seat is free                      (release)
//! ```
//! The sleepers' handshake, with the mask in place of the sequence: L2 finds the producer, or A2 finds that this stage
//! is no sink any more and arms on another. Who closed the ring and waits for all to drain is armed and woken the same
//! way. A seat's next tenant may still be woken for the former one, as every waiter may be woken in vain; wakers, name,
//! counters and sequence are set anew.
//!
//! A stage that joined ends with its consumer, its thread or its thread's attachment, unlike a declared one, which waits
//! for who opens it next: nobody knows its name elsewhere, and its bit would hold the producers back for ever.
//!
//! # A join that meets a close
//! J2 and J3 against the close's store of the state and its looks at `joined`, which is set before `sinks`. Either J3
//! finds the ring closed, and the join is refused and undone; or the close finds the stage, and waits for it as for
//! declared ones. Stages that joined end where the others end: what ends a stage depends on the producers only.
//!
//! # Names
//! A name lies in the seat's cell, so that every thread can tell who is there. That it is nobody else's is decided under
//! a lock, the word `joining`. A lock whose holder dies would stay for ever, but threads die in JavaScript, not in the
//! middle of a native call, and joins are native calls. It is held for less than a microsecond, but where a join meets the
//! wrap of a sequence, once in 2^32 events: then for as long as who wraps it takes between two instructions, and no
//! longer than [`MOST_LOOKS`] yields take.
//! Readers take no lock: `joins` grows when a seat is taken and before its name is written, so what was read between
//! two equal looks at `joins` is of the stages whose bits were set.

use crate::graph::{all_upstream, sinks};
use crate::layout::{Cell, NAME_BYTES, OPEN};
use crate::memory::{Memory, View};
use crate::producer_seat::check_owner;
use crate::sequence::{distance, position, release, slowest, wake};
use crate::workers::Workers;
use millrace_park::sync::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use millrace_park::sync::{seqcst, thread};
use std::fmt;
use std::ops::Range;

/// Where a stage that joins begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinFrom {
    /// At the next event that those it follows will have done: what is published already is not for it, or only what
    /// they have not done yet.
    Now,
    /// At the oldest event that a declared stage has not done: everything that is certain to be there still.
    Oldest,
}

/// Why a stage could not join. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinError {
    /// The ring takes no more events.
    Closed,
    /// All seats for stages that join are taken; there are so many.
    Full(u32),
    /// A declared stage, or one that has joined, has this name.
    Taken(String),
    /// Not from 1 to 48 bytes, or with a zero among them.
    Name(String),
    /// No declared stage has this name: stages that joined are not followed.
    After(String),
    /// Typed rings: this stage is open exclusively, and the new one would have events at the same time.
    Exclusive(String),
    /// Records were asked of a ring of events, or the other way round.
    Kind,
    /// The ring's memory is gone.
    Gone,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => write!(f, "the ring takes no more events"),
            Self::Full(0) => write!(f, "this ring has no seat for stages that join: make it with more consumers"),
            Self::Full(seats) => write!(
                f,
                "all {seats} seats for stages that join are taken: have one leave, or make the ring with more consumers"
            ),
            Self::Taken(name) => write!(f, "there is a stage named '{name}' already"),
            Self::Name(name) => {
                write!(f, "'{name}' is no name for a stage: allowed are 1 to {NAME_BYTES} bytes, no zeros")
            }
            Self::After(name) => write!(f, "there is no declared stage '{name}' to follow"),
            Self::Exclusive(name) => {
                write!(f, "stage '{name}' changes its events and would have them at the same time: follow it")
            }
            Self::Kind => write!(f, "this is another kind of ring"),
            Self::Gone => write!(f, "the ring's memory is gone"),
        }
    }
}

impl std::error::Error for JoinError {}

/// Who wants to join.
pub(crate) struct Guest<'a> {
    pub(crate) name: &'a str,
    /// Whom it follows: a bit a declared stage, or the cursor's.
    pub(crate) upstream: u32,
    pub(crate) from: JoinFrom,
    pub(crate) owner: u32,
}

/// Held by one who joins, or who opens a stage that minds others beside it.
pub(crate) struct Joining<'a>(&'a AtomicU32);

impl<'a> Joining<'a> {
    pub(crate) fn begin(view: &View<'a>) -> Self {
        let word = &view.header.joining;
        while word.compare_exchange(0, 1, AcqRel, Relaxed).is_err() {
            thread::yield_now();
        }
        Self(word)
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        self.0.store(0, Release);
    }
}

/// The seats of stages that join: behind those of stages and of workers.
pub(crate) fn seats(view: &View<'_>) -> Range<u32> {
    let workers: u32 = view.geometry.workers.iter().map(|(_, number)| number).sum();
    view.geometry.upstream.len() as u32 + workers..view.geometry.seats
}

/// Refuses the name of a declared stage.
pub(crate) fn check_declared(declared: &[String], name: &str) -> Result<(), JoinError> {
    if declared.iter().any(|known| known == name) { Err(JoinError::Taken(name.into())) } else { Ok(()) }
}

/// Joins, and gives the seat. `may` has the last word before anything is done, and sees no other join meanwhile.
pub(crate) fn join(
    memory: &Memory,
    view: &View<'_>,
    guest: &Guest<'_>,
    may: impl FnOnce() -> Result<(), JoinError>,
) -> Result<u32, JoinError> {
    let Guest { name, upstream, from, owner } = *guest;
    if !(1..=NAME_BYTES).contains(&name.len()) || name.contains('\0') {
        return Err(JoinError::Name(name.into()));
    }
    check_owner(owner);
    let _alone = Joining::begin(view);
    let closed = || seqcst::load(&view.header.state) != OPEN;
    if closed() {
        return Err(JoinError::Closed);
    }
    if joined(view).any(|seat| read_name(&view.stages[seat as usize]) == name) {
        return Err(JoinError::Taken(name.into()));
    }
    may()?;
    let mut seats = seats(view);
    let all = seats.len() as u32;
    let free = |seat: &u32| view.stages[*seat as usize].owner.compare_exchange(0, owner, AcqRel, Relaxed).is_ok();
    let seat = seats.find(free).ok_or(JoinError::Full(all))?;
    let cell = &view.stages[seat as usize];
    let number = view.header.joins.fetch_add(1, AcqRel).wrapping_add(1);

    // J1
    let declared = sinks(&view.geometry.upstream);
    let (_, oldest) = slowest(view, declared);
    furnish(cell, name, exact_wraps(view, oldest), number);
    view.header.upstream[seat as usize].store(upstream, Relaxed);
    seqcst::store(&cell.value, oldest);
    // J2
    seqcst::or(&view.header.joined, 1 << seat);
    seqcst::or(&view.header.sinks, 1 << seat);
    // J3
    if closed() {
        leave(memory, view, seat);
        return Err(JoinError::Closed);
    }
    // J4 and J5
    let holds = match from {
        JoinFrom::Oldest => declared,
        JoinFrom::Now => upstream,
    };
    let (_, first) = slowest(view, holds);
    if first != oldest {
        release(memory, cell, first);
    }
    Ok(seat)
}

/// Frees the seat of a consumer: a declared stage waits for who opens it next, one that joined leaves.
pub(crate) fn vacate(memory: &Memory, view: &View<'_>, seat: u32) {
    if joined(view).any(|other| other == seat) {
        leave(memory, view, seat);
    } else {
        memory.consumers().clear(seat);
        view.stages[seat as usize].owner.store(0, Release);
    }
}

/// L1 to L3.
fn leave(memory: &Memory, view: &View<'_>, seat: u32) {
    memory.consumers().clear(seat);
    let cell = &view.stages[seat as usize];
    seqcst::and(&view.header.sinks, !(1 << seat));
    seqcst::and(&view.header.joined, !(1 << seat));
    wake(memory, cell, cell);
    view.cursor.consumers.disarm(seat);
    view.stages[..view.geometry.upstream.len()].iter().for_each(|stage| stage.consumers.disarm(seat));
    cell.owner.store(0, Release);
}

/// Makes a cell its new tenant's, but for its sequence. `number` tells this tenant from a later one of the same name.
fn furnish(cell: &Cell, name: &str, wraps: u32, number: u32) {
    for counter in [&cell.made, &cell.elided, &cell.batches, &cell.waits, &cell.skipped, &cell.retries] {
        counter.store(0, Relaxed);
    }
    cell.wraps.store(wraps, Relaxed);
    cell.halves.store(number, Relaxed);
    let mut bytes = [0; NAME_BYTES];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    let (words, _) = bytes.as_chunks::<4>();
    for (to, word) in cell.name.iter().zip(words) {
        to.store(u32::from_ne_bytes(*word), Release);
    }
}

/// The name of a stage, declared or joined. Declared ones of a ring that JavaScript laid out go by number.
pub(crate) fn stage_name(memory: &Memory, view: &View<'_>, stage: u32) -> String {
    let is_declared = (stage as usize) < view.geometry.upstream.len();
    let unnamed = || if is_declared { stage.to_string() } else { read_name(&view.stages[stage as usize]) };
    memory.names.get(stage as usize).cloned().unwrap_or_else(unnamed)
}

fn read_name(cell: &Cell) -> String {
    let bytes: Vec<u8> = cell.name.iter().flat_map(|word| word.load(Acquire).to_ne_bytes()).collect();
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').into()
}

/// The seats of stages that have joined.
fn joined(view: &View<'_>) -> impl Iterator<Item = u32> + use<> {
    let mask = seqcst::load(&view.header.joined);
    seats(view).filter(move |seat| mask & 1 << seat != 0)
}

/// What `read` makes of each stage that has joined, by its name and its cell; no seat changed its tenant meanwhile.
pub(crate) fn read_joined<T>(view: &View<'_>, read: impl Fn(String, &Cell) -> T) -> Vec<T> {
    loop {
        let joins = seqcst::load(&view.header.joins);
        let cells = joined(view).map(|seat| &view.stages[seat as usize]);
        let all = cells.map(|cell| read(read_name(cell), cell)).collect();
        if seqcst::load(&view.header.joins) == joins {
            return all;
        }
    }
}

/// A stage that joined and that may have an event at the same time as declared stage `stage`. Good while nobody joins.
pub(crate) fn joined_beside(view: &View<'_>, stage: usize) -> Option<String> {
    let beside = |seat: &u32| {
        let upstream = view.header.upstream[*seat as usize].load(Relaxed);
        all_upstream(&view.geometry.upstream, upstream) & 1 << stage == 0
    };
    joined(view).find(beside).map(|seat| read_name(&view.stages[seat as usize]))
}

/// Looks for a cursor and a stage that agree: far more than it takes for whoever is wrapping one of them to go on.
const MOST_LOOKS: u32 = 10_000;

/// How often `sequence`, which is in the ring, has wrapped.
///
/// Writers count a wrap beside the sequence that wraps, not with it, so for a few instructions the two together say 2^32
/// too much or too little. A stage's one consumer counts first, so what it says is right or too much, and too much only
/// once the cursor has wrapped, when that is right or says too little: where they agree, both are right. Workers count
/// behind, as many producers do: both could say too little for as long as somebody is slow. They have a counter that is
/// never in between.
///
/// A writer that stands still between the two for all of [`MOST_LOOKS`] leaves the new stage's number 2^32 off, until it
/// leaves. It is for users to see; nothing is decided by it.
pub(crate) fn exact_wraps(view: &View<'_>, sequence: u32) -> u32 {
    if let Some(workers) = Workers::of_stage(view, 0) {
        return (workers.number(sequence) >> 32) as u32;
    }
    let mut stage = 0;
    for _ in 0..MOST_LOOKS {
        stage = position(&view.stages[0]);
        if position(view.cursor).abs_diff(stage) < 1 << 31 {
            break;
        }
        thread::yield_now();
    }
    let exact = stage.wrapping_add_signed(i64::from(distance(stage as u32, sequence)));
    (exact >> 32) as u32
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Guest, JoinFrom, join};
    use crate::layout::CURSOR;
    use crate::sequence::position;
    use crate::{Config, Ring, Seats};
    use millrace_park::sync::atomic::Ordering::Relaxed;

    /// As of when the cursor and the stage have wrapped, and whoever moved them has not counted it yet.
    #[test]
    fn a_join_knows_its_number_while_those_who_wrapped_have_not_counted_it() {
        for shared in [false, true] {
            let config = Config::new(4, 4).multi(1).start(u32::MAX).max_consumers(2);
            let config = if shared { config.workers("work", &[], 1) } else { config.stage("work", &[]) };
            // SAFETY: seats are used by this test alone, in turn.
            let ring = unsafe { Seats::of(Ring::create(config).unwrap()) };
            let out = ring.take_producer(1).unwrap();
            assert_eq!(ring.publish_copied(out, &[0; 8], 2), Ok(2));
            if shared {
                let worker = ring.take_worker(0, 1).unwrap();
                assert_eq!(ring.claim_work(worker, 2), Some((u32::MAX, 2)));
                ring.finish_work(worker, 1);
            } else {
                ring.consumer_at(0, 1).unwrap().poll(2, |_, _, _| ()).unwrap();
            }
            let view = ring.memory.enter().unwrap();
            assert_eq!(position(view.cursor), (1 << 32) + 1);
            view.cursor.wraps.store(0, Relaxed);
            if shared {
                view.stages[0].wraps.store(0, Relaxed);
            }
            let guest = Guest { name: "watch", upstream: CURSOR, from: JoinFrom::Now, owner: 1 };
            let seat = join(&ring.memory, &view, &guest, || Ok(())).unwrap();
            assert_eq!(position(&view.stages[seat as usize]), (1 << 32) + 1, "shared: {shared}");
        }
    }
}
