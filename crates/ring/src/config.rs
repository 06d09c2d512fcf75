//! What a ring is made of, checked before it is made.

use crate::graph::{GraphError, Stage, seats, upstream_masks};
use crate::layout::{
    DEFAULT_GUESTS, GRANULE, MAX_BYTES, MAX_CAPACITY, MAX_FIELDS, MAX_PRODUCERS, MAX_STAGES, RECORD_PREFIX,
};
use std::fmt;

/// Who publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Producers {
    /// One producer: no claim is contended.
    Single,
    /// Up to this many at a time, 32 at most.
    Multi(u32),
}

/// How a consumer without events and a producer without room wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Wait {
    /// Sleep at once.
    Block = 0,
    /// Give the processor away between looks; never sleeps, so publishing costs no look at sleepers.
    Yield = 1,
    /// Look again and again; for threads that own a core.
    Spin = 2,
    /// Spin a little, yield a little, then sleep.
    Adaptive = 3,
}

impl Wait {
    /// Reads the number in a header.
    pub(crate) fn from_u32(number: u32) -> Option<Self> {
        [Self::Block, Self::Yield, Self::Spin, Self::Adaptive].into_iter().find(|wait| *wait as u32 == number)
    }

    /// True when waiters sleep, so that who advances a sequence has to look for them.
    pub(crate) fn sleeps(self) -> bool {
        matches!(self, Self::Block | Self::Adaptive)
    }
}

/// A ring to be made.
#[derive(Debug, Clone)]
pub struct Config {
    /// Slots, a power of two from 2 to 2^30.
    pub capacity: u32,
    /// Bytes a slot, a multiple of 4.
    pub stride: u32,
    /// Who publishes.
    pub producers: Producers,
    /// How everybody waits.
    pub wait: Wait,
    /// The graph.
    pub stages: Vec<Stage>,
    /// Most stages at a time, those of the graph and those that join; 31 at most. None: eight more than the graph has.
    pub max_consumers: Option<u32>,
    /// First sequence: 0, unless a test wants to see the wrap.
    pub start: u32,
    /// Bytes that a byte ring was asked to have, of which `capacity` has the whole granules only.
    bytes: Option<u32>,
}

impl Config {
    /// A ring of `capacity` slots of `stride` bytes: one producer, adaptive waiting, no stage yet.
    #[must_use]
    pub fn new(capacity: u32, stride: u32) -> Self {
        Self {
            capacity,
            stride,
            producers: Producers::Single,
            wait: Wait::Adaptive,
            stages: Vec::new(),
            max_consumers: None,
            start: 0,
            bytes: None,
        }
    }

    /// The same, for events that lie elsewhere.
    pub(crate) fn without_slots(&self) -> Self {
        Self { stride: 0, ..self.clone() }
    }

    /// A byte ring of `bytes` bytes, a power of two from 64 to 2^30.
    #[must_use]
    pub fn bytes(bytes: u32) -> Self {
        Self { bytes: Some(bytes), ..Self::new(bytes / GRANULE, GRANULE) }
    }

    /// Adds a stage that follows `after`, or the producers when `after` is empty.
    #[must_use]
    pub fn stage(mut self, name: &str, after: &[&str]) -> Self {
        self.add(name, after, None);
        self
    }

    /// Adds a stage whose events up to `workers` workers share out, each event to one of them: 1 to 30. Stages and
    /// workers are 31 in all at most.
    #[must_use]
    pub fn workers(mut self, name: &str, after: &[&str], workers: u32) -> Self {
        self.add(name, after, Some(workers));
        self
    }

    fn add(&mut self, name: &str, after: &[&str], workers: Option<u32>) {
        let after = after.iter().map(|name| (*name).into()).collect();
        self.stages.push(Stage { name: name.into(), after, workers });
    }

    /// Several producers.
    #[must_use]
    pub fn multi(mut self, most: u32) -> Self {
        self.producers = Producers::Multi(most);
        self
    }

    /// Another way to wait.
    #[must_use]
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Another number of stages at a time: those of the graph and those that [join](crate::Ring::join).
    #[must_use]
    pub fn max_consumers(mut self, most: u32) -> Self {
        self.max_consumers = Some(most);
        self
    }

