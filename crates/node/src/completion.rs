//! Answers that come later than the call: kept until the event loop fetches them, announced by the doorbell.

use crate::environment::{Environment, lock};
use millrace_park::Doorbell;
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::sync::{Arc, Mutex};

/// The doorbell's source that stands for completions.
const SOURCE: u32 = 0;

/// One answer.
#[napi(object)]
#[derive(Debug, Default)]
pub struct Completion {
    /// The number the call was made with.
    pub call: u32,
    /// Whether more is told of this call, and the answer is still to come.
    pub interim: bool,
    /// What went wrong, by the facades' code, or by the system's name (`EADDRINUSE`).
    pub code: Option<String>,
    /// The system's number, when it was the system.
    pub errno: Option<i32>,
    /// More words on what went wrong.
    pub message: Option<String>,
    /// What the call is answered with.
    pub numbers: Vec<f64>,
    /// What the call is answered with, in words.
    pub text: Option<String>,
}

/// The answers of one environment.
#[derive(Debug)]
pub(crate) struct Completions {
    ready: Mutex<Vec<Completion>>,
    doorbell: Arc<Doorbell>,
}

impl Completions {
    pub(crate) fn new(doorbell: Arc<Doorbell>) -> Self {
        Self { ready: Mutex::default(), doorbell }
    }

    /// Answers a call, from any thread.
    pub(crate) fn answer(&self, completion: Completion) {
        lock(&self.ready).push(completion);
        self.doorbell.ring(SOURCE);
    }
}

/// Fetches what was answered since the last time.
#[napi(catch_unwind)]
pub fn take_completions(environment: u32) -> Result<Vec<Completion>> {
    Ok(std::mem::take(&mut *lock(&Environment::get(environment)?.completions.ready)))
}
