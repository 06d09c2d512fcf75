//! The one layout of a ring in shared memory. TypeScript holds the same numbers, and a test compares them.
//!
//! ```text
//!   0                header, 512 bytes: 128 words, see `Header`
//!   512              cursor cell: events up to here are published
//!   640              claim cell: events up to here are claimed (multi-producer rings)
//!   768              a cell a consumer's seat: first the stages, then workers of shared stages, then seats for stages
//!                    that join; events before its value are consumed by it
//!   ...              a cell a producer: who it is, what it counted
//!   stamps           multi-producer rings: a stamp a slot, then a count a slot (4 bytes each)
//!   slots            capacity slots of `stride` bytes
//! ```
//! A cell is 128 bytes long, and what is written often lies in its first 64: so two cells never share a line that is
//! written often, wherever the block begins.

use crate::ledger::{Claimant, Ledger};
use millrace_park::Sleepers;
use millrace_park::sync::atomic::AtomicU32;
use std::mem::{offset_of, size_of};

/// First word of every shared object: "MLRC".
pub const MAGIC: u32 = 0x4d4c_5243;
/// Layouts of another version are refused.
pub const VERSION: u32 = 2;
/// Most slots a ring may have: sequences are 32 bits and compared by their difference.
pub const MAX_CAPACITY: u32 = 1 << 30;
/// Most stages, or seats of consumers: one bit of an upstream mask each, the last bit is the cursor.
pub const MAX_STAGES: u32 = 31;
/// Most producers: one bit of a sleepers word each.
pub const MAX_PRODUCERS: u32 = 32;
/// The bit of an upstream mask that stands for the producers' cursor.
pub const CURSOR: u32 = 1 << 31;
/// Bytes of a byte ring's slot. A record takes one or more.
pub const GRANULE: u32 = 32;
/// Most bytes a byte ring may have: a record's length has 32 bits.
pub const MAX_BYTES: u32 = 1 << 30;
/// Most bytes of the name of a stage that joins: what is left of its cell.
pub const NAME_BYTES: usize = 48;
/// Seats for stages that join, unless said otherwise.
pub const DEFAULT_GUESTS: u32 = 8;
/// Most bytes of a record's header fields.
pub const MAX_FIELDS: u32 = 1 << 16;
/// Length word of a record that fills the end of the ring, or that was given up: skip it.
pub const PADDING: u32 = u32::MAX;
/// Bytes before a record's header fields: its length and its granules.
pub const RECORD_PREFIX: u32 = 8;

/// What every shared object begins with, and what a ring adds.
#[derive(Debug)]
#[repr(C)]
pub struct Header {
    pub(crate) magic: AtomicU32,
    pub(crate) version: AtomicU32,
    pub(crate) id: [AtomicU32; 2],
    pub(crate) kind: AtomicU32,
    pub(crate) length: AtomicU32,
    /// [`OPEN`], [`CLOSING`] or [`FAILED`]; only grows.
    pub(crate) state: AtomicU32,
    pub(crate) wait: AtomicU32,
    pub(crate) capacity: AtomicU32,
    pub(crate) stride: AtomicU32,
    pub(crate) stages: AtomicU32,
    pub(crate) multi: AtomicU32,
    pub(crate) max_producers: AtomicU32,
    pub(crate) stamps: AtomicU32,
    pub(crate) slots: AtomicU32,
    /// Byte rings: bytes of the header fields of a record.
    pub(crate) fields: AtomicU32,
    /// Producers open, a bit each.
    pub(crate) producers: AtomicU32,
    /// Events that were accepted and never published: the producer's thread ended first, or the ring failed.
    pub(crate) lost: AtomicU32,
    /// Seats of consumers: stages, workers of shared stages, seats for stages that join.
    pub(crate) seats: AtomicU32,
    /// Stages that hold the producers back, a bit each: those nobody follows, and those that joined.
    pub(crate) sinks: AtomicU32,
    /// Stages that joined, a bit each.
    pub(crate) joined: AtomicU32,
    /// Slots that their producer claimed and gave up.
    pub(crate) aborted: AtomicU32,
    /// Slots that a producer had claimed when its thread ended, given up for it.
    pub(crate) recovered: AtomicU32,
    /// Multi-producer rings: slots that were claimed and given up, for whatever reason; see `stamps`. Here and not beside
    /// the claim sequence, because consumers read it at every batch.
    pub(crate) skipped: AtomicU32,
    /// 1 when the ring is closed and every note of an event that was about to be accepted can be seen; see `claim`.
    pub(crate) settled: AtomicU32,
    pub(crate) reserved: [AtomicU32; 37],
    /// 1 while a stage joins, see `join`.
    pub(crate) joining: AtomicU32,
    /// How many stages have taken a seat to join; raised before the seat's name is written.
    pub(crate) joins: AtomicU32,
    /// Whom each stage follows: a bit a stage, [`CURSOR`] for the producers.
    pub(crate) upstream: [AtomicU32; 32],
    /// Of a stage that workers share: the seat of the first of them, and 256 times their number. Otherwise 0.
    pub(crate) workers: [AtomicU32; 32],
}

