//! How the threads of a model sleep: without deadlines, which would make it depend on the clock.

use loom::thread;
use millrace_park::Sleeper;
use std::task::{Wake, Waker};
use std::time::Duration;

struct Unpark(loom::thread::Thread);

impl Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

pub(crate) struct LoomSleeper;

impl Sleeper for LoomSleeper {
    fn waker(&self) -> Waker {
        std::sync::Arc::new(Unpark(thread::current())).into()
    }
    fn sleep(&self, _: Option<Duration>) {
        thread::park();
    }
}
