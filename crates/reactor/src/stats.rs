//! Counters that one thread writes and any thread reads.

use crate::message::CloseReason;
use millrace_park::SleepFlag;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only the reactor's thread changes, so that counting needs no locked instruction.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Counts up; from the reactor's thread only.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Counts down; from the reactor's thread only.
    #[inline]
    pub(crate) fn subtract(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_sub(n), Relaxed);
    }

    /// The number now; from any thread.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! counters {
    ($(#[$documentation:meta])* $public:ident, $private:ident { $($(#[$field_documentation:meta])* $field:ident,)* }) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $public {
            $($(#[$field_documentation])* pub $field: u64,)*
        }

        impl $public {
            /// Every total by its name.
            pub fn entries(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field)),*].into_iter()
            }
        }

        #[derive(Debug, Default)]
        pub(crate) struct $private {
            $(pub(crate) $field: Counter,)*
        }

        impl $private {
            fn read(&self) -> $public {
                $public { $($field: self.$field.get(),)* }
            }
        }
    };
}

counters! {
    /// Totals of a reactor since it started.
    ReactorStats, ReactorCounters {
        /// Turns of the loop.
        turns,
        /// Turns that blocked.
        blocked,
        /// Completions the engine reported.
        completions,
        /// Wakes that needed a system call, because the loop slept.
        wakes_made,
        /// Wakes that did not, because it was awake.
        wakes_elided,
        /// Connections of all listeners now.
        connections,
        /// Things taken from outboxes.
        outgoing,
        /// Replies to tokens that were answered already, or whose connection is gone.
        stale_replies,
        /// Sends, writes and commands to connections that are gone.
        stale_connections,
        /// Inboxes and outboxes dropped because they panicked.
        panics,
        /// Connections closed unserved because the process was out of descriptors.
        out_of_descriptors,
    }
}

counters! {
    /// Totals of a listener since it was opened.
    ListenerStats, ListenerCounters {
        /// Connections accepted and served.
        accepted,
        /// Connections accepted and closed, because there were as many as allowed.
        refused,
        /// Connections now.
        connections,
        /// Bytes received.
        bytes_in,
        /// Bytes handed to the engine to be sent.
        bytes_out,
        /// Frames delivered.
        frames,
        /// Replies that were given in full, or released.
        replies,
        /// Frames delivered and not yet answered.
        owed,
        /// Times an inbox was full.
        full,
        /// Times a connection was not read from because its write limit was reached.
        write_pauses,
        /// Sends dropped at the write limit.
        dropped,
        /// Connections closed with reason `end`.
        closed_end,
        /// Connections closed with reason `reset`.
        closed_reset,
        /// Connections closed with reason `protocol`.
        closed_protocol,
        /// Connections closed with reason `frame-too-large`.
        closed_frame_too_large,
        /// Connections closed with reason `frame-timeout`.
        closed_frame_timeout,
        /// Connections closed with reason `idle-timeout`.
        closed_idle_timeout,
        /// Connections closed with reason `write-limit`.
        closed_write_limit,
        /// Connections closed with reason `closed`.
        closed_closed,
        /// Connections closed with reason `drained`.
        closed_drained,
        /// Connections closed with reason `error`.
        closed_error,
    }
}

impl ReactorCounters {
    /// The totals now; the wakes are counted where they are made.
    pub(crate) fn snapshot(&self, flag: &SleepFlag) -> ReactorStats {
        ReactorStats { wakes_made: flag.made(), wakes_elided: flag.elided(), ..self.read() }
    }
}

impl ListenerCounters {
    /// The totals now.
    pub(crate) fn snapshot(&self) -> ListenerStats {
        self.read()
    }

    /// The counter of connections closed for this reason.
    pub(crate) fn closed(&self, reason: CloseReason) -> &Counter {
        match reason {
            CloseReason::End => &self.closed_end,
            CloseReason::Reset => &self.closed_reset,
            CloseReason::Protocol => &self.closed_protocol,
            CloseReason::FrameTooLarge => &self.closed_frame_too_large,
            CloseReason::FrameTimeout => &self.closed_frame_timeout,
            CloseReason::IdleTimeout => &self.closed_idle_timeout,
            CloseReason::WriteLimit => &self.closed_write_limit,
            CloseReason::Closed => &self.closed_closed,
            CloseReason::Drained => &self.closed_drained,
            CloseReason::Error => &self.closed_error,
        }
    }
}
