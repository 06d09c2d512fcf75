//! Hashing as a stage of a ring.
//!
//! It works in the ring's memory in turns, between which it lets other coroutines of its worker go first. The end of an
//! environment, or a detach, may have to wait for a turn, so a turn is bounded by the bytes that are hashed in it,
//! however long the records or events are: a long record is hashed in pieces, and released when its digest is in it.

use crate::environment::Environment;
use crate::failure::{failure, open_failed};
use crate::hash::{self, Algorithm, Field};
use crate::native_stage::NativeStage;
use crate::ring::{hold_stage, ring};
use crate::scheduler::scheduler;
use millrace_fiber::{current_sleeper, yield_now};
use millrace_ring::{ByteConsumer, Consumer, OpenError, SharedBytes, Waited};
use napi::bindgen_prelude::*;
use napi_derive::napi;

/// Bytes hashed in a turn: well under a millisecond, also without the processor's instructions for it (about 200 MB/s).
const TURN_BYTES: u32 = 128 * 1024;
/// Events in a turn, however short they are.
const TURN_EVENTS: u32 = 256;

/// What a hash stage reads and writes, as byte offsets and lengths in a record's header fields or in an event.
#[napi(object)]
pub struct HashStage {
    pub algorithm: String,
    /// Where the digest goes.
    pub to: u32,
    /// Bytes there.
    pub to_length: u32,
    /// What is hashed; negative for the payload of a record.
    pub from: i32,
    pub from_length: u32,
    /// Whether the source is text, which says its own length.
    pub from_text: bool,
}

/// Runs a hash as stage `stage` of a ring, in a coroutine. Answered when the ring has ended or its handle was detached,
/// or with `CLOSED` when the scheduler ended first.
#[napi(catch_unwind)]
pub fn run_hash_stage(
    environment: u32,
    call: u32,
    scheduler_number: u32,
    handle: u32,
    stage: u32,
    work: HashStage,
) -> Result<()> {
    let environment = Environment::get(environment)?;
    let scheduler = scheduler(scheduler_number)?;
    let ring = ring(handle)?;
    let algorithm = Algorithm::from_name(&work.algorithm)
        .ok_or_else(|| failure("INVALID_ARGUMENT", format_args!("no hash is called {}", work.algorithm)))?;
    let to = Field { at: work.to as usize, length: work.to_length as usize, text: false };
    let from = u32::try_from(work.from).ok().map(|at| Field {
        at: at as usize,
        length: work.from_length as usize,
        text: work.from_text,
    });
    let native = match (ring.byte_consumer_at(stage, environment.number), from) {
        (Ok(records), None) => {
            NativeStage::run(&scheduler, &environment, call, move || hash_payloads(records, algorithm, &to))
        }
        (Ok(records), Some(from)) => {
            NativeStage::run(&scheduler, &environment, call, move || hash_headers(records, algorithm, &from, &to))
        }
        (Err(OpenError::Kind), Some(from)) => {
            let events = ring.consumer_at(stage, environment.number).map_err(open_failed)?;
            NativeStage::run(&scheduler, &environment, call, move || hash_events(events, algorithm, &from, &to))
        }
        (Err(error), _) => return Err(open_failed(error)),
    };
    hold_stage(handle, stage, native)
}

fn hash_payloads(mut records: ByteConsumer, algorithm: Algorithm, to: &Field) {
    let sleeper = current_sleeper();
    let mut hasher = algorithm.hasher();
    while records.wait(&sleeper, None) == Ok(Waited::Ready) {
        let polled = records.poll_pieces(TURN_BYTES, |piece, fields| {
            hasher.update(piece);
            if let Some(fields) = fields {
                hash::put(fields, to, &hasher.finish());
            }
        });
        if polled.is_err() {
            return;
        }
        yield_now();
    }
}

fn hash_headers(mut records: ByteConsumer, algorithm: Algorithm, from: &Field, to: &Field) {
    let sleeper = current_sleeper();
    // A record is at least as long as its header.
    while records.wait(&sleeper, None) == Ok(Waited::Ready) {
        let polled = records.poll(TURN_BYTES, |record| hash_field(&mut record.fields_mut(), algorithm, from, to));
        if polled.is_err() {
            return;
        }
        yield_now();
    }
}

fn hash_events(mut events: Consumer, algorithm: Algorithm, from: &Field, to: &Field) {
    let sleeper = current_sleeper();
    let turn = (TURN_BYTES / from.length.max(1) as u32).clamp(1, TURN_EVENTS);
    while events.wait(&sleeper, None) == Ok(Waited::Ready) {
        if events.poll(turn, |_, event, _| hash_field(event, algorithm, from, to)).is_err() {
            return;
        }
        yield_now();
    }
}

fn hash_field(event: &mut SharedBytes<'_>, algorithm: Algorithm, from: &Field, to: &Field) {
    let mut hasher = algorithm.hasher();
    hasher.update(hash::get(event, from));
    hash::put(event, to, &hasher.finish());
}
