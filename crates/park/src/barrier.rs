//! A full fence of which one side pays nearly all.
//!
//! Dekker's handshake (see the crate's text) wants a full fence between a store and a later load on both sides. Where
//! one side does it for every event and the other once in a while, the rare side can pay for both: it has the kernel
//! run a full fence on every core where a thread of this process is running (`membarrier`, private expedited; Linux
//! 4.14), after which every thread is either before its store, and will see ours, or behind it, and we see theirs. The
//! frequent side then only keeps the compiler from moving its load up. A light fence costs nothing, a heavy one 1 to
//! 40 microseconds. As in liburcu and folly (`asymmetricThreadFence`).
//!
//! Where the kernel offers none, and under loom, both are full fences. So the models show that fences stand where they
//! must; that a heavy one stands for the light ones of all other threads is argued here, not modelled. Memory shared with other processes needs the
//! full fence always: this reaches threads of one process only.

use crate::sync::atomic::{Ordering::SeqCst, fence};

/// How one object's threads fence. Made once for the object, because all sides must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Barrier {
    asymmetric: bool,
}

impl Barrier {
    /// The cheapest this process can have.
    #[must_use]
    pub fn new() -> Self {
        Self { asymmetric: kernel::register() }
    }

    /// One where both sides pay: for objects whose rare side is not rare, because a heavy fence takes as long as several
    /// thousand light ones save.
    #[must_use]
    pub const fn symmetric() -> Self {
        Self { asymmetric: false }
    }

    /// Whether a light fence is none but for the compiler; for a frequent side that this code is not.
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        self.asymmetric
    }

    /// The frequent side, between its store and its load.
    #[inline(always)]
    pub fn light(self) {
        if self.asymmetric {
            std::sync::atomic::compiler_fence(SeqCst);
        } else {
            fence(SeqCst);
        }
    }

    /// The rare side, between its store and its load.
    ///
    /// # Panics
    /// When the kernel, which had granted the expedited fence to this process, does neither that nor the slow one: a
    /// sandbox that was closed since may do so. No other fence reaches threads that have none of their own.
    pub fn heavy(self) {
        if self.asymmetric {
            kernel::fence_all();
        } else {
            fence(SeqCst);
        }
    }
}

impl Default for Barrier {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(target_os = "linux", not(loom)))]
mod kernel {
    use std::sync::OnceLock;

    /// Waits until every thread of the system has been scheduled: some ten milliseconds. Known as `SHARED` before 4.16.
    const GLOBAL: libc::c_int = 1;
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: the call takes three integers and touches no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    /// Asks the kernel once a process; false when it refuses (an old kernel, a sandbox).
    pub(super) fn register() -> bool {
        static REGISTERED: OnceLock<bool> = OnceLock::new();
        *REGISTERED.get_or_init(|| membarrier(REGISTER_PRIVATE_EXPEDITED))
    }

    pub(super) fn fence_all() {
        fence_by(membarrier);
    }

    fn fence_by(membarrier: impl Fn(libc::c_int) -> bool) {
        // The expedited one may have no memory for its list of cores at the moment. The other one needs none.
        let done = membarrier(PRIVATE_EXPEDITED) || membarrier(PRIVATE_EXPEDITED) || membarrier(GLOBAL);
        assert!(done, "the kernel took back a barrier that it had granted");
    }

    #[cfg(test)]
    mod tests {
        use super::{GLOBAL, PRIVATE_EXPEDITED, fence_by};
        use std::cell::Cell;

        #[test]
        fn a_fence_that_the_kernel_has_no_memory_for_is_made_all_the_same() {
            let refused = Cell::new(0);
            fence_by(|command| command == PRIVATE_EXPEDITED && refused.replace(1) == 1);
            fence_by(|command| command == GLOBAL);
        }
    }
}

#[cfg(not(all(target_os = "linux", not(loom))))]
mod kernel {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn fence_all() {
        unreachable!("never asymmetric here");
    }
}
