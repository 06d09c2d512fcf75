//! Spawn, join, park, sleep, steal, through the public interface.
#![cfg(not(loom))]

use millrace_fiber::{Config, Scheduler, current, current_sleeper, park, park_timeout, sleep, spawn, yield_now};
use millrace_park::Sleeper;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

fn scheduler(workers: usize) -> Scheduler {
    Scheduler::new(Config { workers, name: "test".into(), ..Config::default() }).unwrap()
}

/// Waits for a state that other threads bring about.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "still waiting for: {what}");
        thread::yield_now();
    }
}

#[test]
fn a_result_reaches_a_thread_and_a_coroutine() {
    let scheduler = scheduler(2);
    let inner = scheduler.spawn(|| String::from("inner"));
    let outer = scheduler.spawn(move || inner.join().unwrap() + " and outer");
    assert_eq!(outer.join().unwrap(), "inner and outer");
}

#[test]
fn coroutines_of_two_schedulers_wait_for_each_other() {
    let (first, second) = (scheduler(1), scheduler(1));
    let below = first.spawn(|| {
        yield_now();
        20
    });
    let middle = second.spawn(move || below.join().unwrap() + 1);
    assert_eq!(first.spawn(move || middle.join().unwrap() * 2).join().unwrap(), 42);
}

#[test]
fn a_waiting_join_leaves_the_worker_to_others() {
    let scheduler = scheduler(1);
    let total = scheduler.spawn(|| {
        let parts: Vec<_> = (0..100u64).map(|part| spawn(move || part)).collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum::<u64>()
    });
    assert_eq!(total.join().unwrap(), 4950);
    assert_eq!(scheduler.stats().finished, 101);
}

#[test]
fn a_panic_reaches_join_and_nobody_else() {
    let scheduler = scheduler(1);
    let bystander = scheduler.spawn(park);
    let error = scheduler.spawn(|| -> u32 { std::panic::resume_unwind(Box::new("mine")) }).join().unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&"mine"));
    // On its stack of the usual size, hook and formatting included.
    let reason = String::from("by the test");
    let error = scheduler.spawn(move || -> u32 { panic!("expected {reason}") }).join().unwrap_err();
    assert_eq!(error.downcast_ref::<String>().unwrap(), "expected by the test");
    bystander.coroutine().unpark();
    bystander.join().unwrap();
}

#[test]
fn a_result_whose_destructor_panics_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(()));
        }
    }
    let scheduler = scheduler(1);
    drop(scheduler.spawn(|| Bomb));
    until("the detached coroutine's end", || scheduler.stats().finished == 1);
    assert_eq!(scheduler.spawn(|| 1).join().unwrap(), 1);
}

#[test]
fn an_unpark_before_the_park_makes_it_return_at_once() {
    let scheduler = scheduler(1);
    let handle = scheduler.spawn(|| {
        let this = current().unwrap();
        this.unpark();
        this.unpark();
        park();
        // One token is kept, not two.
        let start = Instant::now();
        park_timeout(Duration::from_millis(20));
        start.elapsed()
    });
    assert!(handle.join().unwrap() >= Duration::from_millis(20));
}

#[test]
fn an_unpark_before_the_first_turn_is_kept() {
    let scheduler = scheduler(1);
    let (sender, gate) = mpsc::channel::<()>();
    let blocker = scheduler.spawn(move || gate.recv());
    let waiting = scheduler.spawn(park);
    waiting.coroutine().unpark();
    sender.send(()).unwrap();
    waiting.join().unwrap();
    blocker.join().unwrap().unwrap();
}

