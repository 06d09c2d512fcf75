//! Where a ring lives: on the native heap, or in a region that JavaScript owns.

use crate::config::Config;
use crate::geometry::{Geometry, LayoutError, read_geometry};
use crate::graph::{sinks, worker_seats};
use crate::layout::{CELL_BYTES, Cell, ClaimCell, HEADER_BYTES, Header, MAGIC, Offsets, VERSION};
use crate::ledger::{Claimant, Ledger};
use millrace_park::sync::atomic::AtomicU32;
use millrace_park::{CLOSERS, Crowd, Failure, Region, Turn, WakerTable};
use std::cell::UnsafeCell;
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

/// Pointers into a ring's memory, good for as long as its guard.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) geometry: &'a Geometry,
    pub(crate) header: &'a Header,
    pub(crate) cursor: &'a Cell,
    pub(crate) claim: &'a ClaimCell,
    /// A cell a consumer's seat, the stages' first.
    pub(crate) stages: &'a [Cell],
    pub(crate) producers: &'a [Cell],
    /// Multi-producer rings: a stamp a slot. Empty otherwise.
    pub(crate) stamps: &'a [AtomicU32],
    /// Multi-producer rings: events of the claim that begins at a slot. Empty otherwise.
    pub(crate) counts: &'a [AtomicU32],
    slots: NonNull<u8>,
}

impl View<'_> {
    /// Where the slot of a sequence begins.
    #[inline(always)]
    pub(crate) fn slot(&self, sequence: u32) -> NonNull<u8> {
        let index = (sequence & (self.geometry.capacity - 1)) as usize;
        // SAFETY: the slots are `capacity * stride` bytes long and the index is below the capacity.
        unsafe { self.slots.add(index * self.geometry.stride as usize) }
    }

    /// Where a sequence's slot is in stamps and counts.
    #[inline(always)]
    pub(crate) fn index(&self, sequence: u32) -> usize {
        (sequence & (self.geometry.capacity - 1)) as usize
    }
}

/// A ring's memory on the native heap. Every part is an allocation of its own, so that loom's atomics fit too.
struct Heap {
    header: Box<Header>,
    claim: Box<ClaimCell>,
    cells: Box<[Cell]>,
    stamps: Box<[AtomicU32]>,
    counts: Box<[AtomicU32]>,
    /// 64-bit words: slots of any field are aligned.
    slots: Box<[UnsafeCell<u64>]>,
    consumers: WakerTable,
    producers: WakerTable,
    closers: Arc<Crowd>,
    failure: OnceLock<Failure>,
}

// SAFETY: slots are written by the one who claimed them or whose stage owns them, and read after the sequence that
// hands them over was acquired.
unsafe impl Sync for Heap {}

enum Home {
    Heap(Box<Heap>),
    Region(Arc<Region>),
}

/// A ring's memory, wherever it is.
pub(crate) struct Memory {
    pub(crate) geometry: Geometry,
    /// Names of the stages; empty for a ring that JavaScript laid out, whose stages go by number.
    pub(crate) names: Box<[String]>,
    home: Home,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.geometry.fmt(f)
    }
}

/// A view of a ring together with the turn that keeps it good.
pub(crate) struct Stay<'a> {
    view: View<'a>,
    _turn: Option<Turn<'a>>,
}

impl<'a> std::ops::Deref for Stay<'a> {
    type Target = View<'a>;
    #[inline(always)]
    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

fn words(count: usize) -> Box<[AtomicU32]> {
    (0..count).map(|_| AtomicU32::new(0)).collect()
}

impl Memory {
    /// Lays a ring out on the heap. `config` has been checked.
    pub(crate) fn heap(config: &Config, upstream: Vec<u32>, fields: Option<u32>) -> Self {
        let seats = config.seats();
        let geometry = Geometry::new(config, upstream, seats, worker_seats(&config.stages), fields);
        let cells = 1 + seats + geometry.max_producers;
        let stamps = if geometry.multi { geometry.capacity as usize } else { 0 };
        let bytes = geometry.capacity as usize * geometry.stride as usize;
        let cell = || Cell::new(config.start, !geometry.multi);
        let consumers = WakerTable::new();
        let heap = Heap {
            header: Box::new(Header::new(sinks(&geometry.upstream))),
            claim: Box::new(ClaimCell::new(config.start)),
            cells: (0..cells).map(|_| cell()).collect(),
            // A stamp says `sequence + 1`: the first sequence itself is nobody's stamp.
            stamps: (0..stamps).map(|_| AtomicU32::new(config.start)).collect(),
            counts: words(stamps),
            slots: (0..bytes.div_ceil(8)).map(|_| UnsafeCell::new(0)).collect(),
            closers: Crowd::behind(&consumers, CLOSERS),
            consumers,
            producers: WakerTable::new(),
            failure: OnceLock::new(),
        };
        let names = config.stages.iter().map(|stage| stage.name.clone()).collect();
        Self { geometry, names, home: Home::Heap(Box::new(heap)) }
    }

    /// Takes a region that JavaScript laid out for what it says it is, once it is consistent.
    pub(crate) fn region(region: Arc<Region>) -> Result<Self, LayoutError> {
        let geometry = {
            let turn = region.turn().ok_or(LayoutError::Magic)?;
            if region.length() < HEADER_BYTES {
                return Err(LayoutError::Magic);
            }
            // SAFETY: the region is good during the turn, at least as long as a header, and word-aligned as every
            // SharedArrayBuffer is; a header is all atomics.
            read_geometry(unsafe { turn.base().cast::<Header>().as_ref() }, region.length())?
        };
        Ok(Self { geometry, names: Box::new([]), home: Home::Region(region) })
    }

