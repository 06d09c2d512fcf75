//! A word of memory each way, without a ring: what the machine takes at least for a round trip.

use crate::publish::Publish;
use crate::receive::Receive;
use crate::round_trips::{Link, Trips, round_trips};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, OnceLock};
use std::{hint, thread};

/// Threads that look again and again, or that `park` and are unparked for every event.
pub(crate) struct Words {
    pub(crate) park: bool,
}

impl Link for Words {
    fn round_trips(&self, trips: Trips) -> Vec<u64> {
        let [(out, there), (answer, back)] = [(); 2].map(|()| {
            let word = Arc::new(Word::default());
            (Out { word: word.clone(), park: self.park }, In { word, park: self.park, seen: 0 })
        });
        round_trips(trips, (out, back), (there, answer))
    }
}

/// The number of the last event, on lines of its own: cores take memory in pairs of 64 bytes.
#[derive(Default)]
#[repr(align(128))]
struct Word {
    /// One more than the event, so that 0 is none.
    event: AtomicU64,
    sleeper: OnceLock<thread::Thread>,
}

struct Out {
    word: Arc<Word>,
    park: bool,
}

impl Publish for Out {
    #[inline]
    fn publish<const N: u64>(&mut self, first: u64) {
        self.word.event.store(first.wrapping_add(N), Release);
        if self.park {
            self.word.sleeper.wait().unpark();
        }
    }
}

struct In {
    word: Arc<Word>,
    park: bool,
    /// What the word had when it was last looked at.
    seen: u64,
}

impl Receive for In {
    #[inline]
    fn take(&mut self, mut each: impl FnMut(u64)) -> bool {
        if self.park {
            self.word.sleeper.get_or_init(thread::current);
        }
        let mut event = self.word.event.load(Acquire);
        while event == self.seen {
            if self.park {
                thread::park()
            } else {
                hint::spin_loop()
            }
            event = self.word.event.load(Acquire);
        }
        self.seen = event;
        each(event.wrapping_sub(1));
        true
    }
}
