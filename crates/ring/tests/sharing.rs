//! A shared stage around the wrap of its sequences: whatever workers take, release in part, leave and take over, each
//! event is released once, under its exact number, and the stage behind sees those before the first that is not.
#![cfg(not(loom))]

use millrace_ring::typed::{Block, Builder, Worker};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

#[derive(Debug, Clone)]
enum Step {
    Publish {
        n: u32,
        given_up: u32,
    },
    Poll {
        worker: usize,
        max: u32,
    },
    /// The worker panics behind so many events, and is dropped.
    Leave {
        worker: usize,
        max: u32,
        after: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (worker, max) = (0..3usize, 1..12u32);
    prop_oneof![
        (0..6u32, 0..3u32).prop_map(|(n, given_up)| Step::Publish { n, given_up }),
        (worker.clone(), max.clone()).prop_map(|(worker, max)| Step::Poll { worker, max }),
        (worker, max, 0..4usize).prop_map(|(worker, max, after)| Step::Leave { worker, max, after }),
    ]
}

/// Hands out a batch; what was released, which is nothing where it panics.
fn batch(worker: &mut Worker<u32, Block>, max: u32, after: usize) -> Option<Vec<(u64, u32)>> {
    let mut seen = Vec::new();
    let poll = AssertUnwindSafe(|| {
        worker.poll(max, |n, number, _| {
            if seen.len() == after {
                resume_unwind(Box::new("leaves"));
            }
            seen.push((number, *n));
        })
    });
    let released = catch_unwind(poll).ok()?;
    assert_eq!(released as usize, seen.len());
    Some(seen)
}

proptest! {
    #[test]
    fn every_event_is_released_once_under_its_number(
        steps in prop::collection::vec(step(), 1..150),
        start in prop_oneof![Just(0), (u32::MAX - 60)..=u32::MAX, ((1 << 31) - 60)..=(1u32 << 31)],
    ) {
        let builder = Builder::new(16).wait(Block).multi(1).start(start);
        let ring = builder.workers("work", &[], 3).stage("behind", &["work"]).create(|| 0u32).unwrap();
        let (mut out, mut behind) = (ring.producer().unwrap(), ring.consumer("behind").unwrap());
        let mut workers: Vec<_> = (0..3).map(|_| Some(ring.worker("work").unwrap())).collect();
        // Events by their numbers, and whether they are released.
        let mut events = BTreeMap::new();
        let (mut next, mut seen) = (u64::from(start), Vec::new());
        let end = (0..16).flat_map(|_| (0..3).map(|worker| Step::Poll { worker, max: u32::MAX }));
        for step in steps.into_iter().chain(end) {
            let (worker, max, after) = match step {
                Step::Publish { n, given_up } => {
                    if let Ok(mut claim) = out.try_claim(n + given_up) {
                        for at in 0..n {
                            claim[at as usize] = events.len() as u32;
                            events.insert(next + u64::from(at), (events.len() as u32, false));
                        }
                        claim.commit_first(n as usize);
                        next += u64::from(n + given_up);
                    }
                    continue;
                }
                Step::Poll { worker, max } => (worker, max, usize::MAX),
                Step::Leave { worker, max, after } => (worker, max, after),
            };
            let open = workers[worker].get_or_insert_with(|| ring.worker("work").unwrap());
            match batch(open, max, after) {
                Some(released) => for (number, n) in released {
                    let event = events.get_mut(&number).expect("a number of an event");
                    prop_assert_eq!(*event, (n, false), "event {} comes once", number);
                    event.1 = true;
                },
                None => workers[worker] = None,
            }
            // A batch ends where slots were given up.
            while behind.poll(u32::MAX, |n, number, _| seen.push((number, *n))) > 0 {}
            let before: Vec<_> =
                events.iter().take_while(|(_, (_, released))| *released).map(|(at, (n, _))| (*at, *n)).collect();
            prop_assert_eq!(&seen, &before);
        }
        prop_assert_eq!(seen.len(), events.len());
    }
}
