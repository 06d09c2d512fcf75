//! What the reactor's thread is in the process it is a guest of.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use support::{Bench, lines};

/// A field of a file under /proc, a number in this base.
fn field(file: &str, name: &str, base: u32) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    u64::from_str_radix(line.trim_start_matches(':').trim(), base).ok()
}

#[test]
fn the_thread_is_named_and_leaves_the_hosts_signals_alone() {
    let bench = Bench::new(lines());
    let task = fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| task.unwrap().path())
        .find(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("millrace-reac")))
        .expect("a thread of this name");
    let blocked = field(task.join("status").to_str().unwrap(), "SigBlk", 16).unwrap();
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGCHLD, libc::SIGUSR1, libc::SIGPIPE] {
        assert_ne!(blocked & 1 << (signal - 1), 0, "signal {signal} is not blocked");
    }
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGABRT] {
        assert_eq!(blocked & 1 << (signal - 1), 0, "signal {signal} is blocked");
    }
    let own = field("/proc/thread-self/status", "SigBlk", 16).unwrap();
    assert_eq!(own & 1 << (libc::SIGTERM - 1), 0, "the caller's mask was not put back");
    drop(bench);
}

#[test]
fn every_descriptor_is_closed_on_exec() {
    const CLOSE_ON_EXEC: u64 = 0o2_000_000;
    let bench = Bench::new(lines());
    let mut client = bench.dial();
    client.say("x\n");
    bench.frame();
    let mut looked_at = 0;
    for entry in fs::read_dir("/proc/self/fdinfo").unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().parse::<u32>().unwrap() <= 2 {
            continue;
        }
        // What the test runner opened, or handed down to us, is not ours.
        let target = fs::read_link(path.to_str().unwrap().replace("fdinfo", "fd")).unwrap_or_default();
        let target = target.to_string_lossy();
        if target.starts_with("socket:") || target.starts_with("anon_inode:") {
            // One of the test beside this one may be closed by now.
            let Some(flags) = field(path.to_str().unwrap(), "flags", 8) else { continue };
            assert_ne!(flags & CLOSE_ON_EXEC, 0, "{target}");
            looked_at += 1;
        }
    }
    assert!(looked_at >= 5, "{looked_at} descriptors");
}
