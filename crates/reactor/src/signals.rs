//! Keeps a host's signals on the host's threads.

/// Runs `spawn` with asynchronous signals blocked, so that the thread it makes starts with them blocked and never has
/// an instant in which a signal meant for the host could be delivered to it. The caller's mask is put back.
#[cfg(unix)]
pub(crate) fn blocked_while<T>(spawn: impl FnOnce() -> T) -> T {
    use std::mem::MaybeUninit;
    /// Raised by what the thread itself does: blocking these would hide a crash from the host's handlers.
    const SYNCHRONOUS: [libc::c_int; 6] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT];
    let mut set = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: `set` is initialised by sigfillset before anything reads it; `before` is written by pthread_sigmask
    // whenever that returns 0, and only read then.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        for signal in SYNCHRONOUS {
            libc::sigdelset(set.as_mut_ptr(), signal);
        }
        let changed = libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), before.as_mut_ptr()) == 0;
        let result = spawn();
        if changed {
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        }
        result
    }
}

/// Elsewhere signals are not delivered to threads.
#[cfg(not(unix))]
pub(crate) fn blocked_while<T>(spawn: impl FnOnce() -> T) -> T {
    spawn()
}
