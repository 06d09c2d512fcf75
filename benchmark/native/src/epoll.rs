//! epoll behind a safe face: level-triggered readiness to read, nothing else.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// How many events one wait can bring; more only lengthen the turn.
const EVENTS: usize = 256;

/// An epoll instance and the room for what one wait brings.
pub(crate) struct Epoll {
    descriptor: OwnedFd,
    events: Vec<libc::epoll_event>,
    ready: usize,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call just returned this descriptor, and nobody else holds it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { descriptor, events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS], ready: 0 })
    }

    /// Watches `source` for bytes to read; its events carry `token`. Closing `source` ends the watch.
    pub(crate) fn add(&self, source: &impl AsFd, token: usize) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token as u64 };
        // SAFETY: both descriptors are open (one is owned, one borrowed), and the kernel only reads
        // `event` during the call.
        let outcome = unsafe {
            libc::epoll_ctl(
                self.descriptor.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                source.as_fd().as_raw_fd(),
                &raw mut event,
            )
        };
        if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Waits for readiness, at most `timeout` (rounded down to milliseconds; `None`: for ever).
    /// Returns how many tokens [`Epoll::token`] can now be asked for.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        let timeout = timeout.map_or(-1, |wait| wait.as_millis().min(i32::MAX as u128) as i32);
        // SAFETY: the buffer is as long as said and stays in place during the call.
        let ready =
            unsafe { libc::epoll_wait(self.descriptor.as_raw_fd(), self.events.as_mut_ptr(), EVENTS as i32, timeout) };
        self.ready = match usize::try_from(ready) {
            Ok(ready) => ready,
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => 0,
                error => return Err(error),
            },
        };
        Ok(self.ready)
    }

    /// The token of the `index`-th event of the last wait.
    pub(crate) fn token(&self, index: usize) -> usize {
        self.events[..self.ready][index].u64 as usize
    }
}
