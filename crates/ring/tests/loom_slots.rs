//! Typed rings: what is in a slot is handed over whole. The events are cells that loom watches: it reports who reads one
//! that another thread may be writing, or writes one that another may be reading, also where every value looks right.
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::thread;
use millrace_ring::typed::{Block, Builder, Consumer, Producer};

/// The wrap comes at once.
const START: u32 = u32::MAX;

#[derive(Default)]
struct Event(UnsafeCell<u8>);

// SAFETY: an event is written by who claimed its slot and read by those it was published to; that this is so is what
// the models are for.
unsafe impl Sync for Event {}

impl Event {
    fn write(&self, n: u8) {
        // SAFETY: loom says so where it is not ours.
        self.0.with_mut(|value| unsafe { *value = n });
    }

    fn read(&self) -> u8 {
        // SAFETY: as above.
        self.0.with(|value| unsafe { *value })
    }
}

/// Threads of the model do not wait for each other but in the ring: loom takes a late wake for the end of a join, so
/// the thread that joins is woken by nobody.
fn bounded(preemptions: usize, check: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(check);
}

fn builder() -> Builder<Block> {
    Builder::new(2).wait(Block).start(START).stage("only", &[])
}

fn consume_all(mut consumer: Consumer<Event, Block>) -> Vec<u8> {
    let mut seen = Vec::new();
    consumer.run(|event, _, _| seen.push(event.read()));
    seen
}

fn one_producer(publish: fn(&mut Producer<Event, Block>)) {
    bounded(3, move || {
        let ring = builder().create(Event::default).unwrap();
        let (mut out, consumer) = (ring.producer().unwrap(), ring.consumer("only").unwrap());
        let consuming = thread::spawn(move || consume_all(consumer));
        let producing = thread::spawn(move || {
            publish(&mut out);
            ring.close();
        });
        producing.join().unwrap();
        assert_eq!(consuming.join().unwrap(), [1, 2, 3]);
    });
}

#[test]
fn one_producer_hands_over_more_than_a_lap() {
    one_producer(|out| (1..=3).for_each(|n| out.publish(|event| event.write(n)).unwrap()));
}

#[test]
fn one_producer_claims_again_what_it_gave_up() {
    one_producer(|out| {
        out.publish(|event| event.write(1)).unwrap();
        let claim = out.claim(2, None).unwrap();
        claim[0].write(2);
        claim[1].write(9);
        claim.commit_first(1);
        out.publish(|event| event.write(3)).unwrap();
    });
}

#[test]
fn two_producers_hand_over_more_than_a_lap_and_what_one_gives_up_is_nobodys() {
    bounded(2, || {
        let ring = builder().multi(2).create(Event::default).unwrap();
        let (mut one, mut other) = (ring.producer().unwrap(), ring.producer().unwrap());
        let producers = [
            thread::spawn(move || one.publish(|event| event.write(1)).unwrap()),
            thread::spawn(move || {
                let claim = other.claim(2, None).unwrap();
                claim[0].write(2);
                claim[1].write(9);
                claim.commit_first(1);
            }),
        ];
        let mut consumer = ring.consumer("only").unwrap();
        let consuming = thread::spawn(move || {
            let mut sum = 0;
            while sum != 3 {
                consumer.wait(None);
                consumer.poll(8, |event, _, _| sum += event.read());
            }
        });
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        consuming.join().unwrap();
    });
}

/// The room that one producer has looked for is the other's, too: it writes what it knows only from there to be free. That
/// the room is stored with release loom cannot tell, because the look before it is fenced in a model (`sync::seqcst`).
#[test]
fn two_producers_share_the_room_that_one_of_them_has_seen() {
    bounded(3, || {
        let ring = builder().multi(2).create(Event::default).unwrap();
        let (mut out, mut only) = (ring.producer().unwrap(), ring.consumer("only").unwrap());
        out.try_publish_many(2, |_, event| event.write(1)).unwrap();
        let consuming = thread::spawn(move || only.poll(2, |event, _, _| assert_eq!(event.read(), 1)));
        let producers = [out, ring.producer().unwrap()].map(|mut out| {
            thread::spawn(move || {
                let _ = out.try_publish(|event| event.write(2));
            })
        });
        assert_eq!(consuming.join().unwrap(), 2);
        producers.into_iter().for_each(|producer| producer.join().unwrap());
    });
}

#[test]
fn a_stage_hands_over_what_it_wrote_to_the_one_behind_it() {
    bounded(3, || {
        let graph = Builder::new(2).wait(Block).start(START).stage("fill", &[]).stage("send", &["fill"]);
        let ring = graph.create(Event::default).unwrap();
        ring.producer().unwrap().try_publish_many(2, |_, event| event.write(1)).unwrap();
        let (mut fill, mut send) = (ring.exclusive_consumer("fill").unwrap(), ring.consumer("send").unwrap());
        let filling = thread::spawn(move || while fill.poll(1, |event, _, _| event.write(2)) > 0 {});
        let sending = thread::spawn(move || send.poll(2, |event, _, _| assert_eq!(event.read(), 2)));
        filling.join().unwrap();
        sending.join().unwrap();
    });
}
