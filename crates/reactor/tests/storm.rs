//! Peers of every kind at once, from a seed: nothing leaks, nobody gets what is another's, every `Open` has its `Close`.

mod support;

use millrace_reactor::{ListenOptions, MessageKind, WriteLimit, WritePolicy};
use std::collections::HashMap;
use std::io::Read;
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::{Bench, Client, Note, Out, PATIENCE, lines};

/// xorshift64: the storm has to be the same for a seed, and good numbers are not needed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// One peer's life. What it reads must be what it sent, in order.
fn live(address: SocketAddr, random: &mut Random, name: &str) {
    let mut client = Client::dial(address);
    let count = random.below(40);
    let mut sent = String::new();
    for at in 0..count {
        sent += &format!("{name}.{at}.{}\n", "p".repeat(random.below(3000) as usize));
    }
    match random.below(6) {
        0 => {
            client.say(&sent);
            client.reset();
        }
        1 => {
            client.say(&sent);
            client.say("never whole");
            client.0.shutdown(Shutdown::Write).unwrap();
            assert_eq!(client.rest(), sent);
        }
        2 => {
            for piece in sent.as_bytes().chunks(1 + random.below(700) as usize) {
                client.say(piece);
            }
            assert_eq!(client.hear(sent.len()), sent);
        }
        3 => {
            client.say(&sent);
            let part = random.below(sent.len() as u64 + 1) as usize;
            assert_eq!(client.hear(part), sent[..part]);
            client.reset();
        }
        4 => {
            client.say(&sent);
            client.say("quit\n");
            assert_eq!(client.rest(), sent + "quit\n");
        }
        _ => {
            client.say("too long".repeat(2000));
            let mut ignored = Vec::new();
            let _ = client.0.read_to_end(&mut ignored);
        }
    }
}

#[test]
fn a_storm_of_peers_leaves_nothing_behind() {
    const THREADS: u64 = 4;
    const LIVES: u64 = 150;
    let seed = std::env::var("MILLRACE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed);
    println!("MILLRACE_SEED={seed}");
    let bench = Bench::with_room(
        ListenOptions {
            framing: millrace_reactor::Framing::Lines(millrace_reactor::Lines { max: 8000 }),
            max_owed: 16,
            write_limit: WriteLimit { bytes: 20_000, policy: WritePolicy::Pause },
            idle_timeout: Some(Duration::from_secs(30)),
            ..lines()
        },
        8,
    );
    let over = AtomicBool::new(false);
    let mut random = Random(seed | 1);
    let seeds: Vec<u64> = (0..THREADS).map(|_| random.below(u64::MAX) | 1).collect();
    let mut known: HashMap<_, u32> = HashMap::new();
    let mut closed = 0;
    std::thread::scope(|scope| {
        let peers: Vec<_> = seeds
            .into_iter()
            .enumerate()
            .map(|(thread, seed)| {
                let address = bench.listening.address;
                scope.spawn(move || {
                    let mut random = Random(seed);
                    for life in 0..LIVES {
                        live(address, &mut random, &format!("{thread}.{life}"));
                    }
                })
            })
            .collect();
        let watcher = scope.spawn(|| {
            let results: Vec<_> = peers.into_iter().map(|peer| peer.join()).collect();
            over.store(true, SeqCst);
            results
        });
        let mut held: Vec<Note> = Vec::new();
        let mut last = Instant::now();
        loop {
            assert!(last.elapsed() < PATIENCE, "stuck: {:?} {:?}", bench.stats(), bench.controller.stats());
            match bench.notes.recv_timeout(Duration::from_millis(2)) {
                Ok(note) => {
                    last = Instant::now();
                    bench.room.give(1);
                    match note.kind {
                        MessageKind::Open => assert!(known.insert(note.connection, 0).is_none()),
                        MessageKind::Frame => {
                            assert!(known.contains_key(&note.connection));
                            held.push(note);
                        }
                        MessageKind::Close => {
                            assert!(known.remove(&note.connection).is_some());
                            closed += 1;
                        }
                        MessageKind::Error => panic!("{note:?}"),
                    }
                    if held.len() < 50 {
                        continue;
                    }
                }
                Err(_) if over.load(SeqCst) && bench.stats().connections == 0 && held.is_empty() => break,
                Err(_) => {}
            }
            // Answered in no order at all, some in pieces.
            while !held.is_empty() {
                let at = random.below(held.len() as u64) as usize;
                let Note { reply, body, .. } = held.swap_remove(at);
                let cut = random.below(body.len() as u64 + 1) as usize;
                let end = body == b"quit";
                bench.pen.all([
                    Out::Reply(reply, body[..cut].to_vec(), true, false),
                    Out::Reply(reply, body[cut..].to_vec(), false, end),
                ]);
            }
        }
        for result in watcher.join().unwrap() {
            result.unwrap();
        }
    });
    while let Ok(note) = bench.notes.recv_timeout(Duration::from_millis(20)) {
        assert_eq!(note.kind, MessageKind::Close);
        assert!(known.remove(&note.connection).is_some());
        closed += 1;
    }
    assert!(known.is_empty(), "{known:?}");
    let stats = bench.stats();
    assert_eq!((stats.connections, stats.owed), (0, 0));
    assert!(stats.full > 0 && stats.write_pauses > 0, "too mild a storm: {stats:?}");
    assert!(closed <= stats.accepted && stats.accepted <= THREADS * LIVES);
}
