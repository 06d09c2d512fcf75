//! Fifteen thousand connections, their far ends in a child process.
#![cfg(target_os = "linux")]

mod support;

use millrace_reactor::ListenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use support::{Bench, Out, lines};

const CROWD: usize = 15_000;
const ADDRESS: &str = "MILLRACE_CROWD_ADDRESS";

/// Resident bytes of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

fn descriptors() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live rlimit.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    limit.rlim_cur
}

/// The far ends, in the child: connect all, then on each line from the parent send on all and read the answers.
fn far_ends(address: &str) {
    let mut streams: Vec<TcpStream> = (0..CROWD).map(|_| TcpStream::connect(address).unwrap()).collect();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap() + "\n";
        for stream in &mut streams {
            stream.write_all(line.as_bytes()).unwrap();
        }
        let mut answer = vec![0; line.len()];
        for stream in &mut streams {
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, line.as_bytes());
        }
    }
}

#[test]
fn fifteen_thousand_connections_are_served_and_cost_little() {
    if let Ok(address) = std::env::var(ADDRESS) {
        return far_ends(&address);
    }
    if descriptors() < CROWD as u64 + 100 {
        println!("skipped: needs {} descriptors, has {}; raise it with `ulimit -n 20000`", CROWD + 100, descriptors());
        return;
    }
    let bench = Bench::new(ListenOptions { max_connections: CROWD as u32, ..lines() });
    let before = resident();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fifteen_thousand_connections_are_served_and_cost_little", "--nocapture"])
        .env(ADDRESS, bench.listening.address.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    bench.until("all there", |stats| stats.connections == CROWD as u64);
    while bench.notes.try_recv().is_ok() {}
    let each = resident().saturating_sub(before) / CROWD;
    // The test's own record of each `Open` is in it too.
    assert!(each <= 512, "{each} resident bytes a connection");
    let mut stdin = child.stdin.take().unwrap();
    for word in ["hello", "again"] {
        writeln!(stdin, "{word}").unwrap();
        for _ in 0..CROWD {
            let frame = bench.frame();
            bench.pen.out(Out::Reply(frame.reply, frame.body, false, false));
        }
    }
    drop(stdin);
    let mut output = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_to_string(&mut output).unwrap();
    assert!(child.wait().unwrap().success(), "{output}");
    bench.until("all gone", |stats| stats.connections == 0 && stats.closed_end == CROWD as u64);
    assert!(bench.dial().0.write_all(b"x").is_ok());
}
