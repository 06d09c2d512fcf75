//! Why a ring has failed.

use std::fmt;

/// Which stage stopped its ring, and why; see [`Ring::failure`](super::Ring::failure).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stage's name.
    pub stage: String,
    /// What it failed with: a [`Stopped`](super::Stopped) as text, or what [`Ring::fail`](super::Ring::fail) was told.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage '{}' failed: {}", self.stage, self.message)
    }
}

impl std::error::Error for Failure {}
