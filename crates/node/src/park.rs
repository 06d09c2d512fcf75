//! Blocking a worker's JavaScript thread, a slice at a time.

use napi_derive::napi;
use std::time::Duration;

/// Blocks the calling thread for at most `milliseconds`, or until a waker of this thread is called. One that was called
/// since the last time counts.
#[napi(catch_unwind)]
pub fn park(milliseconds: u32) {
    std::thread::park_timeout(Duration::from_millis(milliseconds.into()));
}

/// Lets other threads of this processor run.
#[napi(catch_unwind)]
pub fn yield_now() {
    std::thread::yield_now();
}

/// Whether closing a ring fences all threads of this process, so that who publishes needs no fence of its own.
#[napi(catch_unwind)]
pub fn fences_others() -> bool {
    millrace_park::Barrier::new().is_asymmetric()
}
