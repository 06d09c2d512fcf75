//! The descriptor that is kept for the moment when there is none left.

use socket2::{Domain, Protocol, Socket, Type};

/// One descriptor in reserve.
///
/// Without one, a listener whose process is out of descriptors is reported ready for ever and can do nothing about
/// it: not even refuse. With one, whoever waits is accepted and closed, and knows.
pub(super) struct Spare(Option<Socket>);

impl Spare {
    pub(super) fn new() -> Self {
        Self(reserve())
    }

    /// Accepts who waits and closes at once; false when nobody waited, nothing when there was no spare descriptor.
    pub(super) fn accept_and_close(&mut self, listener: &Socket) -> Option<bool> {
        // Without a spare one now, one may have become free since.
        let spare = self.0.take().or_else(reserve)?;
        drop(spare);
        let refused = listener.accept().is_ok();
        self.0 = reserve();
        Some(refused)
    }
}

fn reserve() -> Option<Socket> {
    Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).ok()
}
