//! Alone in its process, because a panic hook is the whole process's.
#![cfg(not(loom))]

use millrace_fiber::{Config, Scheduler, park};
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

static CALLS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn a_cancel_calls_no_panic_hook_and_a_panic_calls_the_hosts() {
    panic::set_hook(Box::new(|_| {
        CALLS.fetch_add(1, SeqCst);
    }));
    let scheduler = Scheduler::new(Config { workers: 1, ..Config::default() }).unwrap();
    let waiting = scheduler.spawn(park);
    scheduler.spawn(|| ()).join().unwrap();
    waiting.cancel();
    assert!(waiting.join().is_err());
    let left = scheduler.spawn(park);
    scheduler.shutdown();
    assert!(left.join().is_err());
    assert_eq!(CALLS.load(SeqCst), 0);
    let scheduler = Scheduler::new(Config { workers: 1, ..Config::default() }).unwrap();
    assert!(scheduler.spawn(|| panic!("the host's hook hears this")).join().is_err());
    assert_eq!(CALLS.load(SeqCst), 1);
}
