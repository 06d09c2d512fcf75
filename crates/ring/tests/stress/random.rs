//! Numbers that look random, by a seed: splitmix64.

use std::thread;
use std::time::Duration;

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 and below `n`.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        (self.next() % u64::from(n)) as u32
    }

    pub(crate) fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// Mostly none, sometimes long enough for all others to run dry or full.
    pub(crate) fn pause(&mut self) {
        match self.below(64) {
            0 => thread::sleep(Duration::from_micros(self.below(300).into())),
            1..4 => thread::yield_now(),
            4..6 => (0..self.below(2000)).for_each(|_| std::hint::spin_loop()),
            _ => (),
        }
    }
}