/// A sequence, what its writer counts, and who sleeps on it.
#[derive(Debug)]
#[repr(C)]
pub struct Cell {
    /// The sequence: the next one to publish, claim or consume. Grows only, wraps at 2^32. In the cell of a single
    /// producer in JavaScript how far it has written, flushed or not; in a worker's cell where its batch begins.
    pub(crate) value: AtomicU32,
    /// How often `value` has wrapped; written by its writer only.
    pub(crate) wraps: AtomicU32,
    /// Environment that works on this stage or with this producer, 0 when nobody does.
    pub(crate) owner: AtomicU32,
    /// Wakes made by the writer.
    pub(crate) made: AtomicU32,
    /// Looks of the writer that found nobody asleep.
    pub(crate) elided: AtomicU32,
    /// Batches taken.
    pub(crate) batches: AtomicU32,
    /// Times a waiter went to sleep here.
    pub(crate) waits: AtomicU32,
    /// Producer cell: the sequence behind what a single producer is about to accept; how many events another one has
    /// accepted and not flushed, in JavaScript, or 1 while it claims.
    pub(crate) staged: AtomicU32,
    /// Cell of a shared stage: how far its workers have claimed it.
    pub(crate) ledger: Ledger,
    /// Producer, or worker of a shared stage: what it has claimed.
    pub(crate) claimant: Claimant,
    /// Cell of a worker's claims: 1 more than the seat of the worker that uses it, 0 when nobody does; see `workers`.
    pub(crate) holder: AtomicU32,
    /// Cell of a shared stage: runs of 2^31 sequences that `ledger` has begun; see `workers`. Of a stage that joined: which
    /// join of the ring that was.
    pub(crate) halves: AtomicU32,
    /// Consumers that wait for `value` to grow, a bit a stage. Not beside `value`: its writer looks here after each
    /// store, and while others read the value again and again would wait for the line each time.
    pub(crate) consumers: Sleepers,
    /// Producers that wait for `value` to grow, a bit a producer.
    pub(crate) producers: Sleepers,
    /// Stage cell: events that were passed over because their handler failed.
    pub(crate) skipped: AtomicU32,
    /// Stage cell: batches that were begun again because their handler failed.
    pub(crate) retries: AtomicU32,
    /// Cell of a stage that joined: its name in UTF-8, filled up with zeros.
    pub(crate) name: [AtomicU32; NAME_BYTES / 4],
}

/// How far slots are claimed by many producers.
#[derive(Debug)]
#[repr(C)]
pub struct ClaimCell {
    /// The next slot to claim, and who claimed last.
    pub(crate) ledger: Ledger,
    /// A lower bound of the slowest sink's sequence; see `claim`.
    pub(crate) gate: AtomicU32,
    pub(crate) room: [AtomicU32; 29],
}

/// Bytes of the header.
pub const HEADER_BYTES: usize = size_of::<Header>();
/// Bytes of a cell.
pub const CELL_BYTES: usize = size_of::<Cell>();

/// Value of `Header::state`: events flow.
pub const OPEN: u32 = 0;
/// Value of `Header::state`: nothing more is accepted, what was published is consumed.
pub const CLOSING: u32 = 1;
/// Value of `Header::state`: a consumer failed for good; producers are told.
pub const FAILED: u32 = 2;

/// Value of `Header::kind`: slots of one typed event each.
pub const KIND_RING: u32 = 1;
/// Value of `Header::kind`: records of several slots.
pub const KIND_BYTES: u32 = 2;

/// Where slots begin and how long everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    /// First stage cell.
    pub stages: usize,
    /// First producer cell.
    pub producers: usize,
    /// First stamp; equal to `slots` for single-producer rings.
    pub stamps: usize,
    /// First slot.
    pub slots: usize,
    /// The whole block.
    pub length: usize,
}

impl Offsets {
    /// Places the parts of a ring.
    #[must_use]
    pub const fn new(seats: u32, max_producers: u32, multi: bool, capacity: u32, stride: u32) -> Self {
        let first_stage = HEADER_BYTES + 2 * CELL_BYTES;
        let producers = first_stage + seats as usize * CELL_BYTES;
        let stamps = producers + max_producers as usize * CELL_BYTES;
        let slots = stamps + if multi { capacity as usize * 8 } else { 0 };
        Self { stages: first_stage, producers, stamps, slots, length: slots + capacity as usize * stride as usize }
    }
}

macro_rules! words {
    ($($name:literal = $value:expr),* $(,)?) => {
        /// Every number the TypeScript side must agree on, by the name it has there. Offsets are in 32-bit words.
        pub const NUMBERS: &[(&str, u32)] = &[$(($name, $value as u32)),*];
    };
}

