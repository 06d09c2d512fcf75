//! Reactors and listeners.

use crate::completion::Completion;
use crate::environment::{Environment, lock};
use crate::failure::{failure, gone, open_failed};
use crate::pending::{wait_at_most, when};
use crate::ring::ring;
use millrace_reactor::{
    Controller, Framing, InboxSwitch, IntoRing, Lines, ListenOptions, ListenerToken, Listening, OutboxToken, Pending,
    Replies, Resp, RingInbox, RingOutbox, Runtime, RuntimeOptions, Settled, Wanted, WriteLimit, WritePolicy,
};
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// Listeners and outboxes of the process by number, so that every environment reaches them.
static REACTORS: LazyLock<Mutex<HashMap<u32, Runtime>>> = LazyLock::new(Mutex::default);
static LISTENERS: LazyLock<Mutex<HashMap<u32, Listener>>> = LazyLock::new(Mutex::default);
static OUTBOXES: LazyLock<Mutex<HashMap<u32, AddedOutbox>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// What the end of an environment may wait for the last words of a thread.
const END: Duration = Duration::from_millis(10);

struct AddedOutbox {
    controller: Controller,
    token: OutboxToken,
    environment: u32,
    /// What takes it back when its environment ends.
    end: u32,
}

#[derive(Clone)]
struct Listener {
    controller: Controller,
    listening: Listening,
    switch: InboxSwitch,
    environment: u32,
    /// What closes it when its environment ends.
    end: u32,
}

fn next() -> u32 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn listener(number: u32) -> Result<Listener> {
    lock(&LISTENERS).get(&number).cloned().ok_or_else(|| gone("this listener"))
}

fn controller(reactor: u32) -> Result<Controller> {
    lock(&REACTORS).get(&reactor).map(Runtime::controller).ok_or_else(|| gone("this reactor"))
}

/// Starts a reactor; it ends with the environment.
#[napi(catch_unwind)]
pub fn create_reactor(environment: u32, name: String, spin_microseconds: u32) -> Result<u32> {
    let environment = Environment::get(environment)?;
    let spin = Duration::from_micros(spin_microseconds.into());
    let options = RuntimeOptions { name, spin, ..RuntimeOptions::default() };
    let runtime = Runtime::start(options).map_err(|error| failure("INTERNAL", error))?;
    let number = next();
    lock(&REACTORS).insert(number, runtime);
    environment.at_end(move || end_reactor(number));
    Ok(number)
}

/// Ends a reactor: all its listeners close at once. Waits for the turn it is in.
#[napi(catch_unwind)]
pub fn end_reactor(reactor: u32) {
    // Not under the lock: the reactor's thread is joined, and calls that answer take it.
    let runtime = lock(&REACTORS).remove(&reactor);
    drop(runtime);
}

/// The engine's name and the totals of a reactor.
#[napi(object)]
pub struct ReactorTotals {
    pub engine: String,
    pub totals: HashMap<String, f64>,
}

#[napi(catch_unwind)]
pub fn reactor_totals(reactor: u32) -> Result<ReactorTotals> {
    let controller = controller(reactor)?;
    let totals = controller.stats().entries().map(|(name, n)| (name.to_owned(), n as f64)).collect();
    Ok(ReactorTotals { engine: controller.engine().to_owned(), totals })
}

/// What a listener is told; the facade has checked it.
#[napi(object)]
pub struct ListenerSettings {
    pub host: String,
    pub port: u16,
    /// `lines` or `resp`.
    pub framing: String,
    pub max_frame: u32,
    pub max_arguments: u32,
    pub backlog: u32,
    pub max_connections: u32,
    /// Milliseconds; 0 for never.
    pub idle_timeout: u32,
    pub frame_timeout: u32,
    pub write_limit: u32,
    /// `pause`, `drop` or `close`.
    pub write_policy: String,
    /// `ordered`, `any` or `none`.
    pub replies: String,
    pub max_owed: u32,
}