    /// Begins to use the memory; None when it is gone.
    #[inline]
    pub(crate) fn enter(&self) -> Option<Stay<'_>> {
        match &self.home {
            Home::Heap(heap) => {
                let (shared, producers) = heap.cells.split_at(1 + self.geometry.seats as usize);
                let view = View {
                    geometry: &self.geometry,
                    header: &heap.header,
                    cursor: &shared[0],
                    claim: &heap.claim,
                    stages: &shared[1..],
                    producers,
                    stamps: &heap.stamps,
                    counts: &heap.counts,
                    slots: NonNull::from(&*heap.slots).cast(),
                };
                Some(Stay { view, _turn: None })
            }
            Home::Region(region) => {
                let turn = region.turn()?;
                // SAFETY: the region is good while `turn` lives, which the stay holds; its length was checked against
                // this geometry when it was attached.
                let view = unsafe { view_at(turn.base(), &self.geometry) };
                Some(Stay { view, _turn: Some(turn) })
            }
        }
    }

    /// Who waits for events.
    pub(crate) fn consumers(&self) -> &WakerTable {
        match &self.home {
            Home::Heap(heap) => &heap.consumers,
            Home::Region(region) => region.consumers(),
        }
    }

    /// Who waits for room.
    pub(crate) fn producers(&self) -> &WakerTable {
        match &self.home {
            Home::Heap(heap) => &heap.producers,
            Home::Region(region) => region.producers(),
        }
    }

    /// Who waits for the end.
    pub(crate) fn closers(&self) -> &Crowd {
        match &self.home {
            Home::Heap(heap) => &heap.closers,
            Home::Region(region) => region.closers(),
        }
    }

    /// Why the ring failed.
    pub(crate) fn failure(&self) -> &OnceLock<Failure> {
        match &self.home {
            Home::Heap(heap) => &heap.failure,
            Home::Region(region) => region.failure(),
        }
    }
}

/// # Safety
/// `base` is the begin of a ring with this geometry, good for `'a`.
unsafe fn view_at<'a>(base: NonNull<u8>, geometry: &'a Geometry) -> View<'a> {
    let Offsets { stages, producers, stamps, slots, .. } = geometry.offsets;
    let stamped = if geometry.multi { geometry.capacity as usize } else { 0 };
    // SAFETY: all offsets lie inside the block, by `Offsets::new` and the check of its length; cells and words are
    // atomics, for which any bytes will do.
    unsafe {
        View {
            geometry,
            header: base.cast::<Header>().as_ref(),
            cursor: base.add(HEADER_BYTES).cast::<Cell>().as_ref(),
            claim: base.add(HEADER_BYTES + CELL_BYTES).cast::<ClaimCell>().as_ref(),
            stages: NonNull::slice_from_raw_parts(base.add(stages).cast(), geometry.seats as usize).as_ref(),
            producers: NonNull::slice_from_raw_parts(base.add(producers).cast(), geometry.max_producers as usize)
                .as_ref(),
            stamps: NonNull::slice_from_raw_parts(base.add(stamps).cast(), stamped).as_ref(),
            counts: NonNull::slice_from_raw_parts(base.add(stamps + stamped * 4).cast(), stamped).as_ref(),
            slots: base.add(slots),
        }
    }
}

impl Header {
    /// A header on the heap, where only what changes is looked at: the rest is in the geometry.
    fn new(sinks: u32) -> Self {
        let zero = || AtomicU32::new(0);
        Self {
            magic: AtomicU32::new(MAGIC),
            version: AtomicU32::new(VERSION),
            id: [zero(), zero()],
            kind: zero(),
            length: zero(),
            state: zero(),
            wait: zero(),
            capacity: zero(),
            stride: zero(),
            stages: zero(),
            multi: zero(),
            max_producers: zero(),
            stamps: zero(),
            slots: zero(),
            fields: zero(),
            producers: zero(),
            lost: zero(),
            seats: zero(),
            sinks: AtomicU32::new(sinks),
            joined: zero(),
            aborted: zero(),
            recovered: zero(),
            skipped: zero(),
            settled: zero(),
            reserved: std::array::from_fn(|_| zero()),
            joining: zero(),
            joins: zero(),
            upstream: std::array::from_fn(|_| zero()),
            workers: std::array::from_fn(|_| zero()),
        }
    }
}

impl Cell {
    fn new(start: u32, single: bool) -> Self {
        let zero = || AtomicU32::new(0);
        Self {
            value: AtomicU32::new(start),
            consumers: millrace_park::Sleepers::new(),
            producers: millrace_park::Sleepers::new(),
            wraps: zero(),
            owner: zero(),
            made: zero(),
            elided: zero(),
            batches: zero(),
            waits: zero(),
            staged: AtomicU32::new(if single { start } else { 0 }),
            ledger: Ledger::new(start),
            claimant: Claimant::new(),
            skipped: zero(),
            retries: zero(),
            holder: zero(),
            halves: AtomicU32::new(start >> 31),
            name: std::array::from_fn(|_| zero()),
        }
    }
}

impl ClaimCell {
    fn new(start: u32) -> Self {
        let zero = || AtomicU32::new(0);
        Self { ledger: Ledger::new(start), gate: AtomicU32::new(start), room: std::array::from_fn(|_| zero()) }
    }
}
