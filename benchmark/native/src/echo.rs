//! Lines of a fixed length that must come back as they went.

use std::io::Write;

use crate::load::{Answers, Protocol};

/// One connection's lines: no two are alike, so that an answer given to the wrong connection, or
/// twice, is seen.
pub(crate) struct Echo {
    connection: usize,
    sequence: u64,
    bytes: usize,
    expected: Vec<u8>,
    checked: usize,
}

impl Echo {
    /// `bytes` is the length of a line, its end included; below 22 the number that tells lines apart
    /// is cut short.
    pub(crate) fn new(connection: usize, bytes: usize) -> Self {
        Self { connection, sequence: 0, bytes: bytes.max(1), expected: Vec::new(), checked: 0 }
    }
}

impl Protocol for Echo {
    fn requests(&mut self, count: usize, requests: &mut Vec<u8>) {
        self.expected.clear();
        for index in 1..=count {
            let end = index * self.bytes;
            write!(self.expected, "{:08} {:012} ", self.connection, self.sequence)
                .expect("a Vec takes all that is written");
            self.expected.resize(end - 1, b'x');
            self.expected.push(b'\n');
            self.sequence += 1;
        }
        self.checked = 0;
        requests.clone_from(&self.expected);
    }

    fn answers(&mut self, bytes: &[u8]) -> Result<Answers, String> {
        let end = self.checked + bytes.len();
        if self.expected.get(self.checked..end) != Some(bytes) {
            return Err(format!("connection {}: what came back is not what was sent", self.connection));
        }
        let before = self.checked / self.bytes;
        self.checked = end;
        Ok(Answers { good: end / self.bytes - before, errors: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_length_asked_for_and_differ() {
        let mut echo = Echo::new(7, 100);
        let mut requests = Vec::new();
        echo.requests(3, &mut requests);
        let lines: Vec<&[u8]> = requests.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.len() == 100));
        assert_ne!(lines[0], lines[1]);
    }

    #[test]
    fn an_answer_in_pieces_counts_once_it_is_whole() {
        let mut echo = Echo::new(0, 100);
        let mut requests = Vec::new();
        echo.requests(2, &mut requests);
        assert_eq!(echo.answers(&requests[..150]).unwrap().good, 1);
        assert_eq!(echo.answers(&requests[150..]).unwrap().good, 1);
    }

    #[test]
    fn a_changed_byte_and_a_byte_too_many_are_seen() {
        let mut echo = Echo::new(0, 100);
        let mut requests = Vec::new();
        echo.requests(1, &mut requests);
        let mut changed = requests.clone();
        changed[50] ^= 1;
        assert!(echo.answers(&changed).is_err());
        requests.push(b'\n');
        assert!(echo.answers(&requests).is_err());
    }
}
