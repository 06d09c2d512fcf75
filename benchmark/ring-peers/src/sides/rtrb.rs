//! `rtrb`: one producer, one consumer. It has no way to wait, so both ends look again and again. Batches are written and
//! read in chunks; a chunk is read in place.

use super::Side;
use crate::plan::{Graph, Plan};
use crate::publish::Publish;
use crate::race::Race;
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

fn consume(mut consumer: Consumer<u64>) -> Seen {
    let mut tally = Tally::default();
    loop {
        // Looked at first: what came before the producer went is read below.
        let abandoned = consumer.is_abandoned();
        let ready = consumer.slots();
        if ready > 0 {
            let chunk = consumer.read_chunk(ready).expect("that many are ready");
            let (front, back) = chunk.as_slices();
            front.iter().chain(back).for_each(|event| tally.add(*event));
            chunk.commit_all();
        } else if abandoned {
            return Seen::now(tally);
        } else {
            hint::spin_loop();
        }
    }
}
