//! Hashes of records and events.

use millrace_ring::SharedBytes;
use sha2::{Digest, Sha256};

/// A hash function.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Algorithm {
    Sha256,
}

impl Algorithm {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        (name == "sha256").then_some(Self::Sha256)
    }

    pub(crate) fn hasher(self) -> Hasher {
        match self {
            Self::Sha256 => Hasher(Sha256::new()),
        }
    }
}

/// A hash under way.
pub(crate) struct Hasher(Sha256);

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest; what is hashed next begins anew.
    pub(crate) fn finish(&mut self) -> [u8; 32] {
        self.0.finalize_reset().into()
    }
}

/// A field of an event or of a record's header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) at: usize,
    pub(crate) length: usize,
    /// Text begins with two bytes that say how long it is.
    pub(crate) text: bool,
}

/// The bytes of a field. A text may be scribbled over: one that says it is longer than its field is refused.
pub(crate) fn get<'a>(event: &'a SharedBytes<'_>, field: &Field) -> Result<&'a [u8], String> {
    if !field.text {
        return Ok(event.part(field.at, field.length).unwrap_or_default());
    }
    let length = event.part(field.at, 2).map_or(0, |two| u16::from_ne_bytes([two[0], two[1]]));
    let length = usize::from(length);
    if length > field.length {
        return Err(format!(
            "the text is {length} bytes long, in a field of {}: it was written past its type",
            field.length
        ));
    }
    Ok(event.part(field.at + 2, length).unwrap_or_default())
}

/// Writes as much of a digest as the field holds.
pub(crate) fn put(event: &mut SharedBytes<'_>, field: &Field, digest: &[u8]) {
    let digest = &digest[..field.length.min(digest.len())];
    if event.part(field.at, digest.len()).is_some() {
        // SAFETY: the facade has seen that the stage owns this field, which no stage beside it can, and hashing refers
        // to no more of an event than the field that is hashed.
        unsafe { event.write(field.at, digest) };
    }
}
