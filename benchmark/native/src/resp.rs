//! `XADD` commands of three small fields, answered with ids.

use std::io::Write;

use crate::load::{Answers, Protocol};

/// The stream that everything is appended to.
const STREAM: &str = "bench";

/// One connection's appends. Ids answered on one connection must rise, because the commands were
/// sent in that order.
pub(crate) struct Append {
    connection: usize,
    sequence: u64,
    last: (u64, u64),
    unread: Vec<u8>,
}

impl Append {
    pub(crate) fn new(connection: usize) -> Self {
        Self { connection, sequence: 0, last: (0, 0), unread: Vec::new() }
    }

    /// Checks the answer that `unread[start..]` begins with; `None` when it has not come whole.
    /// Returns where it ends and whether it is an id.
    fn answer(&mut self, start: usize) -> Result<Option<(usize, bool)>, String> {
        let Some((line_end, line)) = line_at(&self.unread, start) else { return Ok(None) };
        match line.split_first() {
            Some((b'-', _)) => Ok(Some((line_end, false))),
            Some((b'$', _)) => {
                let Some((id_end, text)) = line_at(&self.unread, line_end) else { return Ok(None) };
                let id = parse_id(text).ok_or_else(|| self.unexpected(text))?;
                if id <= self.last {
                    return Err(format!("{} is not above {:?}", self.unexpected(text), self.last));
                }
                self.last = id;
                Ok(Some((id_end, true)))
            }
            _ => Err(self.unexpected(line)),
        }
    }

    fn unexpected(&self, text: &[u8]) -> String {
        let Self { connection, sequence, .. } = self;
        format!("connection {connection}, command {sequence}: {:?}", String::from_utf8_lossy(text))
    }
}

impl Protocol for Append {
    fn requests(&mut self, count: usize, requests: &mut Vec<u8>) {
        requests.clear();
        for _ in 0..count {
            let first = format!("{:08}", self.sequence);
            let second = self.connection.to_string();
            write!(
                requests,
                "*9\r\n$4\r\nXADD\r\n${}\r\n{STREAM}\r\n$1\r\n*\r\n$1\r\na\r\n${}\r\n{first}\r\n$1\r\nb\r\n${}\r\n{second}\r\n$1\r\nc\r\n$1\r\n3\r\n",
                STREAM.len(),
                first.len(),
                second.len(),
            )
            .expect("a Vec takes all that is written");
            self.sequence += 1;
        }
    }

    fn answers(&mut self, bytes: &[u8]) -> Result<Answers, String> {
        self.unread.extend_from_slice(bytes);
        let mut answers = Answers::default();
        let mut read = 0;
        while let Some((end, good)) = self.answer(read)? {
            if good {
                answers.good += 1;
            } else {
                answers.errors += 1;
            }
            read = end;
        }
        self.unread.drain(..read);
        Ok(answers)
    }
}

/// The line that begins at `start`, without its end, and where the next one begins.
fn line_at(bytes: &[u8], start: usize) -> Option<(usize, &[u8])> {
    let rest = &bytes[start..];
    let length = rest.windows(2).position(|pair| pair == b"\r\n")?;
    Some((start + length + 2, &rest[..length]))
}

/// `milliseconds-sequence`, both decimal.
fn parse_id(text: &[u8]) -> Option<(u64, u64)> {
    let (milliseconds, sequence) = std::str::from_utf8(text).ok()?.split_once('-')?;
    Some((milliseconds.parse().ok()?, sequence.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_errors_are_counted_apart_also_in_pieces() {
        let answer = b"$5\r\n100-0\r\n-TRYAGAIN later\r\n$5\r\n100-1\r\n";
        for cut in 0..answer.len() {
            let mut append = Append::new(0);
            let first = append.answers(&answer[..cut]).unwrap();
            let second = append.answers(&answer[cut..]).unwrap();
            assert_eq!((first.good + second.good, first.errors + second.errors), (2, 1));
        }
    }

    #[test]
    fn an_id_that_does_not_rise_and_what_is_no_id_are_refused() {
        let mut append = Append::new(0);
        assert!(append.answers(b"$5\r\n100-5\r\n$5\r\n100-5\r\n").is_err());
        assert!(Append::new(0).answers(b"$2\r\nOK\r\n").is_err());
        assert!(Append::new(0).answers(b"+OK\r\n").is_err());
        assert!(Append::new(0).answers(b":1\r\n").is_err());
    }
}
