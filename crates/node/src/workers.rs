//! Batches of the workers that share a stage, one call a batch each way.

use crate::ring::with;
use napi::bindgen_prelude::*;
use napi_derive::napi;

/// Takes a batch for a worker: how many places, `most` at most, and 0 when nothing is ready; its cell says from where on.
#[napi(catch_unwind)]
pub fn claim_work(handle: u32, seat: u32, most: u32) -> Result<u32> {
    with(handle, |ring| ring.claim_work(seat, most).map_or(0, |(_, n)| n))
}

/// Releases what a worker has in hand before `sequence`.
#[napi(catch_unwind)]
pub fn finish_work(handle: u32, seat: u32, sequence: u32) -> Result<()> {
    with(handle, |ring| ring.finish_work(seat, sequence))
}

/// Leaves what a worker has in hand to the others.
#[napi(catch_unwind)]
pub fn hand_back_work(handle: u32, seat: u32) -> Result<()> {
    with(handle, |ring| ring.hand_back_work(seat))
}
