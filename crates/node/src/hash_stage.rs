//! Hashing as a stage of a ring.
//!
//! It works in the ring's memory in turns, between which it lets other coroutines of its worker go first. The end of an
//! environment, or a detach, may have to wait for a turn, so a turn is bounded by the bytes that are hashed in it,
//! however long the records or events are: a long record is hashed in pieces, and released when its digest is in it.

use crate::environment::Environment;
use crate::failure::{failure, open_failed};
use crate::hash::{self, Algorithm, Field};
use crate::native_stage::{Caller, NativeStage, Outcome, StagePolicy, caught};
use crate::ring::{hold_stage, ring};
use crate::scheduler::scheduler;
use millrace_fiber::{current_sleeper, yield_now};
use millrace_park::Sleeper;
use millrace_ring::{ByteConsumer, Consumer, Gone, OpenError, Recovery, SharedBytes, Waited};
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::sync::Arc;
use std::time::Duration;

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
/// with `CLOSED` when the scheduler ended first, or with `INTERNAL` when it failed, and the ring with it.
#[napi(catch_unwind)]
pub fn run_hash_stage(
    environment: u32,
    call: u32,
    scheduler_number: u32,
    handle: u32,
    stage: u32,
    work: HashStage,
    policy: StagePolicy,
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
    let on_error = policy.on_error()?;
    let caller = Arc::new(Caller::new(&environment, call));
    let teller = policy.tells.then(|| caller.clone());
    let skipped = move |message, number| {
        if let Some(caller) = &teller {
            caller.tell_skipped(message, number);
        }
    };
    let name = policy.stage;
    let native = match (ring.byte_consumer_at(stage, environment.number), from) {
        (Ok(records), None) => {
            let recovery = records.recovery(on_error, skipped);
            let work = move |records: &mut ByteConsumer| hash_payloads(records, recovery, algorithm, &to);
            NativeStage::run(&scheduler, caller, ring, name, records, work)
        }
        (Ok(records), Some(from)) => {
            let recovery = records.recovery(on_error, skipped);
            let work = move |records: &mut ByteConsumer| hash_headers(records, recovery, algorithm, &from, &to);
            NativeStage::run(&scheduler, caller, ring, name, records, work)
        }
        (Err(OpenError::Kind), Some(from)) => {
            let events = ring.consumer_at(stage, environment.number).map_err(open_failed)?;
            let recovery = events.recovery(on_error, skipped);
            let work = move |events: &mut Consumer| hash_events(events, recovery, algorithm, &from, &to);
            NativeStage::run(&scheduler, caller, ring, name, events, work)
        }
        (Err(error), _) => return Err(open_failed(error)),
    };
    hold_stage(handle, stage, native)
}

/// Does turns of a stage until its ring has ended, or the stage has failed for good; others go first between two.
fn in_turns<C, F: FnMut(String, u64)>(
    consumer: &mut C,
    recovery: Recovery<String, F>,
    wait: impl Fn(&mut C, &dyn Sleeper, Option<Duration>) -> std::result::Result<Waited, Gone>,
    turn: impl FnMut(&mut C, &mut Recovery<String, F>) -> std::result::Result<u32, Gone>,
) -> Outcome {
    let sleeper = current_sleeper();
    let yielding_wait = |consumer: &mut C| {
        yield_now();
        wait(consumer, &sleeper, None)
    };
    recovery.turns(consumer, &sleeper, yielding_wait, turn).map(drop).map_err(|stopped| stopped.error)
}

fn hash_payloads<F: FnMut(String, u64)>(
    records: &mut ByteConsumer,
    recovery: Recovery<String, F>,
    algorithm: Algorithm,
    to: &Field,
) -> Outcome {
    let mut hasher = algorithm.hasher();
    in_turns(records, recovery, ByteConsumer::wait, |records, recovery| {
        records.poll_pieces(TURN_BYTES, |sequence, piece, fields| {
            let outcome = caught(|| {
                hasher.update(piece);
                if let Some(fields) = fields {
                    hash::put(fields, to, &hasher.finish());
                }
                Ok(())
            });
            if outcome.is_err() {
                hasher = algorithm.hasher();
            }
            recovery.check(sequence, outcome)
        })
    })
}

fn hash_headers<F: FnMut(String, u64)>(
    records: &mut ByteConsumer,
    recovery: Recovery<String, F>,
    algorithm: Algorithm,
    from: &Field,
    to: &Field,
) -> Outcome {
    // A record is at least as long as its header.
    in_turns(records, recovery, ByteConsumer::wait, |records, recovery| {
        records.try_poll(TURN_BYTES, |record| {
            let outcome = caught(|| hash_field(&mut record.fields_mut(), algorithm, from, to));
            recovery.check(record.sequence, outcome)
        })
    })
}

fn hash_events<F: FnMut(String, u64)>(
    events: &mut Consumer,
    recovery: Recovery<String, F>,
    algorithm: Algorithm,
    from: &Field,
    to: &Field,
) -> Outcome {
    let turn = (TURN_BYTES / from.length.max(1) as u32).clamp(1, TURN_EVENTS);
    in_turns(events, recovery, Consumer::wait, |events, recovery| {
        events.try_poll(turn, |sequence, event, _| {
            let outcome = caught(|| hash_field(event, algorithm, from, to));
            recovery.check(sequence, outcome)
        })
    })
}

fn hash_field(event: &mut SharedBytes<'_>, algorithm: Algorithm, from: &Field, to: &Field) -> Outcome {
    let mut hasher = algorithm.hasher();
    hasher.update(hash::get(event, from)?);
    hash::put(event, to, &hasher.finish());
    Ok(())
}