fn milliseconds(number: u32) -> Option<Duration> {
    (number > 0).then(|| Duration::from_millis(number.into()))
}

fn listen_options(settings: &ListenerSettings) -> Result<ListenOptions> {
    let ip = settings.host.parse().map_err(|_| failure("INVALID_ARGUMENT", "host is no address"))?;
    let framing = match settings.framing.as_str() {
        "lines" => Framing::Lines(Lines { max: settings.max_frame }),
        "resp" => Framing::Resp(Resp { max: settings.max_frame, max_arguments: settings.max_arguments }),
        other => return Err(failure("INVALID_ARGUMENT", format_args!("no framing is called {other}"))),
    };
    let policy = match settings.write_policy.as_str() {
        "drop" => WritePolicy::Drop,
        "close" => WritePolicy::Close,
        _ => WritePolicy::Pause,
    };
    let replies = match settings.replies.as_str() {
        "any" => Replies::Any,
        "none" => Replies::None,
        _ => Replies::Ordered,
    };
    Ok(ListenOptions {
        address: SocketAddr::new(ip, settings.port),
        backlog: settings.backlog,
        max_connections: settings.max_connections,
        idle_timeout: milliseconds(settings.idle_timeout),
        frame_timeout: milliseconds(settings.frame_timeout),
        write_limit: WriteLimit { bytes: settings.write_limit as usize, policy },
        replies,
        max_owed: settings.max_owed,
        ..ListenOptions::new(framing)
    })
}

/// Opens a listener whose own messages go to the ring `inbox`. Answered with its number and port, and its address.
#[napi(catch_unwind)]
pub fn listen(environment: u32, call: u32, reactor: u32, settings: ListenerSettings, inbox: u32) -> Result<()> {
    let environment = Environment::get(environment)?;
    let controller = controller(reactor)?;
    let options = listen_options(&settings)?;
    let own = ring(inbox)?.byte_producer(environment.number).map_err(open_failed)?;
    let (inbox, switch) = RingInbox::new(own);
    let answer = controller.listen(options, Box::new(inbox));
    when(answer, move |answer| {
        let completion = match answer {
            Some(Ok(listening)) => opened(&environment, controller, listening, switch),
            Some(Err(error)) => system_failed(&error),
            None => Completion { code: Some("CLOSED".into()), ..Completion::default() },
        };
        environment.completions.answer(Completion { call, ..completion });
    });
    Ok(())
}

fn opened(
    environment: &Arc<Environment>,
    controller: Controller,
    listening: Listening,
    switch: InboxSwitch,
) -> Completion {
    let number = next();
    let (ending, token) = (controller.clone(), listening.listener);
    let end = environment.at_end(move || {
        lock(&LISTENERS).remove(&number);
        drop(ending.close(token));
    });
    let address = listening.address;
    let listener = Listener { controller, listening, switch, environment: environment.number, end };
    lock(&LISTENERS).insert(number, listener);
    Completion {
        numbers: vec![number.into(), address.port().into()],
        text: Some(address.ip().to_string()),
        ..Completion::default()
    }
}

fn system_failed(error: &std::io::Error) -> Completion {
    Completion {
        code: Some(String::new()),
        errno: Some(error.raw_os_error().unwrap_or(0)),
        message: Some(error.to_string()),
        ..Completion::default()
    }
}

/// Sends everything into the listener's own ring; `wanted` has a bit for each kind of message.
#[napi(catch_unwind)]
pub fn serve_listener(number: u32, wanted: u32) -> Result<()> {
    listener(number)?.switch.own(Wanted(wanted));
    Ok(())
}

