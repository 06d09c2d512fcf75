//! Rings of typed events for Rust: nothing on the way of an event is dynamic.
//!
//! [`Builder`] names the stages and whom each follows; [`Ring`] gives out producers and consumers, which belong to one
//! thread each. Who may publish, how stages wait and who may write what are types, so the wrong use does not compile.
//!
//! ```
//! use millrace_ring::typed::{Builder, Owned, Stage};
//! enum Parse {}
//! impl Stage for Parse {
//!     const NAME: &'static str = "parse";
//! }
//! #[derive(Default)]
//! struct Order {
//!     text: String,
//!     price: Owned<Parse, u32>,
//! }
//! //              ,-- parse --.
//! //   producer --+           +-- store
//! //              `-- audit --'
//! let graph = Builder::new(1024).stage("parse", &[]).stage("audit", &[]).stage("store", &["parse", "audit"]);
//! let ring = graph.create(Order::default)?;
//! let (mut parse, mut audit) = (ring.consumer_of::<Parse>()?, ring.consumer("audit")?);
//! let (mut store, mut out) = (ring.exclusive_consumer("store")?, ring.producer()?);
//! let (mut bytes, mut total) = (0, 0);
//! std::thread::scope(|scope| {
//!     scope.spawn(move || parse.run(|order, writer, _, _| order.price.set(writer, order.text.parse().unwrap_or(0))));
//!     scope.spawn(|| audit.run(|order, _, _| bytes += order.text.len()));
//!     scope.spawn(|| store.run(|order, _, _| total += order.price.get()));
//!     for text in ["1", "20", "300"] {
//!         out.publish(|order| order.text = text.into()).expect("an open ring");
//!     }
//!     ring.close();
//! });
//! assert_eq!((bytes, total), (6, 321));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! The example `graphs` has the five usual graphs, each with its threads.
//!
//! # Who may write an event
//! | | is handed | asks for |
//! |---|---|---|
//! | [`Producer`], [`MultiProducer`], [`Claim`] | `&mut E` | the slot, before it is published |
//! | [`Consumer`] | `&E` | nothing; cells inside of `E` are its author's affair |
//! | [`Worker`] | `&E` | that the stage is one of [`Builder::workers`], which share its events out |
//! | [`StageConsumer`], [`StageWorker`] | `&E`, and a [`Writer`] for the stage's [`Owned`] fields | a marker type for the stage |
//! | [`ExclusiveConsumer`] | `&mut E` | that no stage stands beside this one, checked when it is opened |
//! | [`Consumer::poll_mut`] | `*mut E` | a promise, `unsafe` |
//!
//! A slot keeps what was in it until it is written again: large things are taken out (`std::mem::take`) by an exclusive
//! last stage, or lie there for a lap.
//!
//! # How to wait
//! | | an idle stage | a publish looks for sleepers | for |
//! |---|---|---|---|
//! | [`Adaptive`] | spins, yields as long as it has paid lately, then sleeps | yes | what you know nothing about: the default |
//! | [`Block`] | sleeps at once | yes | stages that idle; more threads than cores; events that should gather into batches |
//! | [`Yield`] | yields, takes a whole core when nobody else wants it | no | busy rings on a machine with other work |
//! | [`Spin`] | takes a whole core | no | the least latency, a free core for every thread |
//!
//! With more runnable threads than cores, what spins holds a core for a whole slice of the scheduler while those that
//! could go on wait: use `Block` or `Adaptive` there. The least latency is not the most throughput: a consumer right
//! behind its producer pays a cache line's journey for each event, one that sleeps finds many. The example
//! `unicast_throughput` measures it. The strategy is of consumers. *Producers* without room yield a few times and then
//! sleep, whatever it is, and stages look for them at every release, once a batch. Whoever sleeps does so on its thread,
//! or by what [`Builder::sleep_by`] was given: a coroutine leaves its worker to others then.
//!
//! # What a close means
//! [`Ring::close`] may meet a publish of another thread. Then either the publish is refused ([`ClaimError::Closed`])
//! and nobody sees its event, or it is accepted and every stage gets it before it ends: nothing is accepted and lost.
//! What one thread published before it called `close` is always accepted. A [`Claim`] that is open when the ring closes
//! can still be committed: stages wait until it is, or is dropped. [`Ring::fail`] stops accepting too
//! ([`ClaimError::Failed`]; [`Ring::failure`] says why), but stages end as soon as they find nothing ready, whatever is
//! still to come. [`Ring::close_within`] closes, waits until all is consumed
//! and tells how much was. A handler's panic neither closes nor fails the ring;
//! [`Consumer::run_fallible`] is for handlers that report.
//!
//! # Memory ordering
//! Who acquires what was released:
//! - *The cursor.* A producer writes the slot, then stores the cursor (release); stages that follow the producers load
//!   it (acquire). Without it they would read what the slot had a lap ago.
//! - *A stage's sequence.* A consumer has its handler run, then stores its stage's sequence (release). Stages behind it
//!   load it (acquire), and see what it wrote; a producer that looks for room loads those of the last stages, and
//!   overwrites nothing that is still read. Through those between, every stage is ordered behind all upstream of it,
//!   and a producer behind all stages. [`Owned`] fields and `&mut E` rest on nothing else.
//! - *A batch of a worker.* Workers advance their stage's sequence for each other: module `workers` tells how.
//! - *A seat.* Who drops a producer or a consumer stores that its seat is free (release), who opens it next swaps
//!   itself in (acquire), and goes on where the other stood.
//!
//! Two handshakes need more: each side stores one word and then loads the other's, and at least one must see the other
//! (Dekker's). [`millrace_park::Barrier`] fences between the two, at the cost of the side that is rare: the frequent
//! one's *light* fence is for the compiler only, the rare one's *heavy* fence runs a full one on every core.
//! ```text
//!            frequent: light fence                      rare: heavy fence
//!   parking  advance a sequence, look for sleepers      arm as a sleeper, look at the sequence
//!   closing  announce a claim, look whether it is open  close, then consumers look at announcements
//! ```
//! Without the first a wake is lost: the sequence moves on while the waiter, unseen, goes to sleep. Without the second
//! a producer could find the ring open while a consumer finds nothing announced and ends: an event accepted and lost.
//! Whoever closes raises a flag (release) behind its fence, and consumers end only when they have acquired it: until
//! then a claim may be under way that neither side has seen. A claim that was announced and refused is taken back, and
//! everybody looks again.
//!
//! # Costs
//! - One producer: beside the event two stores (the announcement, the cursor) and a load of the ring's state; where
//!   consumers sleep two more loads. What consumers write is looked at when the room known from the last look is used
//!   up.
//! - Several producers: a compare-and-swap a claim on top, and where one publishes ahead of another, a sequentially
//!   consistent store of a stamp in place of the cursor's.
//! - A stage: a load of those it follows when it has used up what it knew to be ready, and a store and two loads a
//!   release, which is once a batch.
//! - To sleep: a lock, a heavy fence of 1 to 20 microseconds, a system call; to wake a sleeper: a lock and a system
//!   call. `close` takes one heavy fence and wakes everybody.
//! - Nothing allocates but opening, waiting for room, going to sleep and [`Ring::stats`].
//!
//! [`ClaimError::Closed`]: crate::ClaimError::Closed
//! [`ClaimError::Failed`]: crate::ClaimError::Failed

mod claim;
mod closing;
mod consumer;
mod core;
mod exclusive;
mod gather;
mod multi_producer;
mod on_error;
mod owned;
mod patience;
mod processor;
mod producer;
mod ring;
mod room;
mod stage_processor;
mod strategy;
mod worker;
mod yielding;

pub use crate::statistics::{ProducerStatistics, StageStatistics, Statistics};
pub use claim::Claim;
pub use closing::Closed;
pub use consumer::Consumer;
pub use exclusive::{ExclusiveConsumer, ExclusiveError};
pub use multi_producer::MultiProducer;
pub(crate) use on_error::back_off;
pub use on_error::{OnError, Ran, Stopped};
pub use owned::{Owned, Stage, Word, Writer};
pub use producer::Producer;
pub use ring::{Builder, Multi, Ring, Single};
pub use stage_processor::{StageConsumer, StageProcessor, StageWorker};
pub use strategy::{Adaptive, Block, Pause, SleepBy, Spin, WaitStrategy, Yield};
pub use worker::Worker;
