//! How a coroutine is ended from outside: by unwinding it where it waits.

use crate::coroutine::Core;
use std::fmt;
use std::panic::resume_unwind;
use std::thread::panicking;

/// What [`join`](crate::JoinHandle::join) returns as the error of a coroutine that was cancelled.
///
/// ```
/// use millrace_fiber::{Cancelled, Config, Scheduler, park};
/// let scheduler = Scheduler::new(Config { workers: 1, ..Config::default() })?;
/// let waiting = scheduler.spawn(|| loop { park() });
/// waiting.cancel();
/// assert!(waiting.join().unwrap_err().is::<Cancelled>());
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the coroutine was cancelled")
    }
}

impl std::error::Error for Cancelled {}

/// A suspension point: every one passes through here, and a cancelled coroutine unwinds before it suspends or after.
///
/// `resume_unwind` calls no panic hook, so nothing is printed. The flag stays set, so that code which catches the unwind
/// meets it again at its next suspension.
///
/// A second unwind that left a destructor would abort the process, so who unwinds already is left alone. The standard
/// library counts panics by thread, and another coroutine of this worker may be suspended in such a destructor: then
/// `panicking` says true here too. It is asked before the suspension, and what it denied then still holds after,
/// because the coroutine has run nothing in between: a destructor that cancels another coroutine and joins it works.
#[inline]
pub(crate) fn point<R>(core: &Core, suspend: impl FnOnce() -> R) -> R {
    let unwinding = panicking();
    if core.is_cancelled() && !unwinding {
        unwind();
    }
    let resumed = suspend();
    if core.is_cancelled() && !(unwinding && panicking()) {
        unwind();
    }
    resumed
}

#[cold]
fn unwind() -> ! {
    resume_unwind(Box::new(Cancelled));
}
