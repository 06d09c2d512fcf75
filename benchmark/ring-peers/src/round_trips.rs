//! One event at a time to another thread and back.

use crate::publish::Publish;
use crate::receive::Receive;
use std::thread;
use std::time::{Duration, Instant};

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trips {
    pub(crate) count: usize,
    /// Round trips before that, without a pause, that are not counted.
    pub(crate) warm_up: Duration,
    /// From an answer to the next event. The thread that asks sleeps; the one that answers waits as its side does.
    pub(crate) pause: Duration,
    /// Events that fit each way.
    pub(crate) slots: usize,
}

/// Two ways between two threads.
pub(crate) trait Link {
    /// Nanoseconds of each counted round trip.
    fn round_trips(&self, trips: Trips) -> Vec<u64>;
}

/// The event that ends the answering thread; no other has this number.
const LAST: u64 = 1 << 63;

/// Measures from the calling thread, which has the ends `out` and `back`, to one that has the ends `there` and `answer`.
pub(crate) fn round_trips(
    trips: Trips,
    (mut out, mut back): (impl Publish, impl Receive),
    (mut there, mut answer): (impl Receive + Send + 'static, impl Publish + Send + 'static),
) -> Vec<u64> {
    let answering = thread::spawn(move || {
        loop {
            let event = one(&mut there);
            answer.publish::<1>(event);
            if event == LAST {
                return;
            }
        }
    });
    let mut ask = |event| {
        let began = Instant::now();
        out.publish::<1>(event);
        let answered = one(&mut back);
        let took = began.elapsed();
        assert_eq!(answered, event, "another event came back");
        took.as_nanos() as u64
    };
    let mut event = 0;
    let warm = Instant::now() + trips.warm_up;
    while Instant::now() < warm {
        ask(event);
        event += 1;
    }
    let counted = event..event + trips.count as u64;
    let taken = counted
        .map(|event| {
            if !trips.pause.is_zero() {
                thread::sleep(trips.pause);
            }
            ask(event)
        })
        .collect();
    ask(LAST);
    answering.join().expect("a panic ends the process");
    taken
}

/// The only event that is on its way.
fn one(input: &mut impl Receive) -> u64 {
    let mut found = None;
    let more = input.take(|event| {
        let before = found.replace(event);
        assert!(before.is_none(), "two events came where one was sent");
    });
    found.filter(|_| more).expect("an end that stays until the last event")
}
