//! What has a time: one heap behind the engine's one timer.
//!
//! Alarms are set often and come true seldom, so none is ever taken out: whoever set one looks, when it comes, whether
//! it still means something. A connection has one or two in the heap at a time, however many frames it sends, because
//! an alarm that comes too early is set again for the rest of the time.

use crate::engine::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// A connection's idle, frame or lingering time may be over.
    Connection(u32),
    /// A listener's drain is out of time.
    Drain(u32),
    /// A listener whose accepting failed tries again.
    Accept(u32),
}

/// Alarms, the next one first.
#[derive(Default)]
pub(crate) struct Alarms {
    heap: BinaryHeap<Reverse<(Time, Alarm)>>,
}

impl Alarms {
    pub(crate) fn set(&mut self, at: Time, alarm: Alarm) {
        self.heap.push(Reverse((at, alarm)));
    }

    /// When the next one comes.
    pub(crate) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one out whose time has come.
    pub(crate) fn due(&mut self, now: Time) -> Option<(Time, Alarm)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(alarm)| alarm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_come_in_the_order_of_their_times_and_not_before() {
        let mut alarms = Alarms::default();
        for at in [30, 10, 20] {
            alarms.set(Time(at), Alarm::Connection(at as u32));
        }
        assert_eq!(alarms.next(), Some(Time(10)));
        assert_eq!(alarms.due(Time(9)), None);
        assert_eq!(alarms.due(Time(25)), Some((Time(10), Alarm::Connection(10))));
        assert_eq!(alarms.due(Time(25)), Some((Time(20), Alarm::Connection(20))));
        assert_eq!(alarms.due(Time(25)), None);
    }
}
