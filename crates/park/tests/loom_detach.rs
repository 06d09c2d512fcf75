//! Detach against a ring and against a turn: nothing is touched after the detach returned.
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use millrace_park::{Bell, Doorbell, Region};
use std::ptr::NonNull;

/// Memory that its owner gives up: loom reports an access that is not ordered before that.
struct Memory(UnsafeCell<u32>);

// SAFETY: every access goes through loom's cell, which reports a race.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

#[test]
fn a_turn_ends_before_the_memory_is_given_up() {
    loom::model(|| {
        let memory = Arc::new(Memory(UnsafeCell::new(1)));
        // SAFETY: the address is only compared; the model uses `memory` in its place.
        let region = Arc::new(unsafe { Region::new(NonNull::dangling(), 0) });
        let (native, used) = (region.clone(), memory.clone());
        let handle = thread::spawn(move || {
            if let Some(_turn) = native.turn() {
                // SAFETY: inside a turn the memory is good; loom checks just that.
                used.0.with_mut(|value| unsafe { *value += 1 });
            }
        });
        region.leave_forever();
        // SAFETY: no turn is under way and none begins; loom checks just that.
        memory.0.with_mut(|value| unsafe { *value = 0 });
        assert!(region.turn().is_none());
        handle.join().unwrap();
    });
}

#[test]
fn a_doorbell_is_silent_after_its_detach() {
    loom::model(|| {
        let bell = Box::new(Bell::new());
        let gone = Arc::new(AtomicU32::new(0));
        let seen = gone.clone();
        let call = Box::new(move || {
            assert_eq!(seen.load(Ordering::Relaxed), 0, "called after the detach");
            true
        });
        // SAFETY: the bell outlives the doorbell's attachment.
        let doorbell = std::sync::Arc::new(unsafe { Doorbell::attach(NonNull::from(&*bell), call) });
        let ringer = doorbell.clone();
        let handle = thread::spawn(move || ringer.ring(5));
        doorbell.detach();
        gone.store(1, Ordering::Relaxed);
        handle.join().unwrap();
    });
}

#[test]
fn a_source_marked_while_the_loop_looks_is_not_lost() {
    loom::model(|| {
        let bell = Box::leak(Box::new(Bell::new()));
        let calls = Arc::new(AtomicU32::new(0));
        let counted = calls.clone();
        let call = Box::new(move || {
            counted.fetch_add(1, Ordering::Release);
            true
        });
        // SAFETY: the bell is leaked below only in name: it is taken back at the end of the model.
        let doorbell = std::sync::Arc::new(unsafe { Doorbell::attach(NonNull::from(&*bell), call) });
        let ringer = doorbell.clone();
        let handle = thread::spawn(move || {
            ringer.ring(1);
            ringer.ring(40);
        });
        let mut answered = 0;
        let mut seen = 0u64;
        while seen != (1 << 1 | 1 << 40) {
            // Node's event loop: as many looks as there were calls.
            if calls.load(Ordering::Acquire) == answered {
                thread::yield_now();
                continue;
            }
            answered += 1;
            bell.answer(|source| seen |= 1 << source);
        }
        handle.join().unwrap();
        doorbell.detach();
        // SAFETY: made by Box::leak above, and nobody uses it any more.
        drop(unsafe { Box::from_raw(bell) });
    });
}