/// Sends frames into a ring of the user's. Offsets of header fields are negative where they are not wanted.
#[napi(catch_unwind)]
pub fn listener_into_ring(number: u32, into: u32, reply: i32, connection: i32, wanted: u32) -> Result<()> {
    let listener = listener(number)?;
    let producer = ring(into)?.byte_producer(listener.environment).map_err(open_failed)?;
    let field = |at: i32| u32::try_from(at).ok();
    let ring = IntoRing { producer, reply: field(reply), connection: field(connection) };
    listener.switch.into_ring(ring, Wanted(wanted));
    Ok(())
}

/// Lets the reactor of a listener take replies and commands from the ring `outbox`; the number takes that back.
#[napi(catch_unwind)]
pub fn add_outbox(environment: u32, number: u32, outbox: u32) -> Result<u32> {
    let environment = Environment::get(environment)?;
    let controller = listener(number)?.controller;
    let ring = ring(outbox)?;
    let records = ring.byte_consumer_at(0, environment.number).map_err(open_failed)?;
    let token = controller.add_outbox(Box::new(RingOutbox::new(records, ring)));
    let number = next();
    let end = environment.at_end(move || {
        if let Some(outbox) = lock(&OUTBOXES).remove(&number) {
            // What a thread said before it ended is still done, if the reactor comes to it in time.
            wait_at_most(outbox.controller.remove_outbox(outbox.token), END);
        }
    });
    lock(&OUTBOXES).insert(number, AddedOutbox { controller, token, environment: environment.number, end });
    Ok(number)
}

fn take_outbox(number: u32) -> Option<Pending<()>> {
    let AddedOutbox { controller, token, environment, end } = lock(&OUTBOXES).remove(&number)?;
    if let Ok(owner) = Environment::get(environment) {
        owner.forget_end(end);
    }
    Some(controller.remove_outbox(token))
}

/// Takes an outbox back, after what is in it was done. Answered when the reactor no longer reaches it.
#[napi(catch_unwind)]
pub fn remove_outbox(environment: u32, call: u32, outbox: u32) -> Result<()> {
    let environment = Environment::get(environment)?;
    let answer = move || environment.completions.answer(Completion { call, ..Completion::default() });
    match take_outbox(outbox) {
        Some(pending) => when(pending, move |_| answer()),
        None => answer(),
    }
    Ok(())
}

/// Takes an outbox back whose ring has ended, so that nothing is left to be done.
#[napi(catch_unwind)]
pub fn drop_outbox(outbox: u32) {
    drop(take_outbox(outbox));
}

/// Ends a listener: in good order within `timeout` milliseconds (negative: without limit), or at once. Answered with
/// the connections that got all they were owed, and those that did not.
#[napi(catch_unwind)]
pub fn end_listener(environment: u32, call: u32, number: u32, drain: bool, timeout: f64) -> Result<()> {
    let environment = Environment::get(environment)?;
    let Listener { controller, listening, .. } = listener(number)?;
    let token: ListenerToken = listening.listener;
    let pending = if drain {
        controller.drain(token, (timeout >= 0.0).then(|| Duration::from_secs_f64(timeout / 1000.0)))
    } else {
        controller.close(token)
    };
    when(pending, move |settled| {
        let Settled { drained, cut } = settled.unwrap_or_default();
        let numbers = vec![drained as f64, cut as f64];
        environment.completions.answer(Completion { call, numbers, ..Completion::default() });
    });
    Ok(())
}

/// The totals of a listener.
#[napi(catch_unwind)]
pub fn listener_totals(number: u32) -> Result<HashMap<String, f64>> {
    Ok(totals(&listener(number)?))
}

/// Forgets a listener that has ended; its last totals.
#[napi(catch_unwind)]
pub fn forget_listener(number: u32) -> Option<HashMap<String, f64>> {
    let listener = lock(&LISTENERS).remove(&number)?;
    if let Ok(owner) = Environment::get(listener.environment) {
        owner.forget_end(listener.end);
    }
    Some(totals(&listener))
}

fn totals(listener: &Listener) -> HashMap<String, f64> {
    listener.listening.stats().entries().map(|(name, n)| (name.to_owned(), n as f64)).collect()
}
