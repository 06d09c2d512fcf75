//! Bytes that wait for a socket.

/// Buffers that are kept for the next connection that has to write; more would only be memory that lies about.
const KEPT: usize = 256;
/// A buffer that grew beyond this is not kept.
const KEPT_BYTES: usize = 64 << 10;
/// What a new buffer starts with: a few replies.
const FIRST_BYTES: usize = 1 << 10;

/// Buffers in nobody's use. A connection holds one only while it has something to send.
#[derive(Default)]
pub(super) struct Pool {
    buffers: Vec<Vec<u8>>,
}

impl Pool {
    fn take(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_else(|| Vec::with_capacity(FIRST_BYTES))
    }

    fn give(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < KEPT && buffer.capacity() <= KEPT_BYTES && buffer.capacity() > 0 {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }
}

/// Bytes in the order they go out.
#[derive(Default)]
pub(super) struct SendQueue {
    buffer: Vec<u8>,
    /// What has gone out already.
    start: usize,
}

impl SendQueue {
    pub(super) fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn front(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub(super) fn push(&mut self, bytes: &[u8], pool: &mut Pool) {
        if self.buffer.capacity() == 0 {
            self.buffer = pool.take();
        }
        // Moving the rest down costs no more than what was sent since the last time.
        if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// `bytes` have gone out.
    pub(super) fn advance(&mut self, bytes: usize, pool: &mut Pool) {
        self.start += bytes;
        if self.is_empty() {
            self.clear(pool);
        }
    }

    pub(super) fn clear(&mut self, pool: &mut Pool) {
        pool.give(std::mem::take(&mut self.buffer));
        self.start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order_whatever_is_taken_at_a_time() {
        let mut pool = Pool::default();
        let mut queue = SendQueue::default();
        let (mut expected, mut seen) = (Vec::new(), Vec::new());
        for round in 0..200_usize {
            let bytes: Vec<u8> = (0..round % 17).map(|at| (at + round) as u8).collect();
            queue.push(&bytes, &mut pool);
            expected.extend(bytes);
            let taken = queue.len().min(round % 13);
            seen.extend_from_slice(&queue.front()[..taken]);
            queue.advance(taken, &mut pool);
        }
        seen.extend_from_slice(queue.front());
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_empty_queue_holds_no_memory() {
        let mut pool = Pool::default();
        let mut queue = SendQueue::default();
        queue.push(b"abc", &mut pool);
        queue.advance(3, &mut pool);
        assert_eq!(queue.buffer.capacity(), 0);
        assert_eq!(pool.buffers.len(), 1);
    }
}
