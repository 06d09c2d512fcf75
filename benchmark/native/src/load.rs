//! The closed loop that both generators share: connections, phases, counting.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::epoll::Epoll;
use crate::latency::Latency;

/// The load goes on this long after its window, so that the server's own measuring, which is ended
/// by a message that takes a while to arrive, sees no idle tail and no closing of connections.
const COOL_DOWN: Duration = Duration::from_millis(300);
/// A server that has not answered what it owes by then has lost it.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// What to load, how hard and how long.
pub(crate) struct Plan {
    pub(crate) port: u16,
    pub(crate) connections: usize,
    pub(crate) pipeline: usize,
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
}

/// One connection's side of a protocol.
pub(crate) trait Protocol {
    /// Replaces what is in `requests` by the next `count` requests.
    fn requests(&mut self, count: usize, requests: &mut Vec<u8>);
    /// Takes the bytes that came, checks them, and says what they completed.
    fn answers(&mut self, bytes: &[u8]) -> Result<Answers, String>;
}

/// What some bytes completed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Answers {
    pub(crate) good: usize,
    pub(crate) errors: usize,
}

struct Connection<P> {
    stream: TcpStream,
    protocol: P,
    owed: usize,
    sent: Instant,
}

struct Counts {
    answered: u64,
    errors: u64,
    latency: Latency,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Window,
    CoolDown,
    LastAnswers,
}

/// Loads the server from this thread until the plan is done.
///
/// # Errors
/// Fails when a connection cannot be made or is closed, when an answer is wrong, and when the server
/// still owes answers 10 seconds after the last request.
pub(crate) fn run<P: Protocol>(plan: &Plan, protocol: impl Fn(usize) -> P) -> io::Result<()> {
    let mut epoll = Epoll::new()?;
    let mut connections = Vec::with_capacity(plan.connections);
    for index in 0..plan.connections {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, plan.port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll.add(&stream, index)?;
        connections.push(Connection { stream, protocol: protocol(index), owed: 0, sent: Instant::now() });
    }

    let mut requests = Vec::new();
    for connection in &mut connections {
        connection.send(plan.pipeline, &mut requests)?;
    }

    let mut counts = Counts { answered: 0, errors: 0, latency: Latency::new() };
    let mut buffer = vec![0; 1 << 18];
    let mut phase = Phase::WarmUp;
    let mut busy = connections.len();
    let mut window_began = Instant::now();
    let mut phase_ends = window_began + plan.warm_up;
    loop {
        let ready = epoll.wait(Some(Duration::from_millis(50)))?;
        for index in 0..ready {
            let connection = &mut connections[epoll.token(index)];
            if connection.receive(&mut buffer, phase, &mut counts)? {
                if phase == Phase::LastAnswers {
                    busy -= 1;
                } else {
                    connection.send(plan.pipeline, &mut requests)?;
                }
            }
        }
        if phase == Phase::LastAnswers && busy == 0 {
            println!("{{\"phase\":\"end\",\"answered\":{},\"errors\":{}}}", counts.answered, counts.errors);
            return Ok(());
        }
        let now = Instant::now();
        if now < phase_ends {
            continue;
        }
        (phase, phase_ends) = match phase {
            Phase::WarmUp => {
                println!("{{\"phase\":\"measure\"}}");
                window_began = now;
                (Phase::Window, now + plan.window)
            }
            Phase::Window => {
                print_result(&counts, now - window_began);
                (Phase::CoolDown, now + COOL_DOWN)
            }
            Phase::CoolDown => (Phase::LastAnswers, now + LAST_ANSWERS),
            Phase::LastAnswers => {
                return Err(io::Error::other(format!("{busy} connections are still owed answers")));
            }
        };
    }
}

impl<P: Protocol> Connection<P> {
    fn send(&mut self, count: usize, requests: &mut Vec<u8>) -> io::Result<()> {
        self.protocol.requests(count, requests);
        self.owed = count;
        self.sent = Instant::now();
        // Everything owed has been answered, so the socket's buffer is empty: a short write would
        // mean that one round is larger than that buffer, and the plan is wrong.
        self.stream.write_all(requests)
    }

    /// True when nothing is owed on this connection any more.
    fn receive(&mut self, buffer: &mut [u8], phase: Phase, counts: &mut Counts) -> io::Result<bool> {
        let length = match self.stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        let answers = self.protocol.answers(&buffer[..length]).map_err(io::Error::other)?;
        let completed = answers.good + answers.errors;
        self.owed = self.owed.checked_sub(completed).ok_or_else(|| io::Error::other("more answers than requests"))?;
        counts.answered += answers.good as u64;
        counts.errors += answers.errors as u64;
        if phase == Phase::Window {
            counts.latency.record(self.sent.elapsed(), answers.good as u64);
        }
        Ok(self.owed == 0 && completed > 0)
    }
}

fn print_result(counts: &Counts, window: Duration) {
    let latency = &counts.latency;
    println!(
        "{{\"phase\":\"result\",\"rate\":{:.1},\"errors\":{},\"p50\":{:.1},\"p99\":{:.1},\"p999\":{:.1}}}",
        latency.total() as f64 / window.as_secs_f64(),
        counts.errors,
        latency.quantile(0.5),
        latency.quantile(0.99),
        latency.quantile(0.999),
    );
}
