//! `rtrb`: one producer, one consumer. It has no way to wait, so both ends look again and again. Batches are written and
//! read in chunks; a chunk is read in place.

use super::Side;
use crate::plan::{Graph, Plan};
use crate::publish::Publish;
use crate::race::Race;
use crate::receive::Receive;
use crate::round_trips::{Link, Trips, round_trips};
use crate::tally::{Moved, Seen, Tally};
use crate::threads::{join_all, produce_all};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::{hint, thread};

/// The only graph it has.
pub(crate) struct Rtrb;

impl Side for Rtrb {
    fn takes(&self, graph: Graph) -> bool {
        graph == Graph::OneToOne
    }

    fn run(&self, plan: Plan, race: &Arc<Race>) -> Moved {
        let (producer, consumer) = RingBuffer::new(plan.slots);
        let consumers = vec![thread::spawn(|| consume(consumer))];
        Moved { published: produce_all(plan, race, [|| Out(producer)]), seen: join_all(consumers) }
    }
}

impl Link for Rtrb {
    fn round_trips(&self, trips: Trips) -> Vec<u64> {
        let [(out, there), (answer, back)] = [RingBuffer::new(trips.slots), RingBuffer::new(trips.slots)];
        round_trips(trips, (Out(out), back), (there, Out(answer)))
    }
}

struct Out(Producer<u64>);

impl Publish for Out {
    #[inline]
    fn publish<const N: u64>(&mut self, first: u64) {
        if N == 1 {
            while self.0.push(first).is_err() {
                hint::spin_loop();
            }
            return;
        }
        loop {
            if let Ok(chunk) = self.0.write_chunk_uninit(N as usize) {
                chunk.fill_from_iter(first..first + N);
                return;
            }
            hint::spin_loop();
        }
    }
}

impl Receive for Consumer<u64> {
    #[inline]
    fn take(&mut self, mut each: impl FnMut(u64)) -> bool {
        loop {
            // Looked at first: what came before the producer went is read below.
            let abandoned = self.is_abandoned();
            let ready = self.slots();
            if ready > 0 {
                let chunk = self.read_chunk(ready).expect("that many are ready");
                let (front, back) = chunk.as_slices();
                front.iter().chain(back).for_each(|event| each(*event));
                chunk.commit_all();
                return true;
            }
            if abandoned {
                return false;
            }
            hint::spin_loop();
        }
    }
}

fn consume(mut consumer: Consumer<u64>) -> Seen {
    let mut tally = Tally::default();
    while consumer.take(|event| tally.add(event)) {}
    Seen::now(tally)
}
