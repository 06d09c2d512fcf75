//! Rings in JavaScript's memory: attaching, seats, wakes, and publishing for many producers.

use crate::environment::{Environment, REGIONS, lock};
use crate::failure::{claim_code, failure, gone, join_failed, layout_failed, open_failed};
use crate::native_stage::NativeStage;
use millrace_park::{Failure, Sleeper, ThreadSleeper};
use millrace_ring::{JoinFrom, Ring, Seats};
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock};
use std::task::Waker;

/// One attachment of one environment.
struct Attachment {
    environment: u32,
    id: u64,
    ring: Seats,
    /// Stages and producer seats taken through this handle, a bit each.
    stages: AtomicU32,
    producers: AtomicU32,
    /// Native work that was begun through this handle, by stage. It may have ended by itself.
    native: Mutex<HashMap<u32, NativeStage>>,
}

/// Attachments by handle. Read at every wake, written when a ring is attached or detached.
#[derive(Default)]
struct Attachments {
    by_handle: Vec<Option<Attachment>>,
    free: Vec<u32>,
}

static ATTACHMENTS: RwLock<Attachments> = RwLock::new(Attachments { by_handle: Vec::new(), free: Vec::new() });

/// The ring behind a handle.
pub(crate) fn ring(handle: u32) -> Result<Ring> {
    with(handle, |ring| Ring::clone(ring))
}

pub(crate) fn with<T>(handle: u32, f: impl FnOnce(&Seats) -> T) -> Result<T> {
    with_attachment(handle, |attachment| f(&attachment.ring))
}

fn with_attachment<T>(handle: u32, f: impl FnOnce(&Attachment) -> T) -> Result<T> {
    let attachments = ATTACHMENTS.read().unwrap_or_else(PoisonError::into_inner);
    match attachments.by_handle.get(handle as usize) {
        Some(Some(attachment)) => Ok(f(attachment)),
        _ => Err(gone("this ring")),
    }
}

/// Notes native work on a stage, to be ended with the attachment that it was begun through.
pub(crate) fn hold_stage(handle: u32, stage: u32, native: NativeStage) -> Result<()> {
    with_attachment(handle, |attachment| drop(lock(&attachment.native).insert(stage, native)))
}

/// Gives back all that an environment had open on its rings, and its handles.
pub(crate) fn release_environment(environment: u32) {
    let mut attachments = ATTACHMENTS.write().unwrap_or_else(PoisonError::into_inner);
    for handle in 0..attachments.by_handle.len() {
        let mine = |attachment: &mut Attachment| attachment.environment == environment;
        if let Some(attachment) = attachments.by_handle[handle].take_if(mine) {
            attachment.ring.release_owner(environment);
            attachments.free.push(handle as u32);
        }
    }
}

/// Numbers of the layout, for the facades' test.
#[napi(catch_unwind)]
pub fn layout_numbers() -> HashMap<String, u32> {
    millrace_ring::layout::NUMBERS.iter().map(|(name, number)| ((*name).into(), *number)).collect()
}

/// Attaches an environment to the ring that was laid out in `memory`, which the caller keeps until it detaches.
#[napi(catch_unwind)]
pub fn attach_ring(environment: u32, mut memory: Int32Array) -> Result<u32> {
    Environment::get(environment)?;
    // SAFETY: only address, length and the id are taken.
    let words = unsafe { memory.as_mut() };
    let [.., high] = *words.first_chunk::<4>().ok_or_else(|| failure("INVALID_ARGUMENT", "no Millrace object"))?;
    let id = u64::from(high.cast_unsigned()) << 32 | u64::from(words[2].cast_unsigned());
    let (base, length) = (NonNull::from(&mut *words).cast::<u8>(), words.len() * 4);
    // SAFETY: the facade keeps the memory as long as it is attached.
    let region = unsafe { REGIONS.attach(id, environment.into(), base, length) }
        .map_err(|_| failure("INVALID_ARGUMENT", "two objects have the same id"))?;
    let ring = match Ring::attach(region) {
        // SAFETY: the binding is private, and the facades use and leave the seats that they took, each in its own thread,
        // or that of a thread that has ended. Whose environment or attachment ends, its native work has ended before.
        Ok(ring) => unsafe { Seats::of(ring) },
        Err(error) => {
            REGIONS.detach(id, environment.into());
            return Err(layout_failed(error));
        }
    };
    let mut attachments = ATTACHMENTS.write().unwrap_or_else(PoisonError::into_inner);
    let (stages, producers) = (AtomicU32::new(0), AtomicU32::new(0));
    let attachment = Some(Attachment { environment, id, ring, stages, producers, native: Mutex::default() });
    Ok(match attachments.free.pop() {
        Some(handle) => {
            attachments.by_handle[handle as usize] = attachment;
            handle
        }
        None => {
            attachments.by_handle.push(attachment);
            attachments.by_handle.len() as u32 - 1
        }
    })
}

