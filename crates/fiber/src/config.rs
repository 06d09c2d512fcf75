//! How a scheduler is set up.

use std::io;
use std::thread;

/// Most workers of one scheduler.
const WORKERS: usize = 1024;

/// What [`Scheduler::new`](crate::Scheduler::new) is made from.
///
/// ```
/// use millrace_fiber::{Config, Scheduler};
/// let scheduler = Scheduler::new(Config { workers: 2, name: "digest".into(), ..Config::default() })?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Native threads, 1 to 1024. Default: one a core.
    pub workers: usize,
    /// Bytes of each coroutine's stack, rounded up to pages; the guard comes on top. Default: 64 KiB, which is address
    /// space and not memory: pages count when they are first touched. Less is for code known to be shallow: printing a
    /// panic with its backtrace takes a good part of it. A coroutine that outgrows its stack meets the guard, and the
    /// process dies.
    pub stack_size: usize,
    /// Name of the threads, with `-0`, `-1` and so on behind. Default: `fiber`. Linux shows the first 15 bytes.
    pub name: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: thread::available_parallelism().map_or(1, Into::into).min(WORKERS),
            stack_size: 64 * 1024,
            name: "fiber".into(),
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> io::Result<()> {
        let wrong = |what: String| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        if !(1..=WORKERS).contains(&self.workers) {
            return wrong(format!("workers is {}, and has to be from 1 to {WORKERS}", self.workers));
        }
        if !(4096..=1 << 40).contains(&self.stack_size) {
            return wrong(format!("stack_size is {} bytes, and has to be from 4 KiB to 1 TiB", self.stack_size));
        }
        if self.name.contains('\0') {
            return wrong(format!("name is {:?}, and must not contain a NUL", self.name));
        }
        Ok(())
    }
}