#[test]
fn ten_thousand_park_at_once_and_all_wake() {
    let scheduler = scheduler(2);
    let open = Arc::new(AtomicBool::new(false));
    let handles: Vec<_> = (0..10_000)
        .map(|_| {
            let open = open.clone();
            scheduler.spawn(move || {
                while !open.load(SeqCst) {
                    park();
                }
            })
        })
        .collect();
    until("all to be parked", || scheduler.stats().parked == 10_000);
    open.store(true, SeqCst);
    for handle in &handles {
        handle.coroutine().unpark();
    }
    for handle in handles {
        handle.join().unwrap();
    }
    assert_eq!(scheduler.stats().parked, 0);
    assert_eq!(scheduler.stats().finished, 10_000);
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    let scheduler = scheduler(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let log = order.clone();
    // Spawned inside, so that all have started before the worker looks at its timers.
    let all = scheduler.spawn(move || {
        let handles = [300, 100, 200, 0].map(|milliseconds| {
            let log = log.clone();
            spawn(move || {
                let start = Instant::now();
                sleep(Duration::from_millis(milliseconds));
                assert!(start.elapsed() >= Duration::from_millis(milliseconds));
                log.lock().unwrap().push(milliseconds);
            })
        });
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    });
    all.join().unwrap();
    assert_eq!(*order.lock().unwrap(), [0, 100, 200, 300]);
}

#[test]
fn an_unpark_neither_ends_a_sleep_nor_is_lost_by_it() {
    let scheduler = scheduler(1);
    let handle = scheduler.spawn(|| {
        let start = Instant::now();
        sleep(Duration::from_millis(50));
        let slept = start.elapsed();
        park();
        slept
    });
    until("the sleep", || scheduler.stats().parked == 1);
    handle.coroutine().unpark();
    assert!(handle.join().unwrap() >= Duration::from_millis(50));
}

#[test]
fn a_timeout_too_large_for_the_clock_is_none() {
    let scheduler = scheduler(1);
    let handle = scheduler.spawn(|| park_timeout(Duration::MAX));
    until("the park", || scheduler.stats().parked == 1);
    handle.coroutine().unpark();
    handle.join().unwrap();
}

#[test]
fn an_unstarted_coroutine_is_stolen_from_a_busy_worker() {
    let scheduler = scheduler(2);
    let names = scheduler.spawn(|| {
        let name = || thread::current().name().map(String::from);
        let (sender, receiver) = mpsc::channel();
        let stolen = spawn(move || sender.send(name()).unwrap());
        // Blocks this worker: nobody but the other one can send.
        let other = receiver.recv().unwrap();
        stolen.join().unwrap();
        (name(), other)
    });
    let (own, other) = names.join().unwrap();
    assert_ne!(own, other);
    assert!(other.unwrap().starts_with("test-"));
    assert_eq!(scheduler.stats().steals, 1);
}

#[test]
fn a_coroutine_that_has_started_stays_on_its_worker() {
    let scheduler = scheduler(2);
    let handles: Vec<_> = (0..64)
        .map(|turn| {
            scheduler.spawn(move || {
                let home = thread::current().id();
                for _ in 0..50 {
                    if turn % 2 == 0 {
                        yield_now()
                    } else {
                        sleep(Duration::from_micros(100))
                    }
                    assert_eq!(thread::current().id(), home);
                }
            })
        })
        .collect();
    for handle in handles {
        handle.join().unwrap();
    }
}

#[test]
fn a_worker_whose_queue_never_empties_still_serves_wakes_timers_and_newcomers() {
    let scheduler = scheduler(1);
    let stop = Arc::new(AtomicBool::new(false));
    let yielders: Vec<_> = (0..200)
        .map(|_| {
            let stop = stop.clone();
            scheduler.spawn(move || {
                while !stop.load(SeqCst) {
                    yield_now();
                }
            })
        })
        .collect();
    let parked = scheduler.spawn(park);
    parked.coroutine().unpark();
    parked.join().unwrap();
    scheduler.spawn(|| sleep(Duration::from_millis(1))).join().unwrap();
    scheduler.spawn(|| spawn(|| ()).join().unwrap()).join().unwrap();
    stop.store(true, SeqCst);
    for yielder in yielders {
        yielder.join().unwrap();
    }
}

#[test]
fn newcomers_from_outside_are_served_while_the_inside_spawns_for_ever() {
    let scheduler = scheduler(1);
    let stop = Arc::new(AtomicBool::new(false));
    fn breed(stop: Arc<AtomicBool>) {
        if !stop.load(SeqCst) {
            spawn(move || breed(stop));
        }
    }
    let seed = stop.clone();
    scheduler.spawn(move || breed(seed)).join().unwrap();
    scheduler.spawn(|| ()).join().unwrap();
    stop.store(true, SeqCst);
}

#[test]
fn the_current_sleeper_waits_in_a_coroutine_and_in_a_thread() {
    fn wait(flag: &AtomicBool, sender: &mpsc::Sender<std::task::Waker>) {
        let sleeper = current_sleeper();
        sender.send(sleeper.waker()).unwrap();
        while !flag.load(SeqCst) {
            sleeper.sleep(None);
        }
    }
    let scheduler = scheduler(1);
    let flag = Arc::new(AtomicBool::new(false));
    let (sender, wakers) = mpsc::channel();
    let (inside, tell) = (flag.clone(), sender.clone());
    let coroutine = scheduler.spawn(move || wait(&inside, &tell));
    let inside = flag.clone();
    let thread = thread::spawn(move || wait(&inside, &sender));
    let wakers: Vec<_> = wakers.iter().take(2).collect();
    until("the coroutine to sleep", || scheduler.stats().parked == 1);
    // The worker is free while its coroutine sleeps.
    scheduler.spawn(|| ()).join().unwrap();
    flag.store(true, SeqCst);
    wakers.iter().for_each(|waker| waker.wake_by_ref());
    coroutine.join().unwrap();
    thread.join().unwrap();
}

#[test]
fn a_waker_kept_beyond_the_end_does_nothing() {
    let scheduler = scheduler(1);
    let waker = scheduler.spawn(|| current().unwrap().waker()).join().unwrap();
    waker.wake_by_ref();
    assert_eq!(scheduler.spawn(|| 1).join().unwrap(), 1);
    drop(scheduler);
    waker.wake();
}

#[test]
fn a_parked_coroutine_without_handle_or_waker_lives_on() {
    struct Count(Arc<AtomicUsize>);
    impl Drop for Count {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let scheduler = scheduler(1);
    let dropped = Arc::new(AtomicUsize::new(0));
    let guard = Count(dropped.clone());
    drop(scheduler.spawn(move || {
        let _guard = guard;
        park();
    }));
    until("the park", || scheduler.stats().parked == 1);
    assert_eq!(dropped.load(SeqCst), 0);
    scheduler.shutdown();
    assert_eq!(dropped.load(SeqCst), 1);
}

#[test]
fn wakes_of_a_busy_worker_make_no_system_call() {
    let scheduler = scheduler(1);
    let woken = Arc::new(AtomicU32::new(0));
    let counter = woken.clone();
    let parked = scheduler.spawn(move || {
        while counter.load(SeqCst) == 0 {
            park();
        }
    });
    until("the park", || scheduler.stats().parked == 1);
    let (go, gate) = mpsc::channel::<()>();
    let (tell, busy) = mpsc::channel();
    let blocker = scheduler.spawn(move || {
        tell.send(()).unwrap();
        gate.recv()
    });
    busy.recv().unwrap();
    let before = scheduler.stats();
    woken.store(1, SeqCst);
    parked.coroutine().unpark();
    let after = scheduler.stats();
    assert_eq!((after.wakes_made, after.wakes_elided), (before.wakes_made, before.wakes_elided + 1));
    go.send(()).unwrap();
    parked.join().unwrap();
    blocker.join().unwrap().unwrap();
}

#[test]
fn a_wrong_configuration_says_what_is_allowed() {
    for (config, word) in [
        (Config { workers: 0, ..Config::default() }, "workers"),
        (Config { stack_size: 100, ..Config::default() }, "stack_size"),
        (Config { name: "a\0b".into(), ..Config::default() }, "name"),
    ] {
        let error = Scheduler::new(config).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn workers_leave_asynchronous_signals_to_the_host() {
    fn blocked(signal: libc::c_int) -> bool {
        // SAFETY: an all-zero set is a valid one to be written over; a null new set changes nothing.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut set);
            libc::sigismember(&raw const set, signal) == 1
        }
    }
    let before = blocked(libc::SIGTERM);
    let scheduler = scheduler(1);
    assert_eq!(blocked(libc::SIGTERM), before, "the caller's own mask is as it was");
    let inside = scheduler.spawn(|| [libc::SIGTERM, libc::SIGINT, libc::SIGSEGV].map(blocked));
    assert_eq!(inside.join().unwrap(), [true, true, false]);
}
