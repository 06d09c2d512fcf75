//! One environment: its doorbell, and how all it owns ends with it.
//!
//! # Order at the end
//! Cleanup hooks run last in, first out. Ours is registered behind the ThreadsafeFunction, so it runs while that is
//! still good; it first ends what native threads do for this environment, then gives its stages and seats back, then
//! detaches its memory (which waits for a turn under way), and last its doorbell. After that nothing native touches
//! the environment.

use crate::completion::Completions;
use crate::failure::gone;
use millrace_park::{Bell, Doorbell, Registry};
use napi::bindgen_prelude::*;
use napi::{Env, sys};
use napi_derive::napi;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// The regions of this process.
pub(crate) static REGIONS: LazyLock<Registry> = LazyLock::new(Registry::default);

static ENVIRONMENTS: LazyLock<Mutex<HashMap<u32, Arc<Environment>>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Locks whether or not somebody panicked under the lock: what our locks guard is whole at every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What ends with the environment, beside its memory and its doorbell.
type End = Box<dyn FnOnce() + Send>;

pub(crate) struct Environment {
    pub(crate) number: u32,
    pub(crate) doorbell: Arc<Doorbell>,
    pub(crate) completions: Completions,
    function: Call,
    ends: Mutex<HashMap<u32, End>>,
    next_end: AtomicU32,
}

/// The ThreadsafeFunction. It is called under the doorbell's lock, and referenced on the environment's own thread.
#[derive(Clone, Copy)]
struct Call(sys::napi_threadsafe_function);

// SAFETY: a threadsafe function may be called from any thread; that is what it is for.
unsafe impl Send for Call {}
// SAFETY: as above.
unsafe impl Sync for Call {}

impl Call {
    /// Calls the event loop; false once it takes no calls.
    fn call(self) -> bool {
        // SAFETY: the function is good until the environment's hook has detached the doorbell, under whose lock this runs.
        let status = unsafe {
            sys::napi_call_threadsafe_function(self.0, ptr::null_mut(), sys::ThreadsafeFunctionCallMode::nonblocking)
        };
        status == sys::Status::napi_ok
    }
}

impl Environment {
    /// The environment with this number, while it lives.
    pub(crate) fn get(number: u32) -> Result<Arc<Self>> {
        lock(&ENVIRONMENTS).get(&number).cloned().ok_or_else(|| gone("this environment"))
    }

    /// Has `end` run when the environment ends; the number takes it back.
    pub(crate) fn at_end(&self, end: impl FnOnce() + Send + 'static) -> u32 {
        let number = self.next_end.fetch_add(1, Ordering::Relaxed);
        lock(&self.ends).insert(number, Box::new(end));
        number
    }

    /// Takes an end back, because what it would end has ended.
    pub(crate) fn forget_end(&self, number: u32) {
        let end = lock(&self.ends).remove(&number);
        drop(end);
    }

    fn end(&self) {
        let ends = std::mem::take(&mut *lock(&self.ends));
        for (_, end) in ends {
            // One part that panics must not keep the others from ending.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(end));
        }
        crate::ring::release_environment(self.number);
        REGIONS.detach_environment(u64::from(self.number));
        self.doorbell.detach();
    }
}

unsafe extern "C" fn clean_up(number: *mut c_void) {
    let environment = lock(&ENVIRONMENTS).remove(&(number.addr() as u32));
    if let Some(environment) = environment {
        environment.end();
    }
}

/// Attaches the calling environment. `bell` is memory for its doorbell, which the caller keeps; `ring` is called on its
/// event loop when a source is ready. Gives the environment's number.
#[napi(catch_unwind)]
pub fn attach_environment(env: Env, mut bell: Int32Array, ring: Function<'_, (), ()>) -> Result<u32> {
    // SAFETY: only the address is taken; the length is checked.
    let words = unsafe { bell.as_mut() };
    if words.len() * 4 < size_of::<Bell>() {
        return Err(crate::failure::failure("INTERNAL", "the doorbell's memory is too short"));
    }
    let memory = NonNull::from(words).cast::<Bell>();
    let function = create_function(env.raw(), ring.raw())?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the facade keeps `bell` as long as the environment lives, whose hook detaches the doorbell.
    let doorbell = Arc::new(unsafe { Doorbell::attach(memory, Box::new(move || function.call())) });
    let environment = Arc::new(Environment {
        number,
        completions: Completions::new(doorbell.clone()),
        doorbell,
        function,
        ends: Mutex::default(),
        next_end: AtomicU32::new(0),
    });
    lock(&ENVIRONMENTS).insert(number, environment);
    // SAFETY: called on the environment's thread; the argument is a number, not a pointer.
    let status = unsafe {
        sys::napi_add_env_cleanup_hook(env.raw(), Some(clean_up), ptr::without_provenance_mut(number as usize))
    };
    check(status)?;
    Ok(number)
}

fn create_function(env: sys::napi_env, callback: sys::napi_value) -> Result<Call> {
    let mut name = ptr::null_mut();
    let mut function = ptr::null_mut();
    // SAFETY: on the environment's thread, with values of this call. No queue limit: calls are coalesced, so that at
    // most one is queued, and one that blocks could never be.
    unsafe {
        check(sys::napi_create_string_utf8(env, c"millrace".as_ptr(), 8, &raw mut name))?;
        check(sys::napi_create_threadsafe_function(
            env,
            callback,
            ptr::null_mut(),
            name,
            0,
            1,
            ptr::null_mut(),
            None,
            ptr::null_mut(),
            None,
            &raw mut function,
        ))?;
        check(sys::napi_unref_threadsafe_function(env, function))?;
    }
    Ok(Call(function))
}

fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(crate::failure::failure("INTERNAL", format_args!("Node-API answered {status}")))
}

/// Keeps the event loop alive, or lets it end. Counting is the facade's work.
#[napi(catch_unwind)]
pub fn hold_event_loop(env: Env, environment: u32, hold: bool) -> Result<()> {
    let Call(function) = Environment::get(environment)?.function;
    // SAFETY: on the environment's thread, which lives, so its function does.
    check(unsafe {
        if hold {
            sys::napi_ref_threadsafe_function(env.raw(), function)
        } else {
            sys::napi_unref_threadsafe_function(env.raw(), function)
        }
    })
}

/// What natives of all environments count: regions known, and this environment's calls made and elided.
#[napi(catch_unwind)]
pub fn environment_stats(environment: u32) -> Result<Vec<f64>> {
    let environment = Environment::get(environment)?;
    Ok([REGIONS.len() as u64, environment.doorbell.made(), environment.doorbell.elided()].map(|n| n as f64).to_vec())
}
