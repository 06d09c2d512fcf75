//! Cancel and shutdown.
#![cfg(not(loom))]

use millrace_fiber::{Cancelled, Config, JoinHandle, Scheduler, park, sleep, spawn, yield_now};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

fn scheduler(workers: usize) -> Scheduler {
    Scheduler::new(Config { workers, ..Config::default() }).unwrap()
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "still waiting for: {what}");
        thread::yield_now();
    }
}

fn is_cancelled<T>(handle: JoinHandle<T>) -> bool {
    handle.join().is_err_and(|error| error.is::<Cancelled>())
}

/// Counts its drops.
#[derive(Clone)]
struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_shutdown_unwinds_whatever_waits_and_leaks_nothing() {
    let scheduler = scheduler(2);
    let dropped = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..10_000)
        .map(|index| {
            let guard = Guard(dropped.clone());
            scheduler.spawn(move || {
                let _guard = guard;
                match index % 3 {
                    0 => loop {
                        park();
                    },
                    1 => sleep(Duration::from_secs(3600)),
                    _ => drop(spawn(park).join()),
                }
            })
        })
        .collect();
    until("all to wait", || scheduler.stats().parked == 10_000 + 3_333);
    scheduler.shutdown();
    assert_eq!(dropped.load(SeqCst), 10_000);
    let stats = scheduler.stats();
    assert_eq!((stats.parked, stats.finished), (0, stats.spawned));
    assert!(handles.into_iter().all(is_cancelled));
    drop(scheduler);
    assert_eq!(Arc::strong_count(&dropped), 1);
}

#[test]
fn a_shutdown_ends_what_yields_and_what_has_not_started() {
    let scheduler = scheduler(1);
    let dropped = Arc::new(AtomicUsize::new(0));
    let (tell, started) = mpsc::channel();
    let yielding = scheduler.spawn(move || {
        tell.send(()).unwrap();
        loop {
            yield_now();
        }
    });
    started.recv().unwrap();
    let (go, gate) = mpsc::channel::<()>();
    let (tell, busy) = mpsc::channel();
    let blocker = scheduler.spawn(move || {
        tell.send(()).unwrap();
        gate.recv()
    });
    busy.recv().unwrap();
    let ran = Arc::new(AtomicBool::new(false));
    let (guard, flag) = (Guard(dropped.clone()), ran.clone());
    let unstarted = scheduler.spawn(move || {
        let _guard = guard;
        flag.store(true, SeqCst);
    });
    thread::scope(|scope| {
        let shutdown = scope.spawn(|| scheduler.shutdown());
        until("a closed scheduler", || is_cancelled_at_once(&scheduler));
        go.send(()).unwrap();
        shutdown.join().unwrap();
    });
    blocker.join().unwrap().unwrap();
    assert!(is_cancelled(yielding));
    assert!(is_cancelled(unstarted));
    assert_eq!((dropped.load(SeqCst), ran.load(SeqCst)), (1, false));
}

/// A closed scheduler ends a spawn before the call returns; one whose worker is busy does not.
fn is_cancelled_at_once(scheduler: &Scheduler) -> bool {
    scheduler.spawn(|| ()).is_done()
}

#[test]
fn a_spawn_after_the_shutdown_is_cancelled() {
    let scheduler = scheduler(1);
    scheduler.shutdown();
    scheduler.shutdown();
    assert!(is_cancelled(scheduler.spawn(|| ())));
}

#[test]
fn spawns_that_race_with_the_shutdown_all_end() {
    for _ in 0..50 {
        let scheduler = Arc::new(scheduler(2));
        let spawner = scheduler.clone();
        let spawning = thread::spawn(move || (0..200).map(|index| spawner.spawn(move || index)).collect::<Vec<_>>());
        scheduler.shutdown();
        for handle in spawning.join().unwrap() {
            let _ = handle.join();
        }
        let stats = scheduler.stats();
        assert_eq!((stats.spawned, stats.finished), (200, 200));
    }
}

