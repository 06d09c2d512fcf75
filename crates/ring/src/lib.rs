//! Disruptor rings in shared memory.
//!
//! The algorithm is LMAX's (Thompson, Farley, Barker, Gee, Stewart: *Disruptor*, 2011): a preallocated ring of slots, a
//! sequence for what is published, a sequence a stage for what is consumed. A stage may consume what everyone it
//! follows has passed; a producer may write what every last stage has passed. Nothing is copied from stage to stage,
//! nothing is allocated an event, and a slow stage holds the producers back by itself.
//!
//! ```text
//!            claim    cursor          parse            store
//!              |        |               |                |
//!   ... [free] [written][  published   ][ parsed, audited][ consumed = free ] ...
//! ```
//! What differs from the model:
//! - memory may belong to JavaScript ([`Ring::attach`]), which reads and writes the same words ([`layout`]) by the
//!   numbers of its [`Seats`];
//! - sequences have 32 bits and wrap, so that JavaScript compares them without allocating; two sequences of a ring are
//!   never further apart than its capacity, 2^30 at most, and are compared by their difference;
//! - workers may share a stage's events out (module `workers`; LMAX had a `WorkerPool`, and dropped it);
//! - many producers publish through one cursor (module `claim` tells how);
//! - stages join and leave while events flow (module `join`);
//! - waiters sleep by the protocol of [`millrace_park`], in any mix of threads, coroutines and event loops;
//! - a byte ring is the same ring with slots of 32 bytes, where a record is a claim of as many as it needs.
//!
//! # Memory ordering
//! A slot is written between its claim and the store that publishes it (release or stronger), and read after that
//! store was acquired; a slot is claimed again after the releasing stores of all last stages were acquired. Every
//! stage hands on what it wrote into a slot by the store of its own sequence. What sleeps adds sequential
//! consistency to these stores, as [`millrace_park`] explains; `spin` and `yield` rings do without.

mod byte_consumer;
mod byte_producer;
mod claim;
mod config;
mod consumer;
mod end;
mod geometry;
mod graph;
mod join;
pub mod layout;
mod ledger;
mod memory;
mod open_claim;
mod place;
mod producer_seat;
mod recovery;
mod ring;
mod seats;
mod sequence;
mod shared_bytes;
mod staged;
mod stamps;
mod statistics;
pub mod typed;
mod workers;

pub use byte_consumer::{ByteConsumer, Record};
pub use byte_producer::{ByteProducer, payload_offset};
pub use claim::ClaimError;
pub use config::{Config, ConfigError, Producers, Wait};
pub use consumer::{Consumer, Gone, Waited};
pub use geometry::LayoutError;
pub use graph::{GraphError, Stage};
pub use join::{JoinError, JoinFrom};
pub use millrace_park::Failure;
pub use open_claim::NoClaim;
pub use recovery::{Failed, Recovery};
pub use ring::{OpenError, Ring};
pub use seats::Seats;
pub use shared_bytes::SharedBytes;
pub use statistics::{ProducerStatistics, StageStatistics, Statistics};
