//! How failures travel: the message of an exception is `CODE` or `CODE: what`, and the facades make the error.

use millrace_ring::{ClaimError, JoinError, LayoutError, OpenError};
use napi::{Error, Status};

/// A failure by the code the facades know.
pub(crate) fn failure(code: &str, what: impl std::fmt::Display) -> Error {
    Error::new(Status::GenericFailure, format!("{code}: {what}"))
}

pub(crate) fn gone(what: &str) -> Error {
    failure("CLOSED", format_args!("{what} is gone"))
}

pub(crate) fn open_failed(error: OpenError) -> Error {
    let code = match error {
        OpenError::Taken => "TAKEN",
        OpenError::Stage | OpenError::Shared | OpenError::Kind => "INVALID_ARGUMENT",
        OpenError::Gone => "CLOSED",
    };
    failure(code, error)
}

pub(crate) fn join_failed(error: JoinError) -> Error {
    let code = match error {
        JoinError::Full(_) => "FULL",
        JoinError::Closed | JoinError::Gone => "CLOSED",
        JoinError::Taken(_) | JoinError::Name(_) | JoinError::After(_) | JoinError::Exclusive(_) | JoinError::Kind => {
            "INVALID_ARGUMENT"
        }
    };
    failure(code, error)
}

pub(crate) fn layout_failed(error: LayoutError) -> Error {
    failure("INVALID_ARGUMENT", error)
}

/// What hot calls return in place of a count: negative, so that nothing is thrown an event.
pub(crate) fn claim_code(error: ClaimError) -> i32 {
    match error {
        ClaimError::Full => -1,
        ClaimError::TooLarge => -2,
        ClaimError::Closed | ClaimError::Failed => -3,
        ClaimError::Gone => -4,
        ClaimError::Kind => -5,
    }
}
