//! The readiness engine keeps the contract, with real sockets for peers.

use super::Readiness;
use crate::contract::{Peer, World, contract_suite};
use socket2::SockRef;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

impl Peer for TcpStream {
    fn end(&mut self) {
        self.shutdown(Shutdown::Write).unwrap();
    }

    fn reset(self) {
        SockRef::from(&self).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

struct Loopback;

impl World for Loopback {
    type Engine = Readiness;
    type Peer = TcpStream;

    fn engine() -> Readiness {
        Readiness::new().unwrap()
    }

    fn dial(_engine: &mut Readiness, address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn nowhere() -> SocketAddr {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
    }
}

contract_suite!(Loopback);
