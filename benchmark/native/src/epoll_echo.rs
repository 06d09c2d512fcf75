//! The echo suite's reference line: what the kernel allows one thread that does nothing but echo.
//!
//! It reads and writes back what came, without looking for the end of a message: no server that
//! frames can be faster on the same interface.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::epoll::Epoll;

const LISTENER: usize = usize::MAX;

/// Serves for ever; prints `{"port":…}` when it can be connected to.
pub(crate) fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let mut epoll = Epoll::new()?;
    epoll.add(&listener, LISTENER)?;
    println!("{{\"port\":{}}}", listener.local_addr()?.port());

    let mut connections: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        for index in 0..epoll.wait(None)? {
            let token = epoll.token(index);
            if token == LISTENER {
                accept(&listener, &epoll, &mut connections)?;
            } else if let Some(stream) = &mut connections[token]
                && !echo(stream, &mut buffer)
            {
                connections[token] = None;
            }
        }
    }
}

fn accept(listener: &TcpListener, epoll: &Epoll, connections: &mut Vec<Option<TcpStream>>) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                epoll.add(&stream, connections.len())?;
                connections.push(Some(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// False when the connection is to be dropped. A peer that does not read is dropped too: the load
/// never has more in flight than a socket's buffer holds.
fn echo(stream: &mut TcpStream, buffer: &mut [u8]) -> bool {
    match stream.read(buffer) {
        Ok(0) => false,
        Ok(length) => stream.write_all(&buffer[..length]).is_ok(),
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}