#[test]
fn a_cancel_unwinds_at_the_suspension_and_only_there() {
    let scheduler = scheduler(1);
    let steps = Arc::new(AtomicUsize::new(0));
    let inside = steps.clone();
    let (tell, handles) = mpsc::channel::<JoinHandle<()>>();
    // The first cancels the second, which has not suspended since.
    let first = scheduler.spawn(move || {
        let second = spawn(move || {
            inside.fetch_add(1, SeqCst);
            yield_now();
            inside.fetch_add(10, SeqCst);
        });
        yield_now();
        second.cancel();
        tell.send(second).unwrap();
    });
    first.join().unwrap();
    assert!(is_cancelled(handles.recv().unwrap()));
    assert_eq!(steps.load(SeqCst), 1);
}

#[test]
fn a_cancelled_coroutine_that_never_suspends_returns_its_result() {
    let scheduler = scheduler(1);
    let (go, gate) = mpsc::channel::<()>();
    let (tell, busy) = mpsc::channel();
    let handle = scheduler.spawn(move || {
        tell.send(()).unwrap();
        gate.recv().unwrap();
        7
    });
    busy.recv().unwrap();
    handle.cancel();
    go.send(()).unwrap();
    assert_eq!(handle.join().unwrap(), 7);
}

#[test]
fn a_caught_cancel_comes_again_at_the_next_suspension() {
    let scheduler = scheduler(1);
    let caught = Arc::new(AtomicBool::new(false));
    let flag = caught.clone();
    let handle = scheduler.spawn(move || {
        let error = catch_unwind(AssertUnwindSafe(park)).unwrap_err();
        flag.store(error.is::<Cancelled>(), SeqCst);
        yield_now();
        unreachable!("it is cancelled");
    });
    until("the park", || scheduler.stats().parked == 1);
    handle.cancel();
    assert!(is_cancelled(handle));
    assert!(caught.load(SeqCst));
}

#[test]
fn a_destructor_run_by_a_cancel_can_wait() {
    struct Slow(Arc<AtomicBool>);
    impl Drop for Slow {
        fn drop(&mut self) {
            for _ in 0..3 {
                yield_now();
                sleep(Duration::from_millis(1));
            }
            spawn(|| ()).join().unwrap();
            self.0.store(true, SeqCst);
        }
    }
    let scheduler = scheduler(1);
    let finished = Arc::new(AtomicBool::new(false));
    let slow = Slow(finished.clone());
    let handle = scheduler.spawn(move || {
        let _slow = slow;
        park();
    });
    until("the park", || scheduler.stats().parked == 1);
    handle.cancel();
    assert!(is_cancelled(handle));
    assert!(finished.load(SeqCst));
}

#[test]
fn a_destructor_run_by_a_cancel_can_cancel_another_and_join_it() {
    struct Child(Option<JoinHandle<()>>, Arc<AtomicBool>);
    impl Drop for Child {
        fn drop(&mut self) {
            let child = self.0.take().unwrap();
            child.cancel();
            self.1.store(is_cancelled(child), SeqCst);
        }
    }
    let scheduler = scheduler(1);
    let joined = Arc::new(AtomicBool::new(false));
    let flag = joined.clone();
    let parent = scheduler.spawn(move || {
        let _child = Child(
            Some(spawn(|| {
                loop {
                    park()
                }
            })),
            flag,
        );
        park();
    });
    until("both to wait", || scheduler.stats().parked == 2);
    parent.cancel();
    assert!(is_cancelled(parent));
    assert!(joined.load(SeqCst));
}

#[test]
fn a_scheduler_dropped_in_its_own_coroutine_ends() {
    let scheduler = Arc::new(scheduler(2));
    let last = scheduler.clone();
    let (go, gate) = mpsc::channel::<()>();
    let handle = scheduler.spawn(move || {
        gate.recv().unwrap();
        drop(last);
        yield_now();
    });
    let waiting = scheduler.spawn(park);
    drop(scheduler);
    go.send(()).unwrap();
    assert!(is_cancelled(handle));
    assert!(is_cancelled(waiting));
}
