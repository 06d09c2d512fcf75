//! Out of descriptors: those who wait are told, those who are served stay. In a process of its own, because the limit
//! is the process's.
#![cfg(unix)]

mod support;

use millrace_reactor::ListenerToken;
use std::fs::File;
use std::os::fd::AsRawFd;
use support::{Bench, Client, lines};

const FREE: u64 = 10;
const CLIENTS: usize = 40;

fn limit(descriptors: Option<u64>) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a pointer to a live rlimit.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        let before = limit.rlim_cur;
        if let Some(descriptors) = descriptors {
            limit.rlim_cur = descriptors;
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
        }
        before
    }
}

#[test]
fn out_of_descriptors_those_who_wait_are_closed_and_those_served_go_on() {
    let bench = Bench::new(lines());
    bench.controller.pause(bench.listening.listener);
    bench.controller.close(ListenerToken::NONE).wait().unwrap();
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| bench.dial()).collect();
    let next_free = File::open("/dev/null").unwrap().as_raw_fd() as u64;
    let before = limit(Some(next_free + FREE));
    bench.controller.resume(bench.listening.listener);
    for client in &mut clients {
        client.say("x\n");
    }
    bench.until("all dealt with", |stats| {
        stats.accepted + bench.controller.stats().out_of_descriptors == CLIENTS as u64 && stats.frames == stats.accepted
    });
    let served = bench.stats().accepted as usize;
    assert!((1..=FREE as usize).contains(&served), "{served}");
    for _ in 0..served {
        let frame = bench.frame();
        bench.pen.reply(&frame, "y");
    }
    let answered = clients.iter_mut().filter(|client| matches!((&client.0).read_one(), Ok(1))).count();
    assert_eq!(answered, served);
    limit(Some(before));
    let mut late = bench.dial();
    late.say("late\n");
    assert_eq!(bench.frame().text(), "late");
}

trait ReadOne {
    fn read_one(self) -> std::io::Result<usize>;
}

impl ReadOne for &std::net::TcpStream {
    fn read_one(mut self) -> std::io::Result<usize> {
        std::io::Read::read(&mut self, &mut [0; 1])
    }
}
