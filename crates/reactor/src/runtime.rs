//! The reactor's thread.

use crate::controller::{Controller, Shared};
use crate::engine::Engine;
use crate::options::RuntimeOptions;
use crate::readiness::Readiness;
use crate::signals;
use crate::turn::Reactor;
use millrace_park::sync::lock;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// One reactor: a native thread that owns an engine, its listeners and their connections.
///
/// The thread is named, and asynchronous signals are blocked in it. Dropping the runtime shuts the reactor down and
/// waits for its thread, which takes no longer than the turn it is in.
///
/// ```
/// use millrace_reactor::{Runtime, RuntimeOptions};
/// let runtime = Runtime::start(RuntimeOptions::default())?;
/// println!("on {}", runtime.controller().engine());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Runtime {
    controller: Controller,
    thread: Option<JoinHandle<()>>,
}

impl Runtime {
    /// Starts a reactor on the platform's readiness engine.
    ///
    /// # Errors
    /// The operating system's, when it gives no poller or no thread.
    pub fn start(options: RuntimeOptions) -> io::Result<Self> {
        Self::with_engine(options, Readiness::new()?)
    }

    /// Starts a reactor on `engine`.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn with_engine<E: Engine + Send + 'static>(options: RuntimeOptions, engine: E) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(engine.name(), engine.notifier()));
        let controller = Controller::new(shared.clone());
        let builder = thread::Builder::new().name(options.name.clone());
        let thread = signals::blocked_while(|| {
            builder.spawn(move || {
                let end = End(shared.clone());
                Reactor::new(engine, shared, &options).run();
                drop(end);
            })
        })?;
        Ok(Self { controller, thread: Some(thread) })
    }

    /// A handle that commands the reactor from any thread.
    #[must_use]
    pub fn controller(&self) -> Controller {
        self.controller.clone()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.controller.shutdown();
        if let Some(thread) = self.thread.take() {
            // The thread catches every panic of its implementers; one of its own was already reported by the hook.
            let _ = thread.join();
        }
    }
}

/// However the thread ends, commands that come later are answered with `None`.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        let left = lock(&self.0.commands).take();
        drop(left);
    }
}
