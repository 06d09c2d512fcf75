//! Why a ring has failed, and what native stages do with events that fail.
#![cfg(not(loom))]

use millrace_ring::{ClaimError, Config, Failure, Ring};

fn failure(part: &str) -> Failure {
    Failure { part: part.into(), message: format!("{part} failed"), details: vec![1, 2] }
}

#[test]
fn of_several_failures_the_first_is_kept() {
    let ring = Ring::create_bytes(Config::bytes(1024).stage("one", &[]).stage("two", &[]), 0).unwrap();
    let other = ring.clone();
    assert_eq!(ring.failure(), None);
    assert!(other.fail_by(failure("two")));
    assert!(!ring.fail_by(failure("one")));
    assert_eq!(ring.failure(), Some(&failure("two")));
    assert_eq!(ring.byte_producer(1).unwrap().try_push(|_| (), &[b"one"]), Err(ClaimError::Closed));
}
