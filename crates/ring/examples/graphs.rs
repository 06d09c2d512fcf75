//! The five usual graphs, each with threads of its own.
//!
//! ```text
//! cargo run --release -p millrace-ring --example graphs
//! ```

use millrace_ring::typed::{Builder, Owned, Stage};
use std::error::Error;
use std::thread;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Slots of each ring.
const CAPACITY: u32 = 1024;
/// Events of each producer.
const EVENTS: u64 = 50_000;

/// `main --> sum`
fn one_to_one() -> Result<u64> {
    let ring = Builder::new(CAPACITY).stage("sum", &[]).create(|| 0u64)?;
    let (mut out, mut sum) = (ring.producer()?, ring.consumer("sum")?);
    let mut total = 0;
    thread::scope(|scope| {
        // Ends when the ring is closed and everything was consumed.
        scope.spawn(|| sum.run(|event, _, _| total += *event));
        for n in 1..=EVENTS {
            out.publish(|event| *event = n).expect("an open ring");
        }
        ring.close();
    });
    Ok(total)
}

/// ```text
/// producer 0 --.
/// producer 1 --+--> book
/// producer 2 --'
/// ```
/// How many events came, and whether each producer's came in order.
fn three_to_one() -> Result<(u64, bool)> {
    let ring = Builder::new(CAPACITY).multi(3).stage("book", &[]).create(|| (0usize, 0u64))?;
    let producers = [ring.producer()?, ring.producer()?, ring.producer()?];
    let mut book = ring.consumer("book")?;
    let (mut seen, mut in_order, mut last) = (0, true, [0; 3]);
    thread::scope(|scope| {
        scope.spawn(|| {
            book.run(|&(from, n), _, _| {
                seen += 1;
                in_order &= n == last[from] + 1;
                last[from] = n;
            });
        });
        // Who closes the ring has to know that nobody publishes any more.
        thread::scope(|scope| {
            for (from, mut out) in producers.into_iter().enumerate() {
                scope.spawn(move || {
                    for n in 1..=EVENTS {
                        out.publish(|event| *event = (from, n)).expect("an open ring");
                    }
                });
            }
        });
        ring.close();
    });
    Ok((seen, in_order))
}

/// ```text
///         ,--> journal
/// main --+---> mirror
///         `--> count
/// ```
/// What each of the three saw.
fn multicast() -> Result<[u64; 3]> {
    let graph = Builder::new(CAPACITY).stage("journal", &[]).stage("mirror", &[]).stage("count", &[]);
    let ring = graph.create(|| 0u64)?;
    let mut out = ring.producer()?;
    let stages = [ring.consumer("journal")?, ring.consumer("mirror")?, ring.consumer("count")?];
    let mut sums = [0; 3];
    thread::scope(|scope| {
        for (mut stage, sum) in stages.into_iter().zip(&mut sums) {
            scope.spawn(move || stage.run(|event, _, _| *sum += *event));
        }
        for n in 1..=EVENTS {
            out.publish(|event| *event = n).expect("an open ring");
        }
        ring.close();
    });
    Ok(sums)
}

/// `main --> parse --> value --> store`
///
/// Nobody stands beside a stage of a pipeline, so each may have its events as `&mut`.
fn pipeline() -> Result<u64> {
    #[derive(Default)]
    struct Order {
        line: String,
        quantity: u64,
        price: u64,
        worth: u64,
    }
    let graph = Builder::new(CAPACITY).stage("parse", &[]).stage("value", &["parse"]).stage("store", &["value"]);
    let ring = graph.create(Order::default)?;
    let mut out = ring.producer()?;
    let (mut parse, mut value) = (ring.exclusive_consumer("parse")?, ring.exclusive_consumer("value")?);
    let mut store = ring.consumer("store")?;
    let mut total = 0;
    thread::scope(|scope| {
        scope.spawn(move || {
            parse.run(|order, _, _| {
                let (quantity, price) = order.line.split_once(" x ").expect("a line of this example");
                order.quantity = quantity.parse().expect("a number");
                order.price = price.parse().expect("a number");
            });
        });
        scope.spawn(move || value.run(|order, _, _| order.worth = order.quantity * order.price));
        scope.spawn(|| store.run(|order, _, _| total += order.worth));
        for n in 1..=EVENTS {
            out.publish(|order| order.line = format!("{n} x 25")).expect("an open ring");
        }
        ring.close();
    });
    Ok(total)
}

/// ```text
///         ,--> tax -----.
/// main --+              +--> bill
///         `--> postage -'
/// ```
/// `tax` and `postage` have an event at the same time, so each writes a field that it alone owns.
fn diamond() -> Result<u64> {
    enum Tax {}
    impl Stage for Tax {
        const NAME: &'static str = "tax";
    }
    enum Postage {}
    impl Stage for Postage {
        const NAME: &'static str = "postage";
    }
    #[derive(Default)]
    struct Order {
        price: u64,
        tax: Owned<Tax, u64>,
        postage: Owned<Postage, u64>,
    }
    let graph = Builder::new(CAPACITY).stage("tax", &[]).stage("postage", &[]).stage("bill", &["tax", "postage"]);
    let ring = graph.create(Order::default)?;
    let mut out = ring.producer()?;
    let (mut tax, mut postage) = (ring.consumer_of::<Tax>()?, ring.consumer_of::<Postage>()?);
    let mut bill = ring.consumer("bill")?;
    let mut total = 0;
    thread::scope(|scope| {
        scope.spawn(move || tax.run(|order, writer, _, _| order.tax.set(writer, order.price / 5)));
        scope.spawn(move || {
            postage.run(|order, writer, _, _| order.postage.set(writer, if order.price < 1000 { 50 } else { 0 }));
        });
        scope.spawn(|| bill.run(|order, _, _| total += order.price + order.tax.get() + order.postage.get()));
        for n in 1..=EVENTS {
            out.publish(|order| order.price = n * 10).expect("an open ring");
        }
        ring.close();
    });
    Ok(total)
}

fn main() -> Result<()> {
    println!("one to one: sum {}", one_to_one()?);
    let (seen, in_order) = three_to_one()?;
    println!("three to one: {seen} events, each producer's in order: {in_order}");
    println!("multicast: sums {:?}", multicast()?);
    println!("pipeline: worth {}", pipeline()?);
    println!("diamond: billed {}", diamond()?);
    Ok(())
}

#[test]
fn every_graph_sees_every_event() -> Result<()> {
    const SUM: u64 = EVENTS * (EVENTS + 1) / 2;
    assert_eq!(one_to_one()?, SUM);
    assert_eq!(three_to_one()?, (3 * EVENTS, true));
    assert_eq!(multicast()?, [SUM; 3]);
    assert_eq!(pipeline()?, 25 * SUM);
    assert_eq!(diamond()?, 12 * SUM + 50 * 99);
    Ok(())
}
