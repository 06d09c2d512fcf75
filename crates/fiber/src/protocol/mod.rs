//! The words through which threads agree: nothing but atomics, so that loom runs the very code the scheduler runs.
//!
//! Not part of the interface: visible for the models in `tests/loom_*.rs` only.

mod completion;
mod idle;
mod inbox;
mod state;

pub use completion::Completion;
pub use idle::Idle;
pub use inbox::Inbox;
pub use state::{ParkState, Resumed};
