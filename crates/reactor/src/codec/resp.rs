//! Requests of the Redis serialization protocol, version 2.

use super::{Codec, Decoded, Refusal, Scratch, inline};
use crate::message::CloseReason;
use memchr::memchr;

/// The longest line: an inline command, or the header of an array or of a bulk string. Redis has the same limit.
const MAX_LINE: usize = 64 << 10;
/// The longest request as it is sent, so that places in it fit into 32 bits whatever the limits are.
const MAX_FRAME: usize = 1 << 31;
/// Places for arguments a state keeps for the next frame.
const KEPT_ARGUMENTS: usize = 1024;

/// Requests as Redis takes them: arrays of bulk strings, and commands on a line.
///
/// A frame's `head` is its number of arguments and then, for each, where it ends in `body`: little-endian `u32`s.
/// Its `body` is the arguments, one behind the other. What is replied must be one RESP value and goes out as it is.
/// What is refused is answered with Redis's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resp {
    /// Bytes of all arguments of one request together.
    pub max: u32,
    /// Arguments of one request; at most 2^31 - 1.
    pub max_arguments: u32,
}

/// What is understood of a request that is not whole.
#[derive(Debug, Default)]
pub struct RespState {
    /// Where in the frame the next header or argument begins.
    position: usize,
    /// Up to where a line that begins at `position` was searched for its end.
    scanned: usize,
    /// Arguments still to come; nothing until the array's header was read.
    remaining: Option<u32>,
    /// Length of the argument at `position`; nothing until its header was read.
    bulk: Option<u32>,
    /// Where each argument that is there lies in the frame, and how long it is.
    arguments: Vec<(u32, u32)>,
    /// Bytes of all arguments announced.
    bytes: usize,
}

impl RespState {
    /// Forgets the frame and keeps the memory.
    fn reset(&mut self) {
        let mut arguments = std::mem::take(&mut self.arguments);
        arguments.clear();
        arguments.shrink_to(KEPT_ARGUMENTS);
        *self = Self { arguments, ..Self::default() };
    }

    /// The line at `position` without its end `\r` and the byte after; nothing until both are there.
    fn line<'a>(&mut self, input: &'a [u8], refusal: &'static str) -> Result<Option<&'a [u8]>, Refusal> {
        let found = memchr(b'\r', &input[self.scanned..]).map(|at| self.scanned + at);
        let end = found.unwrap_or(input.len());
        if end - self.position > MAX_LINE {
            return Err(protocol_error(refusal));
        }
        if found.is_some() && end + 1 < input.len() {
            let line = &input[self.position..end];
            self.position = end + 2;
            self.scanned = self.position;
            return Ok(Some(line));
        }
        self.scanned = end;
        Ok(None)
    }
}

impl Resp {
    /// Reads the array's header and its arguments as far as they are there; true when all are.
    fn array(&self, state: &mut RespState, input: &[u8]) -> Result<bool, Refusal> {
        if state.remaining.is_none() {
            let Some(line) = state.line(input, "too big mbulk count string")? else { return Ok(false) };
            let count = integer(&line[1..])
                .filter(|count| *count <= i64::from(self.max_arguments.min(i32::MAX as u32)))
                .ok_or_else(|| protocol_error("invalid multibulk length"))?;
            state.remaining = Some(count.max(0) as u32);
        }
        while let Some(remaining @ 1..) = state.remaining {
            let length = match state.bulk {
                Some(length) => length,
                None => match self.bulk(state, input)? {
                    Some(length) => length,
                    None => return Ok(false),
                },
            };
            // The two bytes behind an argument are not looked at; Redis does not either.
            let end = state.position + length as usize + 2;
            if end > MAX_FRAME {
                return Err(self.too_large());
            }
            if input.len() < end {
                return Ok(false);
            }
            state.arguments.push((state.position as u32, length));
            state.position = end;
            state.scanned = end;
            state.bulk = None;
            state.remaining = Some(remaining - 1);
        }
        Ok(true)
    }

    /// Reads the header of the argument at `position`.
    fn bulk(&self, state: &mut RespState, input: &[u8]) -> Result<Option<u32>, Refusal> {
        match input.get(state.position) {
            None => return Ok(None),
            Some(b'$') => {}
            Some(other) => return Err(protocol_error(&format!("expected '$', got '{}'", other.escape_ascii()))),
        }
        let Some(line) = state.line(input, "too big bulk count string")? else { return Ok(None) };
        let length = integer(&line[1..])
            .and_then(|length| u64::try_from(length).ok())
            .ok_or_else(|| protocol_error("invalid bulk length"))?;
        if length > u64::from(self.max) {
            return Err(Refusal { reason: CloseReason::FrameTooLarge, ..protocol_error("invalid bulk length") });
        }
        state.bytes += length as usize;
        if state.bytes > self.max as usize {
            return Err(self.too_large());
        }
        state.bulk = Some(length as u32);
        Ok(state.bulk)
    }

