//! Native threads that keep out of their host's way.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread with asynchronous signals blocked: those are the host's, and its threads take them.
///
/// The mask is set around the start and inherited: set by the new thread itself, it would leave a gap.
pub(crate) fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let _masked = masked::Masked::new();
    Builder::new().name(name).spawn(body)
}

#[cfg(unix)]
mod masked {
    use std::mem::MaybeUninit;
    use std::ptr;

    /// Asynchronous signals are blocked in this thread while it lives.
    pub(super) struct Masked {
        before: libc::sigset_t,
    }

    /// Raised by the very instruction that runs: blocked, they would kill the process without its handler being asked.
    const SYNCHRONOUS: [libc::c_int; 7] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT, libc::SIGSYS];

    impl Masked {
        pub(super) fn new() -> Self {
            let mut all = MaybeUninit::uninit();
            let mut before = MaybeUninit::uninit();
            // SAFETY: `sigfillset` writes the whole set, and `pthread_sigmask` reads it and writes the other one; both
            // are ours. They fail on wrong numbers only, and these are constants of the platform.
            unsafe {
                libc::sigfillset(all.as_mut_ptr());
                for signal in SYNCHRONOUS {
                    libc::sigdelset(all.as_mut_ptr(), signal);
                }
                libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
                Self { before: before.assume_init() }
            }
        }
    }

    impl Drop for Masked {
        fn drop(&mut self) {
            // SAFETY: `before` is the mask this thread had.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
        }
    }
}

#[cfg(not(unix))]
mod masked {
    /// There are no such signals here.
    pub(super) struct Masked;

    impl Masked {
        pub(super) fn new() -> Self {
            Self
        }
    }
}