    /// Another first sequence.
    #[must_use]
    pub fn start(mut self, sequence: u32) -> Self {
        self.start = sequence;
        self
    }

    /// Most bytes of header fields that a byte ring's records can have: they and their prefix fit into a quarter of it.
    fn most_fields(&self) -> u32 {
        let quarter = u64::from(self.capacity) * u64::from(self.stride) / 4;
        MAX_FIELDS.min(quarter.saturating_sub(u64::from(RECORD_PREFIX)) as u32 & !7)
    }

    /// What is wrong with this ring as one of records with `fields` bytes of header fields.
    pub(crate) fn check_records(&self, fields: u32) -> Result<(), ConfigError> {
        if self.stride != GRANULE {
            return Err(ConfigError::Stride(self.stride));
        }
        let asked = self.bytes.filter(|bytes| bytes / GRANULE == self.capacity).map(u64::from);
        let bytes = asked.unwrap_or(u64::from(self.capacity) * u64::from(GRANULE));
        if !bytes.is_power_of_two() || !(2 * u64::from(GRANULE)..=u64::from(MAX_BYTES)).contains(&bytes) {
            return Err(ConfigError::Bytes(bytes));
        }
        if fields > self.most_fields() { Err(ConfigError::Fields(fields)) } else { Ok(()) }
    }

    /// Seats of consumers to lay out: for stages, their workers, and stages that join.
    pub(crate) fn seats(&self) -> u32 {
        let taken = seats(&self.stages);
        let guests = self.max_consumers.map_or(DEFAULT_GUESTS, |most| most.saturating_sub(self.stages.len() as u32));
        (taken + guests).min(MAX_STAGES)
    }

    /// The upstream mask of each stage, or what is wrong with this ring.
    pub(crate) fn check(&self) -> Result<Vec<u32>, ConfigError> {
        if !self.capacity.is_power_of_two() || !(2..=MAX_CAPACITY).contains(&self.capacity) {
            return Err(ConfigError::Capacity(self.capacity));
        }
        if self.stride == 0 || !self.stride.is_multiple_of(4) {
            return Err(ConfigError::Stride(self.stride));
        }
        if let Producers::Multi(most) = self.producers
            && !(1..=MAX_PRODUCERS).contains(&most)
        {
            return Err(ConfigError::Producers(most));
        }
        let masks = upstream_masks(&self.stages)?;
        let stages = masks.len() as u32;
        let workers = seats(&self.stages) - stages;
        match self.max_consumers {
            Some(most) if !(stages..=MAX_STAGES - workers).contains(&most) => Err(ConfigError::Consumers(most, stages)),
            _ => Ok(masks),
        }
    }
}

/// Why a ring cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// Not a power of two from 2 to 2^30.
    Capacity(u32),
    /// Not a positive multiple of 4; of a byte ring not 32.
    Stride(u32),
    /// Bytes of a byte ring: not a power of two from 64 to 2^30.
    Bytes(u64),
    /// Not from 1 to 32.
    Producers(u32),
    /// Fewer consumers (the first number) than the graph has stages (the second), or with the workers more than 31.
    Consumers(u32, u32),
    /// More bytes of header fields than a record of this ring can have.
    Fields(u32),
    /// The stages do not make a graph.
    Graph(GraphError),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(got) => write!(f, "capacity is {got}, allowed is a power of two from 2 to 2^30"),
            Self::Stride(got) => {
                write!(f, "stride is {got}, allowed is a positive multiple of 4, of a byte ring {GRANULE}")
            }
            Self::Bytes(got) => write!(f, "a byte ring has {got} bytes, allowed is a power of two from 64 to 2^30"),
            Self::Producers(got) => write!(f, "producers is {got}, allowed is 1 to 32"),
            Self::Consumers(got, stages) => {
                write!(
                    f,
                    "max_consumers is {got}, allowed is {stages}, the stages of the graph, to {MAX_STAGES} without their workers"
                )
            }
            Self::Fields(got) => {
                write!(f, "header fields take {got} bytes, allowed is a quarter of the ring, 65,536 at most")
            }
            Self::Graph(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<GraphError> for ConfigError {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}
