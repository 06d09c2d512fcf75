//! Schedulers of native coroutines.

use crate::environment::{Environment, lock};
use crate::failure::{failure, gone};
use millrace_fiber::{Config, Scheduler};
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

static SCHEDULERS: LazyLock<Mutex<HashMap<u32, Arc<Scheduler>>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The scheduler with this number, until it is ended.
pub(crate) fn scheduler(number: u32) -> Result<Arc<Scheduler>> {
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
