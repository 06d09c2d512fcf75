//! Load generators and native reference lines of the benchmark suites.
//!
//! A load generator is closed-loop: every connection keeps a fixed number of requests in flight, and
//! sends the next ones when the last answer has come. It runs in one thread on epoll, checks every
//! byte it gets back, and prints one JSON object a line as it goes from phase to phase:
//!
//! | line | printed when |
//! |---|---|
//! | `{"phase":"measure"}` | the warm-up is over: the server may begin its own measuring |
//! | `{"phase":"result","rate":…,"p50":…}` | the window is over; the load goes on for a moment, so that the server ends its measuring under load too |
//! | `{"phase":"end","answered":…}` | every request sent has been answered, warm-up included |
//!
//! Rates are a second, latencies microseconds.

#[cfg(target_os = "linux")]
mod command;
#[cfg(target_os = "linux")]
mod echo;
#[cfg(target_os = "linux")]
mod epoll;
#[cfg(target_os = "linux")]
mod epoll_echo;
#[cfg(target_os = "linux")]
mod latency;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod pin;
#[cfg(target_os = "linux")]
mod resp;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    command::run(std::env::args().skip(1))
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("millrace-bench: the load generators stand on epoll and need Linux");
    std::process::ExitCode::FAILURE
}