    /// Reads a command on a line.
    fn inline<'a>(
        &self,
        state: &mut RespState,
        input: &'a [u8],
        scratch: &'a mut Scratch,
    ) -> Result<Decoded<'a>, Refusal> {
        let found = memchr(b'\n', &input[state.scanned..]).map(|at| state.scanned + at);
        let end = found.unwrap_or(input.len());
        if end > MAX_LINE.min(self.max as usize) {
            return Err(Refusal { reason: CloseReason::FrameTooLarge, ..protocol_error("too big inline request") });
        }
        if found.is_none() {
            state.scanned = end;
            return Ok(Decoded::Partial);
        }
        state.reset();
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        let Scratch { head, body } = scratch;
        body.clear();
        head.clear();
        head.extend_from_slice(&[0; 4]);
        let (mut count, mut word) = (0_u32, Vec::new());
        inline::split(line, &mut word, &mut |word| {
            count += 1;
            body.extend_from_slice(word);
            head.extend_from_slice(&(body.len() as u32).to_le_bytes());
        })
        .ok_or_else(|| protocol_error("unbalanced quotes in request"))?;
        if count == 0 {
            return Ok(Decoded::Skip { consumed: end + 1 });
        }
        if count > self.max_arguments {
            return Err(Refusal { reason: CloseReason::FrameTooLarge, ..protocol_error("too big inline request") });
        }
        head[..4].copy_from_slice(&count.to_le_bytes());
        Ok(Decoded::Frame { consumed: end + 1, head, body })
    }
}

impl Codec for Resp {
    type State = RespState;

    #[inline]
    fn decode<'a>(
        &self,
        state: &mut RespState,
        input: &'a [u8],
        scratch: &'a mut Scratch,
    ) -> Result<Decoded<'a>, Refusal> {
        match input.first() {
            None => return Ok(Decoded::Partial),
            Some(b'*') => {}
            Some(_) => return self.inline(state, input, scratch),
        }
        if !self.array(state, input)? {
            return Ok(Decoded::Partial);
        }
        let consumed = state.position;
        if state.arguments.is_empty() {
            state.reset();
            return Ok(Decoded::Skip { consumed });
        }
        let Scratch { head, body } = scratch;
        head.clear();
        body.clear();
        head.extend_from_slice(&(state.arguments.len() as u32).to_le_bytes());
        for &(start, length) in &state.arguments {
            let start = start as usize;
            body.extend_from_slice(&input[start..start + length as usize]);
            head.extend_from_slice(&(body.len() as u32).to_le_bytes());
        }
        state.reset();
        Ok(Decoded::Frame { consumed, head, body })
    }

    fn encode(&self, payload: &[u8], _last: bool, write: &mut dyn FnMut(&[u8])) {
        write(payload);
    }

    fn too_large(&self) -> Refusal {
        let text = format!("request larger than {} bytes", self.max);
        Refusal { reason: CloseReason::FrameTooLarge, ..protocol_error(&text) }
    }
}

/// A refusal in Redis's form.
fn protocol_error(text: &str) -> Refusal {
    Refusal {
        reason: CloseReason::Protocol,
        answer: format!("-ERR Protocol error: {text}\r\n").into_bytes(),
        text: text.to_owned().into(),
    }
}

