//! Why a shared object was stopped, for everyone who finds it so.

use std::fmt;

/// The failure that stopped a shared object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The part of the object that failed, by its name: a stage of a ring.
    pub part: String,
    /// What went wrong.
    pub message: String,
    /// All that is known of it, in a form that those know who understand it; empty when the message is all.
    pub details: Vec<u8>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' failed: {}", self.part, self.message)
    }
}

impl std::error::Error for Failure {}
