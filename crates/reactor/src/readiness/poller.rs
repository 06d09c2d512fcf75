//! The system's readiness, behind one small type.
//!
//! Registration goes through `polling` everywhere. On Linux the wait itself does not: `polling` sets a timerfd,
//! re-arms it, reads its eventfd and re-arms that one around each `epoll_wait`, which makes five system calls a turn
//! of one. Here the same epoll descriptor is waited on directly, and the reactor is woken through an eventfd that is
//! registered edge-triggered and therefore never has to be read.

use socket2::Socket;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// What a socket is registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Interest {
    pub(super) read: bool,
    pub(super) write: bool,
}

impl Interest {
    pub(super) fn any(self) -> bool {
        self.read || self.write
    }

    fn event(self, token: u32) -> polling::Event {
        polling::Event::new(token as usize, self.read, self.write)
    }
}

/// A socket that is ready. An error or a hang-up reads as both: the call that follows will tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) token: u32,
    pub(super) readable: bool,
    pub(super) writable: bool,
}

pub(super) struct Poller {
    poller: Arc<polling::Poller>,
    wait: Wait,
}

impl Poller {
    pub(super) const NAME: &'static str = if cfg!(any(target_os = "linux", target_os = "android")) {
        "epoll"
    } else if cfg!(windows) {
        "iocp"
    } else if cfg!(any(target_os = "illumos", target_os = "solaris")) {
        "event-ports"
    } else {
        "kqueue"
    };

    /// Whether closing a socket may take it out of the poller; `polling` asks for a delete everywhere else.
    pub(super) const FORGETS_BY_ITSELF: bool = cfg!(any(target_os = "linux", target_os = "android"));

    pub(super) fn new() -> io::Result<Self> {
        let poller = Arc::new(polling::Poller::new()?);
        let wait = Wait::new(&poller)?;
        Ok(Self { poller, wait })
    }

    pub(super) fn add(&self, socket: &Socket, token: u32, interest: Interest) -> io::Result<()> {
        // SAFETY: a socket is taken out of the poller before it is closed (`Stream::close`, `close_listener`), except
        // where the kernel does that by itself.
        unsafe { self.poller.add_with_mode(socket, interest.event(token), polling::PollMode::Level) }
    }

    pub(super) fn modify(&self, socket: &Socket, token: u32, interest: Interest) -> io::Result<()> {
        self.poller.modify_with_mode(socket, interest.event(token), polling::PollMode::Level)
    }

    pub(super) fn delete(&self, socket: &Socket) -> io::Result<()> {
        self.poller.delete(socket)
    }

    /// Gathers what is ready, for as long as `timeout` if nothing is; for ever without one.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.wait.wait(&self.poller, timeout)
    }

    /// The next of what the last wait gathered.
    pub(super) fn next(&mut self) -> Option<Ready> {
        self.wait.next()
    }

    /// What makes a wait return, from any thread.
    pub(super) fn notifier(&self) -> Box<dyn Fn() + Send + Sync> {
        self.wait.notifier(&self.poller)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use linux::Wait;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use portable::Wait;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use super::Ready;
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::fd::{AsRawFd, FromRawFd};
    use std::sync::Arc;
    use std::time::Duration;

    /// Events fetched at once. 256 of them are 3 KiB and a long turn already.
    const EVENTS: usize = 256;
    const WAKE: u64 = u32::MAX as u64 + 1;

    pub(super) struct Wait {
        events: Box<[libc::epoll_event]>,
        at: usize,
        len: usize,
        eventfd: Arc<File>,
    }

    impl Wait {
        pub(super) fn new(poller: &polling::Poller) -> io::Result<Self> {
            // SAFETY: eventfd takes no pointers.
            let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
            if descriptor < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the descriptor is fresh from the kernel and nobody else's.
            let eventfd = Arc::new(unsafe { File::from_raw_fd(descriptor) });
            // SAFETY: epoll forgets a descriptor when it is closed; it is closed with the last notifier.
            unsafe {
                poller.add_with_mode(&*eventfd, polling::Event::readable(WAKE as usize), polling::PollMode::Edge)?;
            }
            Ok(Self { events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS].into(), at: 0, len: 0, eventfd })
        }

        pub(super) fn wait(&mut self, poller: &polling::Poller, timeout: Option<Duration>) -> io::Result<()> {
            self.at = 0;
            self.len = 0;
            // Rounded up: a timer must not come early.
            let timeout = match timeout {
                None => -1,
                Some(timeout) => i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX),
            };
            // SAFETY: the pointer and the length are those of a live buffer that only the kernel writes during the
            // call; the descriptor is the poller's, which outlives it.
            let ready = unsafe {
                libc::epoll_wait(poller.as_raw_fd(), self.events.as_mut_ptr(), self.events.len() as i32, timeout)
            };
            match usize::try_from(ready) {
                Ok(ready) => {
                    self.len = ready;
                    Ok(())
                }
                Err(_negative) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                    error => Err(error),
                },
            }
        }

        pub(super) fn next(&mut self) -> Option<Ready> {
            const BOTH: u32 = (libc::EPOLLERR | libc::EPOLLHUP) as u32;
            while self.at < self.len {
                let libc::epoll_event { events, u64: key } = self.events[self.at];
                self.at += 1;
                if let Ok(token) = u32::try_from(key) {
                    return Some(Ready {
                        token,
                        readable: events & (libc::EPOLLIN as u32 | BOTH) != 0,
                        writable: events & (libc::EPOLLOUT as u32 | BOTH) != 0,
                    });
                }
            }
            None
        }

        pub(super) fn notifier(&self, _poller: &Arc<polling::Poller>) -> Box<dyn Fn() + Send + Sync> {
            let eventfd = self.eventfd.clone();
            Box::new(move || {
                // Fails only when the counter is full, and then the wait returns anyway.
                let _ = (&*eventfd).write(&1_u64.to_ne_bytes());
            })
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod portable {
    use super::Ready;
    use std::io;
    use std::sync::Arc;
    use std::time::Duration;

    pub(super) struct Wait {
        events: polling::Events,
        ready: Vec<Ready>,
        at: usize,
    }

    impl Wait {
        pub(super) fn new(_poller: &polling::Poller) -> io::Result<Self> {
            Ok(Self { events: polling::Events::new(), ready: Vec::new(), at: 0 })
        }

        pub(super) fn wait(&mut self, poller: &polling::Poller, timeout: Option<Duration>) -> io::Result<()> {
            self.events.clear();
            self.ready.clear();
            self.at = 0;
            poller.wait(&mut self.events, timeout)?;
            self.ready.extend(self.events.iter().map(|event| Ready {
                token: event.key as u32,
                readable: event.readable,
                writable: event.writable,
            }));
            Ok(())
        }

        pub(super) fn next(&mut self) -> Option<Ready> {
            let ready = self.ready.get(self.at).copied();
            self.at += 1;
            ready
        }

        pub(super) fn notifier(&self, poller: &Arc<polling::Poller>) -> Box<dyn Fn() + Send + Sync> {
            let poller = poller.clone();
            Box::new(move || {
                // Fails only when the poller is being torn down.
                let _ = poller.notify();
            })
        }
    }
}
