//! What a round of the stress test is made of.

mod account;
pub(crate) mod budget;
mod consuming;
mod event;
mod plan;
mod producing;
mod random;
pub(crate) mod round;
