//! Lines.

use super::{Codec, Decoded, Refusal, Scratch};
use crate::message::CloseReason;
use memchr::memchr;

/// Lines ended by LF; a CR before it belongs to the end. A reply gets a LF behind it.
///
/// What the peer sent after its last LF when it ends is no frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Bytes of the longest line, its end not counted.
    pub max: u32,
}

/// How much of a line without an end was looked at.
#[derive(Debug, Default)]
pub struct LinesState {
    scanned: usize,
}

impl Codec for Lines {
    type State = LinesState;

    #[inline]
    fn decode<'a>(
        &self,
        state: &mut LinesState,
        input: &'a [u8],
        _scratch: &'a mut Scratch,
    ) -> Result<Decoded<'a>, Refusal> {
        let max = self.max as usize;
        match memchr(b'\n', &input[state.scanned..]) {
            Some(found) => {
                let end = state.scanned + found;
                *state = LinesState::default();
                let line = &input[..end];
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if line.len() > max {
                    return Err(self.too_large());
                }
                Ok(Decoded::Frame { consumed: end + 1, head: &[], body: line })
            }
            // One byte more than allowed may still be the CR of an allowed line.
            None if input.len() > max + 1 || (input.len() == max + 1 && input[max] != b'\r') => Err(self.too_large()),
            None => {
                state.scanned = input.len();
                Ok(Decoded::Partial)
            }
        }
    }

    fn encode(&self, payload: &[u8], last: bool, write: &mut dyn FnMut(&[u8])) {
        write(payload);
        if last {
            write(b"\n");
        }
    }

    fn too_large(&self) -> Refusal {
        Refusal {
            reason: CloseReason::FrameTooLarge,
            text: format!("line longer than {} bytes", self.max).into(),
            answer: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::split::{frames, frames_of_one_piece};
    use proptest::prelude::*;

    fn bodies(max: u32, stream: &[u8]) -> (Vec<Vec<u8>>, Option<Refusal>) {
        let (frames, refusal) = frames_of_one_piece(&Lines { max }, stream);
        (frames.into_iter().map(|(_, body)| body).collect(), refusal)
    }

    #[test]
    fn lines_come_without_their_ends() {
        let (lines, refusal) = bodies(10, b"one\ntwo\r\n\n\r\nt\rhree\r\r\nrest");
        assert_eq!(lines, [&b"one"[..], b"two", b"", b"", b"t\rhree\r"]);
        assert_eq!(refusal, None);
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes_and_one_more_byte_does_not() {
        assert_eq!(bodies(3, b"abc\n").0, [b"abc"]);
        assert_eq!(bodies(3, b"abc\r\n").0, [b"abc"]);
        assert_eq!(bodies(3, b"abc").1, None);
        assert_eq!(bodies(3, b"abc\r").1, None);
        for stream in [&b"abcd"[..], b"abcd\n", b"abc\rx", b"abc\rx\n"] {
            let (lines, refusal) = bodies(3, stream);
            assert!(lines.is_empty());
            assert_eq!(refusal.map(|refusal| refusal.reason), Some(CloseReason::FrameTooLarge));
        }
    }

    #[test]
    fn a_reply_in_pieces_is_one_line() {
        let mut out = Vec::new();
        let mut write = |bytes: &[u8]| out.extend_from_slice(bytes);
        Lines { max: 9 }.encode(b"to", false, &mut write);
        Lines { max: 9 }.encode(b"gether", true, &mut write);
        assert_eq!(out, b"together\n");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            stream in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'x')], 0..200),
            cuts in proptest::collection::vec(1_usize..20, 0..100),
            max in 0_u32..12,
        ) {
            let codec = Lines { max };
            prop_assert_eq!(frames(&codec, &stream, &cuts), frames_of_one_piece(&codec, &stream));
        }
    }
}
