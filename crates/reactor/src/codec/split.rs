//! What the codecs' tests share: a stream cut anywhere must give the frames of the uncut one.

use super::{Codec, Decoded, Refusal, Scratch};

/// Head and body of every frame, and what ended the stream.
pub(crate) type Frames = (Vec<(Vec<u8>, Vec<u8>)>, Option<Refusal>);

/// The frames of a stream that comes in pieces of these sizes, and then the rest.
pub(crate) fn frames<C: Codec>(codec: &C, stream: &[u8], cuts: &[usize]) -> Frames {
    let (mut state, mut scratch) = (C::State::default(), Scratch::default());
    let (mut found, mut start, mut end) = (Vec::new(), 0, 0_usize);
    for size in cuts.iter().copied().chain([usize::MAX]) {
        end = stream.len().min(end.saturating_add(size));
        loop {
            match codec.decode(&mut state, &stream[start..end], &mut scratch) {
                Ok(Decoded::Frame { consumed, head, body }) => {
                    found.push((head.to_vec(), body.to_vec()));
                    start += consumed;
                }
                Ok(Decoded::Skip { consumed }) => start += consumed,
                Ok(Decoded::Partial) => break,
                Err(refusal) => return (found, Some(refusal)),
            }
        }
    }
    (found, None)
}

/// The frames of a stream that comes at once.
pub(crate) fn frames_of_one_piece<C: Codec>(codec: &C, stream: &[u8]) -> Frames {
    frames(codec, stream, &[])
}
