//! Rings of typed events for Rust: nothing on the way of an event is dynamic.

mod claim;
mod consumer;
mod core;
mod multi_producer;
mod producer;
mod ring;
mod room;
mod strategy;

pub use claim::Claim;
pub use consumer::Consumer;
pub use multi_producer::MultiProducer;
pub use producer::Producer;
pub use ring::{Builder, Multi, Ring, Single};
pub use strategy::{Adaptive, Block, Pause, Spin, WaitStrategy, Yield};
