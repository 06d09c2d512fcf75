//! The command line: which generator or reference line to run, and with what.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use crate::echo::Echo;
use crate::load::{self, Plan};
use crate::resp::Append;
use crate::{epoll_echo, pin};

const USAGE: &str = "usage:
  millrace-bench load-echo PORT CONNECTIONS BYTES SECONDS [PIPELINE [WARM_UP_SECONDS]]
  millrace-bench load-resp PORT CONNECTIONS PIPELINE SECONDS [WARM_UP_SECONDS]
  millrace-bench epoll-echo PORT          (0: any free port, printed)
  millrace-bench pin CORE COMMAND [ARGUMENT…]";

/// Warm-up when none is given: enough for V8 to have optimised a handler.
const WARM_UP_SECONDS: f64 = 1.0;

/// Runs what the arguments ask for.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let arguments: Vec<String> = arguments.collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("millrace-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> io::Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(io::Error::other(USAGE));
    };
    match name.as_str() {
        "load-echo" => {
            let bytes: usize = value(rest, 2, "BYTES")?;
            let plan = Plan {
                port: value(rest, 0, "PORT")?,
                connections: value(rest, 1, "CONNECTIONS")?,
                pipeline: optional(rest, 4, "PIPELINE", 1)?,
                warm_up: seconds(optional(rest, 5, "WARM_UP_SECONDS", WARM_UP_SECONDS)?)?,
                window: seconds(value(rest, 3, "SECONDS")?)?,
            };
            load::run(&plan, |connection| Echo::new(connection, bytes))
        }
        "load-resp" => {
            let plan = Plan {
                port: value(rest, 0, "PORT")?,
                connections: value(rest, 1, "CONNECTIONS")?,
                pipeline: value(rest, 2, "PIPELINE")?,
                warm_up: seconds(optional(rest, 4, "WARM_UP_SECONDS", WARM_UP_SECONDS)?)?,
                window: seconds(value(rest, 3, "SECONDS")?)?,
            };
            load::run(&plan, Append::new)
        }
        "epoll-echo" => epoll_echo::serve(value(rest, 0, "PORT")?),
        "pin" => match rest.get(1..) {
            Some([command, arguments @ ..]) => Err(pin::become_pinned(value(rest, 0, "CORE")?, command, arguments)),
            _ => Err(io::Error::other(USAGE)),
        },
        other => Err(io::Error::other(format!("no command {other:?}\n{USAGE}"))),
    }
}

fn value<T: FromStr<Err: Display>>(rest: &[String], index: usize, name: &str) -> io::Result<T> {
    let text = rest.get(index).ok_or_else(|| io::Error::other(format!("{name} is missing\n{USAGE}")))?;
    text.parse().map_err(|error| io::Error::other(format!("{name}: {text:?}: {error}")))
}

fn optional<T: FromStr<Err: Display>>(rest: &[String], index: usize, name: &str, default: T) -> io::Result<T> {
    if index < rest.len() { value(rest, index, name) } else { Ok(default) }
}

fn seconds(count: f64) -> io::Result<Duration> {
    Duration::try_from_secs_f64(count).map_err(io::Error::other)
}
