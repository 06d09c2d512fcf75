//! A poll reactor that turns all I/O into messages.
//!
//! One native thread owns the sockets. It accepts, frames, times out, refuses and writes; whoever serves the
//! connections sees none of that, but whole frames in batches, and answers them by token from wherever it likes. So
//! the limits hold and the peers get their answers however busy the reader is, and no socket costs the reader a call.
//!
//! # Algorithm
//! A reactor in Schmidt's sense (demultiplex, dispatch to handlers) over a completion-shaped engine ([`Engine`]), as
//! io_uring and Windows have it, with the handlers on the other side of two queues: what arrives goes into an
//! [`Inbox`], what shall go out comes from [`Outbox`]es. Wakes are elided the way Netty's event loop does it: a flag
//! says whether the loop sleeps, and only then a writer makes the system call. The words Resource, Controller and
//! Runtime are io-reactor's.
//!
//! ```text
//!               ┌───────────────────── reactor's thread ─────────────────────┐
//!   sockets ──▶ engine ──bytes──▶ codec ──frames──▶ Inbox.deliver … flush ───┼──▶ whoever serves
//!      ▲          ▲   buffers        │ ReplyToken      │ Full: all of the    │        │
//!      │          │   of the engine  ▼                 ▼ listener's readers  │        ▼
//!      └── one ───┴── send … ◀── ledger of ◀── Outbox.drain, in turns ◀──────┼──── replies
//!          write a        what is owed              ▲                        │
//!          connection                               └─ commands: Controller ─┼──── any thread
//!               └────────────────────────────────────────────────────────────┘
//! ```
//!
//! # States
//! A **connection** is open, ending (what was written goes out), or lingering (told the end, so that the last bytes
//! are not lost to a reset); `closing.rs` draws it. While open it is read from unless there is a reason not to: the
//! inbox is full, too many replies are owed, the peer does not read, the listener is drained, the peer has ended, or
//! what it sent was refused. A **listener** is open, draining or closing. A **reply** is owed, speaks when it is its
//! turn, and is done; what is said before its turn waits in the ledger.
//!
//! # Bounds
//! | what | bound |
//! |---|---|
//! | a frame | the codec's `max`; refused as soon as that can be known |
//! | bytes kept of a connection | one frame that is not whole, and one receive (64 KiB) when the inbox is full |
//! | what a turn receives of a connection | 256 KiB; accepted by a listener: 64 |
//! | frames delivered and not answered | [`ListenOptions::max_owed`] a connection, 1,048,576 a reactor |
//! | bytes not read by a peer | [`WriteLimit`]; its policies say what is held to it |
//! | connections | [`ListenOptions::max_connections`]; out of descriptors they are accepted and closed |
//! | an idle connection | about 300 bytes, no buffer |
//!
//! # Memory ordering
//! The thread shares four things with others: the list of commands (a lock), an inbox's and an outbox's content (the
//! implementer's), the flag "has room again" of a listener, and the flag "sleeps". All are used in one pattern. The
//! waker writes the content, then looks at the sleep flag; the loop sets the sleep flag, then looks at the content
//! ([`Outbox::arm`], the list, the room flags), then blocks. Either access of the flag is a read-modify-write with
//! acquire and release: if the waker's is first, the loop's acquires what was written before it and sees the content;
//! if the loop's is first, the waker sees "sleeps" and wakes the engine. Without the second look a wake between the
//! loop's last look and its sleep would be lost.
//!
//! # Example
//! A server that shouts back. Inbox and outbox share a queue here; usually there is a ring in between, and another
//! thread at its other end.
//! ```
//! use millrace_reactor::*;
//! use std::io::{Read, Write};
//! use std::sync::{Arc, Mutex};
//! use std::task::Waker;
//!
//! #[derive(Clone, Default)]
//! struct Shout(Arc<Mutex<Vec<(ReplyToken, Vec<u8>)>>>);
//!
//! impl Inbox for Shout {
//!     fn deliver(&mut self, message: &Message<'_>) -> Result<(), Refused> {
//!         if message.kind == MessageKind::Frame {
//!             self.0.lock().unwrap().push((message.reply, message.body.to_ascii_uppercase()));
//!         }
//!         Ok(())
//!     }
//!     fn flush(&mut self) {}
//!     fn wait_for_room(&mut self, _: &Waker) -> bool {
//!         true
//!     }
//! }
//!
//! impl Outbox for Shout {
//!     fn drain(&mut self, _budget: usize, handle: &mut dyn FnMut(Outgoing<'_>)) -> Drained {
//!         for (token, bytes) in self.0.lock().unwrap().drain(..) {
//!             handle(Outgoing::Reply { token, bytes: &bytes, more: false, end: true });
//!         }
//!         Drained::Empty
//!     }
//!     fn arm(&mut self, _: &Waker) -> bool {
//!         self.0.lock().unwrap().is_empty()
//!     }
//!     fn disarm(&mut self) {}
//! }
//!
//! let runtime = Runtime::start(RuntimeOptions::default())?;
//! let controller = runtime.controller();
//! let shout = Shout::default();
//! controller.add_outbox(Box::new(shout.clone()));
//! let options = ListenOptions::new(Framing::Lines(Lines { max: 1024 }));
//! let listening = controller.listen(options, Box::new(shout)).wait().expect("the reactor runs")?;
//!
//! let mut client = std::net::TcpStream::connect(listening.address)?;
//! client.write_all(b"hello\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert_eq!(answer, "HELLO\n");
//! let settled = controller.drain(listening.listener, None).wait().expect("the reactor runs");
//! assert_eq!(settled.cut, 0);
//! # Ok::<(), std::io::Error>(())
//! ```

mod alarms;
mod closing;
mod codec;
mod connection;
#[cfg(test)]
mod contract;
mod controller;
mod core;
mod engine;
mod inbox;
mod incoming;
mod listener;
mod message;
mod options;
mod outbox;
mod outgoing;
mod pending;
mod readiness;
mod replies;
mod ring_inbox;
mod ring_outbox;
mod runtime;
mod signals;
mod slots;
mod stats;
mod timing;
mod token;
mod turn;

pub use codec::{Codec, Decoded, Framing, FramingState, Lines, Refusal, Resp, Scratch};
pub use controller::{Controller, Listening, Settled};
pub use engine::{Completion, Engine, Gate, SocketOptions, Time};
pub use inbox::{Inbox, Refused};
pub use message::{CloseReason, Message, MessageKind};
pub use options::{ListenOptions, Replies, RuntimeOptions, WriteLimit, WritePolicy};
pub use outbox::{Drained, Outbox, Outgoing};
pub use pending::Pending;
pub use readiness::Readiness;
pub use ring_inbox::{INBOX_FIELDS, InboxSwitch, IntoRing, RingInbox, Wanted};
pub use ring_outbox::{END, MORE, OUTBOX_FIELDS, RingOutbox, kind};
pub use runtime::Runtime;
pub use stats::{ListenerStats, ReactorStats};
pub use token::{ConnectionToken, ListenerToken, OutboxToken, ReplyToken};
