//! What is fixed about a ring: how large it is, who takes part, and where everything lies.

use crate::config::{Config, Producers, Wait};
use crate::layout::{GRANULE, Header, KIND_BYTES, KIND_RING, MAGIC, MAX_STAGES, Offsets, VERSION};
use millrace_park::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::fmt;

/// What is fixed about a ring. A native copy: shared memory could be scribbled over.
#[derive(Debug, Clone)]
pub(crate) struct Geometry {
    pub(crate) capacity: u32,
    pub(crate) stride: u32,
    pub(crate) multi: bool,
    pub(crate) max_producers: u32,
    pub(crate) wait: Wait,
    /// Byte rings: bytes of a record's header fields. None for rings of events.
    pub(crate) fields: Option<u32>,
    /// Upstream mask of each stage.
    pub(crate) upstream: Vec<u32>,
    /// Seats of consumers, the stages' first.
    pub(crate) seats: u32,
    /// The first seat of each stage's workers, and their number: 0 for a stage that is not shared.
    pub(crate) workers: Vec<(u32, u32)>,
    pub(crate) offsets: Offsets,
}

impl Geometry {
    pub(crate) fn new(
        config: &Config,
        upstream: Vec<u32>,
        seats: u32,
        workers: Vec<(u32, u32)>,
        fields: Option<u32>,
    ) -> Self {
        let (multi, max_producers) = match config.producers {
            Producers::Single => (false, 1),
            Producers::Multi(most) => (true, most),
        };
        Self {
            capacity: config.capacity,
            stride: config.stride,
            multi,
            max_producers,
            wait: config.wait,
            fields,
            seats,
            workers,
            offsets: Offsets::new(seats, max_producers, multi, config.capacity, config.stride),
            upstream,
        }
    }
}

/// Why memory that JavaScript laid out is not taken for a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutError {
    /// No shared object of ours begins here.
    Magic,
    /// Laid out by another version.
    Version(u32),
    /// The numbers in the header contradict each other or the length.
    Inconsistent,
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => write!(f, "this memory holds no Millrace object"),
            Self::Version(got) => write!(f, "this object has layout version {got}, this build reads {VERSION}"),
            Self::Inconsistent => write!(f, "this object's header contradicts itself"),
        }
    }
}

impl std::error::Error for LayoutError {}

/// What a header says, once it is consistent with itself and with the memory's length.
pub(crate) fn read_geometry(header: &Header, length: usize) -> Result<Geometry, LayoutError> {
    let number = |word: &AtomicU32| word.load(Relaxed);
    if number(&header.magic) != MAGIC {
        return Err(LayoutError::Magic);
    }
    if number(&header.version) != VERSION {
        return Err(LayoutError::Version(number(&header.version)));
    }
    let (stages, seats) = (number(&header.stages), number(&header.seats));
    if !(1..=MAX_STAGES).contains(&stages) || !(stages..=MAX_STAGES).contains(&seats) {
        return Err(LayoutError::Inconsistent);
    }
    let fields = match number(&header.kind) {
        KIND_RING => None,
        KIND_BYTES if number(&header.stride) == GRANULE => Some(number(&header.fields)),
        _ => return Err(LayoutError::Inconsistent),
    };
    let producers = match number(&header.multi) {
        0 => Producers::Single,
        _ => Producers::Multi(number(&header.max_producers)),
    };
    let wait = Wait::from_u32(number(&header.wait)).ok_or(LayoutError::Inconsistent)?;
    let mut config = Config::new(number(&header.capacity), number(&header.stride)).wait(wait).stage("any", &[]);
    config.producers = producers;
    config.check().map_err(|_| LayoutError::Inconsistent)?;
    let upstream: Vec<u32> = header.upstream[..stages as usize].iter().map(number).collect();
    let workers = read_workers(header, stages, seats)?;
    let geometry = Geometry::new(&config, upstream, seats, workers, fields);
    let Offsets { stamps, slots, length: needed, .. } = geometry.offsets;
    let placed = number(&header.stamps) as usize == stamps && number(&header.slots) as usize == slots;
    if !placed || length < needed || fields.is_some_and(|fields| config.check_records(fields).is_err()) {
        return Err(LayoutError::Inconsistent);
    }
    Ok(geometry)
}

/// Whom each stage is shared by: seats that no stage has, and no other stage's workers.
fn read_workers(header: &Header, stages: u32, seats: u32) -> Result<Vec<(u32, u32)>, LayoutError> {
    let mut free = stages;
    let mut read = |word: &AtomicU32| {
        let word = word.load(Relaxed);
        let (first, number) = (word & 0xff, word >> 8);
        if number == 0 {
            return Ok((free, 0));
        }
        if first < free || number > seats.saturating_sub(first) {
            return Err(LayoutError::Inconsistent);
        }
        free = first + number;
        Ok((first, number))
    };
    header.workers[..stages as usize].iter().map(&mut read).collect()
}