words! {
    "MAGIC" = MAGIC,
    "VERSION" = VERSION,
    "MAX_CAPACITY" = MAX_CAPACITY,
    "MAX_STAGES" = MAX_STAGES,
    "MAX_PRODUCERS" = MAX_PRODUCERS,
    "NAME_BYTES" = NAME_BYTES,
    "DEFAULT_GUESTS" = DEFAULT_GUESTS,
    "CURSOR_BIT" = 31,
    "CLOSERS" = millrace_park::CLOSERS,
    "GRANULE" = GRANULE,
    "PADDING" = PADDING,
    "RECORD_PREFIX" = RECORD_PREFIX,
    "OPEN" = OPEN,
    "CLOSING" = CLOSING,
    "FAILED" = FAILED,
    "KIND_RING" = KIND_RING,
    "KIND_BYTES" = KIND_BYTES,
    "HEADER_MAGIC" = offset_of!(Header, magic) / 4,
    "HEADER_VERSION" = offset_of!(Header, version) / 4,
    "HEADER_ID" = offset_of!(Header, id) / 4,
    "HEADER_KIND" = offset_of!(Header, kind) / 4,
    "HEADER_LENGTH" = offset_of!(Header, length) / 4,
    "HEADER_STATE" = offset_of!(Header, state) / 4,
    "HEADER_WAIT" = offset_of!(Header, wait) / 4,
    "HEADER_CAPACITY" = offset_of!(Header, capacity) / 4,
    "HEADER_STRIDE" = offset_of!(Header, stride) / 4,
    "HEADER_STAGES" = offset_of!(Header, stages) / 4,
    "HEADER_MULTI" = offset_of!(Header, multi) / 4,
    "HEADER_MAX_PRODUCERS" = offset_of!(Header, max_producers) / 4,
    "HEADER_STAMPS" = offset_of!(Header, stamps) / 4,
    "HEADER_SLOTS" = offset_of!(Header, slots) / 4,
    "HEADER_FIELDS" = offset_of!(Header, fields) / 4,
    "HEADER_PRODUCERS" = offset_of!(Header, producers) / 4,
    "HEADER_LOST" = offset_of!(Header, lost) / 4,
    "HEADER_SEATS" = offset_of!(Header, seats) / 4,
    "HEADER_SINKS" = offset_of!(Header, sinks) / 4,
    "HEADER_JOINED" = offset_of!(Header, joined) / 4,
    "HEADER_ABORTED" = offset_of!(Header, aborted) / 4,
    "HEADER_RECOVERED" = offset_of!(Header, recovered) / 4,
    "HEADER_SKIPPED" = offset_of!(Header, skipped) / 4,
    "HEADER_SETTLED" = offset_of!(Header, settled) / 4,
    "HEADER_JOINS" = offset_of!(Header, joins) / 4,
    "HEADER_UPSTREAM" = offset_of!(Header, upstream) / 4,
    "HEADER_WORKERS" = offset_of!(Header, workers) / 4,
    "CURSOR_CELL" = HEADER_BYTES / 4,
    "CLAIM_CELL" = CLAIM_WORD,
    "STAGE_CELLS" = (HEADER_BYTES + 2 * CELL_BYTES) / 4,
    "CELL_WORDS" = CELL_BYTES / 4,
    "CELL_VALUE" = offset_of!(Cell, value) / 4,
    "CELL_CONSUMERS" = offset_of!(Cell, consumers) / 4,
    "CELL_PRODUCERS" = offset_of!(Cell, producers) / 4,
    "CELL_WRAPS" = offset_of!(Cell, wraps) / 4,
    "CELL_OWNER" = offset_of!(Cell, owner) / 4,
    "CELL_MADE" = offset_of!(Cell, made) / 4,
    "CELL_ELIDED" = offset_of!(Cell, elided) / 4,
    "CELL_BATCHES" = offset_of!(Cell, batches) / 4,
    "CELL_WAITS" = offset_of!(Cell, waits) / 4,
    "CELL_STAGED" = offset_of!(Cell, staged) / 4,
    "CELL_SKIPPED" = offset_of!(Cell, skipped) / 4,
    "CELL_RETRIES" = offset_of!(Cell, retries) / 4,
    "CELL_NAME" = offset_of!(Cell, name) / 4,
    "CELL_CLAIMANT" = offset_of!(Cell, claimant) / 4,
    "CELL_CLAIM_START" = (offset_of!(Cell, claimant) + offset_of!(Claimant, open)) / 4,
    "CELL_CLAIM_LENGTH" = (offset_of!(Cell, claimant) + offset_of!(Claimant, open)) / 4 + 1,
    "CELL_HOLDER" = offset_of!(Cell, holder) / 4,
    "CELL_HALVES" = offset_of!(Cell, halves) / 4,
    "CELL_LEDGER" = offset_of!(Cell, ledger) / 4,
    "CLAIM_GATE" = CLAIM_WORD + offset_of!(ClaimCell, gate) / 4,
}

/// Where the claim cell is, in words.
const CLAIM_WORD: usize = (HEADER_BYTES + CELL_BYTES) / 4;

#[cfg(not(loom))]
const _: () = assert!(HEADER_BYTES == 512 && CELL_BYTES == 128 && size_of::<ClaimCell>() == CELL_BYTES);
