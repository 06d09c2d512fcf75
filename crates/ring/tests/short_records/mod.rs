//! Records of one granule each, whose sequences are therefore numbers: events for a native single producer.

use millrace_park::Sleeper;
use millrace_ring::{ByteProducer, ClaimError};

/// Publishes a record of header fields that `write` fills, waiting for room.
pub(crate) fn publish(
    out: &mut ByteProducer,
    sleeper: &dyn Sleeper,
    write: impl Fn(&mut [u8]),
) -> Result<(), ClaimError> {
    loop {
        let pushed = out.try_push(&write, &[]);
        out.flush();
        if pushed != Err(ClaimError::Full) {
            return pushed;
        }
        if !out.wait_for_room(0, &sleeper.waker()) {
            sleeper.sleep(None);
        }
    }
}
