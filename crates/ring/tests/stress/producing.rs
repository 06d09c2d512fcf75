//! A thread that publishes in every way there is, until it is enough or the ring takes no more.

use super::event::Event;
use super::random::Random;
use super::round::Round;
use millrace_ring::typed::{MultiProducer, Producer, Ring, Single, WaitStrategy};
use millrace_ring::{ClaimError, OpenError, typed::Multi};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

/// What both kinds of producers can do.
pub(crate) trait Publish {
    fn one(&mut self, waits: bool, write: impl FnOnce(&mut Event)) -> Result<(), ClaimError>;
    fn many(&mut self, waits: bool, n: u32, write: impl FnMut(u32, &mut Event)) -> Result<(), ClaimError>;
    /// Fills a claim from its end and publishes the first `used`; of none, the claim is forgotten.
    fn claim(&mut self, n: u32, used: Option<u32>, fill: impl Fn(u32, &mut Event)) -> Result<(), ClaimError>;
    fn room(&mut self, n: u32, timeout: Duration) -> Result<(), ClaimError>;
}

macro_rules! publish {
    ($producer:ident) => {
        impl<W: WaitStrategy> Publish for $producer<Event, W> {
            fn one(&mut self, waits: bool, write: impl FnOnce(&mut Event)) -> Result<(), ClaimError> {
                if waits { self.publish(write) } else { self.try_publish(write) }
            }

            fn many(&mut self, waits: bool, n: u32, write: impl FnMut(u32, &mut Event)) -> Result<(), ClaimError> {
                if waits { self.publish_many(n, write) } else { self.try_publish_many(n, write) }
            }

            fn claim(&mut self, n: u32, used: Option<u32>, fill: impl Fn(u32, &mut Event)) -> Result<(), ClaimError> {
                let mut claim = self.try_claim(n)?;
                (0..used.unwrap_or(n)).rev().for_each(|at| fill(at, &mut claim[at as usize]));
                match used {
                    None => std::mem::forget(claim),
                    Some(0) => drop(claim),
                    Some(used) => claim.commit_first(used as usize),
                }
                Ok(())
            }

            fn room(&mut self, n: u32, timeout: Duration) -> Result<(), ClaimError> {
                self.wait_for_room(n, Some(timeout))
            }
        }
    };
}
publish!(Producer);
publish!(MultiProducer);

/// A ring that gives out producers.
pub(crate) trait Seats: Sync {
    type Producer: Publish;
    fn open(&self) -> Result<Self::Producer, OpenError>;
}

impl<W: WaitStrategy> Seats for Ring<Event, W, Single> {
    type Producer = Producer<Event, W>;
    fn open(&self) -> Result<Self::Producer, OpenError> {
        self.producer()
    }
}

impl<W: WaitStrategy> Seats for Ring<Event, W, Multi> {
    type Producer = MultiProducer<Event, W>;
    fn open(&self) -> Result<Self::Producer, OpenError> {
        self.producer()
    }
}

/// What a producer has done.
#[derive(Debug, Default)]
pub(crate) struct Produced {
    pub(crate) accepted: u32,
    pub(crate) given_up: u32,
}

pub(crate) fn produce(ring: &impl Seats, by: u32, round: &Round, mut random: Random) -> Produced {
    let mut done = Produced::default();
    loop {
        let mut out = ring.open().expect("a seat for each producer");
        for _ in 0..=random.below(300) {
            let before = done.accepted;
            match step(&mut out, by, round, &mut random, &mut done) {
                Err(ClaimError::Closed | ClaimError::Failed) => return done,
                Err(ClaimError::Full) | Ok(()) => (),
                Err(other) => round.problem(format!("producer {by}: {other}")),
            }
            let accepted = u64::from(done.accepted - before);
            if round.begun.fetch_add(accepted, Relaxed) + accepted >= round.plan.events {
                return done;
            }
            random.pause();
        }
    }
}

fn step(
    out: &mut impl Publish,
    by: u32,
    round: &Round,
    random: &mut Random,
    done: &mut Produced,
) -> Result<(), ClaimError> {
    let first = done.accepted;
    let n = 1 + random.below(round.plan.capacity.min(100));
    let waits = random.one_in(2);
    match random.below(8) {
        0 | 1 => {
            out.one(waits, |event| event.fill(by, first))?;
            done.accepted += 1;
        }
        2 | 3 => {
            out.many(waits, n, |at, event| event.fill(by, first + at))?;
            done.accepted += n;
        }
        4 => {
            let used = if random.one_in(2) { n } else { random.below(n + 1) };
            let slow = random.one_in(8);
            let fill = |at, event: &mut Event| {
                event.fill(by, first + at);
                if slow && at == 0 {
                    thread::sleep(Duration::from_micros(100));
                }
            };
            out.claim(n, Some(used), fill)?;
            done.accepted += used;
            done.given_up += n - used;
        }
        5 if random.one_in(8) => {
            out.claim(n, None, |_, event| event.fill(u32::MAX, 0))?;
            done.given_up += n;
        }
        6 if random.one_in(8) => {
            // The write panics; what was claimed for it is given up.
            let at = random.below(n);
            let panics = |i: u32, event: &mut Event| {
                event.fill(u32::MAX, 0);
                if i == at {
                    resume_unwind(Box::new("a write that panics"));
                }
            };
            match catch_unwind(AssertUnwindSafe(|| out.many(waits, n, panics))) {
                Ok(refused) => refused?,
                Err(_) => done.given_up += n,
            }
        }
        _ => out.room(n, Duration::from_micros(random.below(500).into()))?,
    }
    Ok(())
}
