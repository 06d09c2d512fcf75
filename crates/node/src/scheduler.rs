//! Schedulers, and native work that runs as a stage of a ring.

use crate::completion::Completion;
use crate::environment::{Environment, lock};
use crate::failure::{failure, gone, open_failed};
use crate::hash::{self, Algorithm, Field};
use crate::ring::ring;
use millrace_fiber::{Cancelled, Config, Scheduler, current_sleeper};
use millrace_ring::{ByteConsumer, Consumer, Gone, Waited};
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};

static SCHEDULERS: LazyLock<Mutex<HashMap<u32, Arc<Scheduler>>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Bytes of records, or events, that a stage works through in one turn in the ring's memory: well under a
/// millisecond, which is what the end of an environment may have to wait.
const TURN_BYTES: u32 = 128 * 1024;
const TURN_EVENTS: u32 = 256;

fn scheduler(number: u32) -> Result<Arc<Scheduler>> {
    lock(&SCHEDULERS).get(&number).cloned().ok_or_else(|| gone("this scheduler"))
}

/// Starts a scheduler; it ends with the environment.
#[napi(catch_unwind)]
pub fn create_scheduler(environment: u32, workers: u32, name: String) -> Result<u32> {
    let environment = Environment::get(environment)?;
    let config = Config { workers: workers as usize, name, ..Config::default() };
    let scheduler = Scheduler::new(config).map_err(|error| failure("INTERNAL", error))?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    lock(&SCHEDULERS).insert(number, Arc::new(scheduler));
    environment.at_end(move || end_scheduler(number));
    Ok(number)
}

/// Ends a scheduler: its coroutines are cancelled where they wait, its threads joined.
#[napi(catch_unwind)]
pub fn end_scheduler(number: u32) {
    let scheduler = lock(&SCHEDULERS).remove(&number);
    if let Some(scheduler) = scheduler {
        scheduler.shutdown();
    }
}

/// The totals of a scheduler: spawned, finished, stolen, parked, wakes made and elided.
#[napi(catch_unwind)]
pub fn scheduler_totals(number: u32) -> Result<Vec<f64>> {
    let stats = scheduler(number)?.stats();
    Ok([stats.spawned, stats.finished, stats.steals, stats.parked, stats.wakes_made, stats.wakes_elided]
        .map(|n| n as f64)
        .to_vec())
}

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

/// Runs a hash as stage `stage` of a ring, in a coroutine. Answered when the ring has ended, or with `CLOSED` when the
/// scheduler ended first.
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
    let answer = || Answer { environment: Arc::downgrade(&environment), call, code: Some("CLOSED") };
    match u32::try_from(work.from) {
        Err(_) => {
            let records = ring.byte_consumer_at(stage, environment.number).map_err(open_failed)?;
            let answer = answer();
            scheduler.spawn(move || answer.after(|| hash_records(records, algorithm, &to)));
        }
        Ok(at) => {
            let from = Field { at: at as usize, length: work.from_length as usize, text: work.from_text };
            let events = ring.consumer_at(stage, environment.number).map_err(open_failed)?;
            let answer = answer();
            scheduler.spawn(move || answer.after(|| hash_events(events, algorithm, &from, &to)));
        }
    }
    Ok(())
}

fn hash_records(mut records: ByteConsumer, algorithm: Algorithm, to: &Field) {
    let sleeper = current_sleeper();
    while records.wait(&sleeper, None) == Ok(Waited::Ready) {
        let polled = records.poll(TURN_BYTES, |record| {
            let digest = algorithm.digest(record.payload());
            hash::put(record.fields_mut(), to, &digest);
        });
        if polled == Err(Gone) {
            return;
        }
        millrace_fiber::yield_now();
    }
}

fn hash_events(mut events: Consumer, algorithm: Algorithm, from: &Field, to: &Field) {
    let sleeper = current_sleeper();
    while events.wait(&sleeper, None) == Ok(Waited::Ready) {
        let polled = events.poll(TURN_EVENTS, |_, event, _| {
            let digest = algorithm.digest(hash::get(event, from));
            hash::put(event, to, &digest);
        });
        if polled == Err(Gone) {
            return;
        }
        millrace_fiber::yield_now();
    }
}

/// Answers a call when it is dropped, so that a coroutine answers however it ends: also one that was cancelled, or never
/// began because its scheduler was shut down.
struct Answer {
    environment: Weak<Environment>,
    call: u32,
    code: Option<&'static str>,
}

impl Answer {
    /// Does the work, and answers once all that it held is given back.
    fn after(mut self, work: impl FnOnce()) {
        self.code = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(()) => None,
            Err(cause) if cause.is::<Cancelled>() => Some("CLOSED"),
            Err(_panic) => Some("INTERNAL"),
        };
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(environment) = self.environment.upgrade() else { return };
        let code = self.code.map(str::to_owned);
        environment.completions.answer(Completion { call: self.call, code, ..Completion::default() });
    }
}