/// Takes back one attachment, and what is still open through it: objects that were forgotten close nothing, and native
/// work could not give its stage back once the memory is gone. The handle is not used again by the caller.
#[napi(catch_unwind)]
pub fn detach_ring(handle: u32) {
    let attachment = {
        let mut attachments = ATTACHMENTS.write().unwrap_or_else(PoisonError::into_inner);
        let Some(attachment) = attachments.by_handle.get_mut(handle as usize).and_then(Option::take) else { return };
        attachments.free.push(handle);
        attachment
    };
    let Attachment { environment, id, ring, stages, producers, native } = attachment;
    NativeStage::end_all(native.into_inner().unwrap_or_else(PoisonError::into_inner).into_values());
    bits(stages.into_inner()).for_each(|stage| ring.leave_stage(stage));
    bits(producers.into_inner()).for_each(|index| ring.leave_producer(index));
    drop(ring);
    REGIONS.detach(id, environment.into());
}

/// The bits of a mask.
fn bits(mask: u32) -> impl Iterator<Item = u32> {
    (0..u32::BITS).filter(move |bit| mask & (1 << bit) != 0)
}

/// Wakes waiting stages and producers by their bits.
#[napi(catch_unwind)]
pub fn wake(handle: u32, consumers: u32, producers: u32) -> Result<()> {
    with(handle, |ring| ring.wake(consumers, producers))
}

/// Takes the seat of a worker of a shared stage for an environment: its number, by which it is left as a stage is.
#[napi(catch_unwind)]
pub fn take_worker(environment: u32, handle: u32, stage: u32) -> Result<u32> {
    with_attachment(handle, |attachment| {
        let seat = attachment.ring.take_worker(stage, environment)?;
        attachment.stages.fetch_or(1 << seat, Relaxed);
        Ok(seat)
    })?
    .map_err(open_failed)
}

/// Takes a stage for an environment.
#[napi(catch_unwind)]
pub fn take_stage(environment: u32, handle: u32, stage: u32) -> Result<()> {
    with_attachment(handle, |attachment| {
        attachment.ring.take_stage(stage, environment)?;
        attachment.stages.fetch_or(1 << stage, Relaxed);
        Ok(())
    })?
    .map_err(open_failed)
}

/// Joins as a stage that follows the stages of `upstream`, or the cursor; its seat. It is left as a stage is.
#[napi(catch_unwind)]
pub fn join_stage(environment: u32, handle: u32, name: String, upstream: u32, oldest: bool) -> Result<u32> {
    let from = if oldest { JoinFrom::Oldest } else { JoinFrom::Now };
    with_attachment(handle, |attachment| {
        let seat = attachment.ring.take_join(&name, upstream, from, environment)?;
        attachment.stages.fetch_or(1 << seat, Relaxed);
        Ok(seat)
    })?
    .map_err(join_failed)
}

/// Lets another open a stage; one that joined leaves.
#[napi(catch_unwind)]
pub fn leave_stage(handle: u32, stage: u32) -> Result<()> {
    with_attachment(handle, |attachment| {
        attachment.stages.fetch_and(!(1 << stage), Relaxed);
        attachment.ring.leave_stage(stage);
    })
}

/// Takes a producer seat for an environment.
#[napi(catch_unwind)]
pub fn take_producer(environment: u32, handle: u32) -> Result<u32> {
    with_attachment(handle, |attachment| {
        let index = attachment.ring.take_producer(environment)?;
        attachment.producers.fetch_or(1 << index, Relaxed);
        Ok(index)
    })?
    .map_err(open_failed)
}

/// Gives a producer seat back.
#[napi(catch_unwind)]
pub fn leave_producer(handle: u32, index: u32) -> Result<()> {
    with_attachment(handle, |attachment| {
        attachment.producers.fetch_and(!(1 << index), Relaxed);
        attachment.ring.leave_producer(index);
    })
}

/// Who is woken: a source of the environment's doorbell, or the calling thread where it is negative.
fn waker(environment: u32, source: i32) -> Result<Waker> {
    match u32::try_from(source) {
        Ok(source) => Ok(Environment::get(environment)?.doorbell.waker(source)),
        Err(_) => Ok(ThreadSleeper::current().waker()),
    }
}

