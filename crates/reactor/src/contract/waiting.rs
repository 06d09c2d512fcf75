//! What a wait ends by: time, and wakes from other threads.

use super::World;
use super::stand::{Seen, Stand};
use crate::engine::{Completion, Engine, Time};
use std::time::Duration;

pub(crate) fn the_timer_comes_once_and_not_before_its_time<W: World>() {
    let mut stand = Stand::<W>::new();
    let start = stand.engine.now();
    let at = start.after(Duration::from_millis(15));
    stand.engine.timer(Some(at));
    let mut came = false;
    while !came {
        stand.engine.wait(true).unwrap();
        while let Some(completion) = stand.engine.next() {
            came |= matches!(completion, Completion::Timer);
        }
        assert!(came == (stand.engine.now() >= at));
    }
    assert_eq!(stand.turn(), []);
    stand.engine.timer(Some(Time::default()));
    assert_eq!(stand.turn(), [Seen::Timer]);
    stand.engine.timer(Some(stand.engine.now().after(Duration::from_millis(1))));
    stand.engine.timer(None);
    for _ in 0..20 {
        assert_eq!(stand.turn(), []);
        std::thread::sleep(Duration::from_micros(200));
    }
}

pub(crate) fn time_never_goes_back<W: World>() {
    let mut stand = Stand::<W>::new();
    let mut last = stand.engine.now();
    for _ in 0..1000 {
        stand.engine.wait(false).unwrap();
        assert!(stand.engine.now() >= last);
        last = stand.engine.now();
    }
}

pub(crate) fn a_notifier_wakes_the_current_or_the_next_wait<W: World>() {
    let mut stand = Stand::<W>::new();
    let notify = stand.engine.notifier();
    notify();
    stand.engine.wait(true).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(&notify).join().unwrap();
            stand.engine.wait(true).unwrap();
        }
        let sleeper = scope.spawn(move || stand.engine.wait(true).unwrap());
        notify();
        sleeper.join().unwrap();
    });
}