/// A decimal integer the way Redis reads one: no plus sign, no zero in front, nothing around it.
fn integer(digits: &[u8]) -> Option<i64> {
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 18 || (digits[0] == b'0' && (digits.len() > 1 || negative)) {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::split::{frames, frames_of_one_piece};
    use proptest::prelude::*;

    const CODEC: Resp = Resp { max: 1 << 20, max_arguments: 1 << 20 };

    fn arguments((head, body): &(Vec<u8>, Vec<u8>)) -> Vec<Vec<u8>> {
        let numbers: Vec<usize> =
            head.chunks(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()) as usize).collect();
        assert_eq!(numbers[0] + 1, numbers.len());
        assert_eq!(*numbers.last().unwrap(), body.len());
        let mut start = 0;
        numbers[1..]
            .iter()
            .map(|end| {
                let argument = body[start..*end].to_vec();
                start = *end;
                argument
            })
            .collect()
    }

    fn requests(codec: &Resp, stream: &[u8]) -> (Vec<Vec<Vec<u8>>>, Option<Refusal>) {
        let (frames, refusal) = frames_of_one_piece(codec, stream);
        (frames.iter().map(arguments).collect(), refusal)
    }

    fn answer(codec: &Resp, stream: &[u8]) -> (CloseReason, String) {
        let refusal = requests(codec, stream).1.expect("a refusal");
        (refusal.reason, String::from_utf8(refusal.answer).unwrap())
    }

    #[test]
    fn arrays_and_lines_are_requests() {
        let stream = b"*2\r\n$3\r\nGET\r\n$0\r\n\r\nset \"a b\" 1\r\n*1\r\n$4\r\n\r\n\xff\0\r\n\nPING\n";
        let (requests, refusal) = requests(&CODEC, stream);
        assert_eq!(refusal, None);
        assert_eq!(
            requests,
            [
                vec![b"GET".to_vec(), vec![]],
                vec![b"set".to_vec(), b"a b".to_vec(), b"1".to_vec()],
                vec![b"\r\n\xff\0".to_vec()],
                vec![b"PING".to_vec()]
            ]
        );
    }

    #[test]
    fn empty_and_negative_arrays_are_passed_over() {
        assert_eq!(requests(&CODEC, b"*0\r\n*-1\r\n*-7\r\n\r\n*1\r\n$1\r\na\r\n"), (vec![vec![b"a".to_vec()]], None));
    }

    #[test]
    fn what_cannot_be_is_refused_in_redis_s_words() {
        let long = vec![b'1'; MAX_LINE + 1];
        let cat = |front: &[u8]| [front, &long].concat();
        for (stream, reason, text) in [
            (b"*4294967295\r\n".to_vec(), CloseReason::Protocol, "invalid multibulk length"),
            (b"*x\r\n".to_vec(), CloseReason::Protocol, "invalid multibulk length"),
            (b"*\r\n".to_vec(), CloseReason::Protocol, "invalid multibulk length"),
            (b"*1\r\n$-1\r\n".to_vec(), CloseReason::Protocol, "invalid bulk length"),
            (b"*1\r\n$01\r\n".to_vec(), CloseReason::Protocol, "invalid bulk length"),
            (b"*1\r\n$99999999999999999999\r\n".to_vec(), CloseReason::Protocol, "invalid bulk length"),
            (b"*1\r\n$1048577\r\n".to_vec(), CloseReason::FrameTooLarge, "invalid bulk length"),
            (b"*1\r\n:5\r\n".to_vec(), CloseReason::Protocol, "expected '$', got ':'"),
            (b"*1\r\n\n".to_vec(), CloseReason::Protocol, "expected '$', got '\\n'"),
            (b"\"a\n".to_vec(), CloseReason::Protocol, "unbalanced quotes in request"),
            (long.clone(), CloseReason::FrameTooLarge, "too big inline request"),
            (cat(b"*"), CloseReason::Protocol, "too big mbulk count string"),
            (cat(b"*1\r\n$"), CloseReason::Protocol, "too big bulk count string"),
        ] {
            assert_eq!(answer(&CODEC, &stream), (reason, format!("-ERR Protocol error: {text}\r\n")));
        }
    }

    #[test]
    fn a_request_is_bounded_in_arguments_and_in_their_bytes() {
        let codec = Resp { max: 4, max_arguments: 2 };
        assert_eq!(requests(&codec, b"*2\r\n$2\r\nab\r\n$2\r\ncd\r\n").1, None);
        assert_eq!(answer(&codec, b"*3\r\n").0, CloseReason::Protocol);
        assert_eq!(answer(&codec, b"*2\r\n$2\r\nab\r\n$3\r\n").0, CloseReason::FrameTooLarge);
        assert_eq!(answer(&codec, b"a b c\n").0, CloseReason::FrameTooLarge);
    }

    #[test]
    fn a_byte_at_a_time_is_looked_at_once() {
        let mut state = RespState::default();
        let mut scratch = Scratch::default();
        let stream = [&b"*1\r\n$100000\r\n"[..], &[b'x'; 100_000], b"\r\n"].concat();
        for end in 0..stream.len() {
            assert_eq!(CODEC.decode(&mut state, &stream[..end], &mut scratch), Ok(Decoded::Partial));
            assert!(state.position >= end.min(13).saturating_sub(9), "{} of {end}", state.position);
            assert!(state.scanned + 1 >= end.min(13), "{} of {end}", state.scanned);
        }
        assert!(matches!(CODEC.decode(&mut state, &stream, &mut scratch), Ok(Decoded::Frame { .. })));
        assert_eq!((state.position, state.scanned, state.bytes), (0, 0, 0));
    }

    fn request() -> impl Strategy<Value = Vec<u8>> {
        let argument = proptest::collection::vec(any::<u8>(), 0..12);
        prop_oneof![
            proptest::collection::vec(argument, 0..5).prop_map(|arguments| {
                let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
                for argument in arguments {
                    bytes.extend(format!("${}\r\n", argument.len()).bytes());
                    bytes.extend(argument);
                    bytes.extend(b"\r\n");
                }
                bytes
            }),
            "[a-z \"']{0,10}\r?\n".prop_map(String::into_bytes),
            Just(b"*-1\r\n".to_vec()),
            proptest::collection::vec(prop_oneof![Just(b'*'), Just(b'$'), Just(b'\r'), Just(b'\n'), Just(b'1')], 0..6),
        ]
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_requests(
            stream in proptest::collection::vec(request(), 0..8).prop_map(|requests| requests.concat()),
            cuts in proptest::collection::vec(1_usize..9, 0..200),
            max in 0_u32..40,
        ) {
            let codec = Resp { max, max_arguments: 4 };
            prop_assert_eq!(frames(&codec, &stream, &cuts), frames_of_one_piece(&codec, &stream));
        }

        #[test]
        fn any_bytes_are_survived(
            stream in proptest::collection::vec(any::<u8>(), 0..300),
            cuts in proptest::collection::vec(1_usize..9, 0..60),
        ) {
            prop_assert_eq!(frames(&CODEC, &stream, &cuts), frames_of_one_piece(&CODEC, &stream));
        }
    }
}