/// Says whom the bit of a stage wakes.
#[napi(catch_unwind)]
pub fn set_consumer_waker(environment: u32, handle: u32, stage: u32, source: i32) -> Result<()> {
    let waker = waker(environment, source)?;
    with(handle, |ring| ring.consumers().set(stage, waker))
}

/// Has a source rung for when a ring that closes may have ended.
#[napi(catch_unwind)]
pub fn await_end(environment: u32, handle: u32, source: u32) -> Result<()> {
    let waker = Environment::get(environment)?.doorbell.waker(source);
    with(handle, |ring| ring.await_end(environment, source, waker))
}

/// Takes that back.
#[napi(catch_unwind)]
pub fn leave_end(environment: u32, handle: u32, source: u32) -> Result<()> {
    with(handle, |ring| ring.leave_end(environment, source))
}

/// Says whom the bit of a producer wakes.
#[napi(catch_unwind)]
pub fn set_producer_waker(environment: u32, handle: u32, index: u32, source: i32) -> Result<()> {
    let waker = waker(environment, source)?;
    with(handle, |ring| ring.producers().set(index, waker))
}

/// Runs `f` on the ring of a seat that was taken through this handle.
fn with_seat<T>(handle: u32, index: u32, f: impl FnOnce(&Seats) -> T) -> Result<T> {
    with_attachment(handle, |attachment| {
        let mine = index < u32::BITS && attachment.producers.load(Relaxed) & (1 << index) != 0;
        mine.then(|| f(&attachment.ring)).ok_or_else(|| gone("this producer"))
    })?
}

/// Claims `n` slots on a multi-producer ring: the first one's sequence, or why not, negative.
#[napi(catch_unwind)]
pub fn claim(handle: u32, index: u32, n: u32) -> Result<i64> {
    with_seat(handle, index, |ring| ring.claim(index, n).map_or_else(|error| claim_code(error).into(), i64::from))
}

/// Publishes the first `used` slots of the claim that a producer of a multi-producer ring has open, and gives the others
/// up.
#[napi(catch_unwind)]
pub fn commit_claim(handle: u32, index: u32, used: u32) -> Result<()> {
    with_seat(handle, index, |ring| ring.commit_claim(index, used))?.map_err(|error| failure("INTERNAL", error))
}

/// Publishes up to `n` staged events on a multi-producer ring: their number, or why none.
#[napi(catch_unwind)]
pub fn publish_copied(handle: u32, index: u32, events: Uint8ArraySlice<'_>, n: u32) -> Result<i32> {
    with(handle, |ring| match ring.publish_copied(index, &events, n) {
        Ok(n) => n.cast_signed(),
        Err(error) => claim_code(error),
    })
}

/// Publishes one record on a multi-producer byte ring: 0, or why not.
#[napi(catch_unwind)]
pub fn push_copied(handle: u32, index: u32, fields: Uint8ArraySlice<'_>, payload: Uint8ArraySlice<'_>) -> Result<i32> {
    with(handle, |ring| ring.push_copied(index, &fields, &payload).map_or_else(claim_code, |()| 0))
}

/// Ends a ring: it takes nothing more, and everyone who waits is woken.
#[napi(catch_unwind)]
pub fn close_ring(handle: u32) -> Result<()> {
    with(handle, |ring| ring.close())
}

/// Why a ring failed.
#[napi(object, object_from_js = false)]
pub struct RingFailure<'env> {
    pub stage: String,
    pub message: String,
    /// What the facade has written, empty when native code failed.
    pub details: BufferSlice<'env>,
}

/// Ends a ring because a stage failed, and keeps why; false when it has failed before.
#[napi(catch_unwind)]
pub fn fail_ring(handle: u32, stage: String, message: String, details: Uint8ArraySlice<'_>) -> Result<bool> {
    with(handle, |ring| ring.fail_by(Failure { part: stage, message, details: details.to_vec() }))
}

/// Why a ring failed, where that is known.
#[napi(catch_unwind)]
pub fn ring_failure(env: &Env, handle: u32) -> Result<Option<RingFailure<'_>>> {
    let failure = with(handle, |ring| ring.failure().cloned())?;
    let read = |Failure { part, message, details }| {
        Ok(RingFailure { stage: part, message, details: BufferSlice::copy_from(env, details)? })
    };
    failure.map(read).transpose()
}
