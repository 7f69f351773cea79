//! What can go wrong between us and the table, by what it means for the caller.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::{StreamId, UnreadableCommit};

/// A store that could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else appended first, or is about to. Nothing was written; load and decide again.
    #[error("another commit came first")]
    Conflict,
    /// The table does not take more at the moment. Nothing was written.
    #[error("the event table is throttled")]
    Throttled,
    /// A commit, or a transaction of them, is larger than DynamoDB takes. Nothing was written.
    #[error("the commit is larger than an item can be")]
    TooLarge,
    /// The table did not answer, or not with anything that tells what happened. A write may have
    /// landed: it is found by its request.
    #[error("the event table is away: {0}")]
    Unavailable(String),
    /// A stored commit cannot be read by this build.
    #[error(transparent)]
    Unreadable(#[from] UnreadableCommit),
    /// The stream is no more: its time is over, or its beginning was taken out of the table.
    #[error("{stream} is no more")]
    Gone {
        /// Which stream.
        stream: StreamId,
    },
    /// The table has a hole in a stream, which no writer of ours leaves.
    #[error("{stream} has no commit {version}")]
    Hole {
        /// In which stream.
        stream: StreamId,
        /// What is missing.
        version: decider::Version,
    },
}

/// Sorts what the SDK says, after DynamoDB's "Error handling" page; codes inside a cancelled
/// transaction come without the word `Exception`.
pub(crate) fn by_code(code: &str, message: &str) -> Option<StoreError> {
    match code.trim_end_matches("Exception") {
        "ConditionalCheckFailed" | "TransactionConflict" => Some(StoreError::Conflict),
        "Throttling"
        | "ThrottlingError"
        | "ProvisionedThroughputExceeded"
        | "RequestLimitExceeded"
        | "LimitExceeded" => Some(StoreError::Throttled),
        "ItemCollectionSizeLimitExceeded" => Some(StoreError::TooLarge),
        "Validation" | "ValidationError" if message.to_lowercase().contains("size") => {
            Some(StoreError::TooLarge)
        }
        _ => None,
    }
}

/// Sorts a failed call that is no cancelled transaction.
pub(crate) fn by_meaning<E, R>(error: &SdkError<E, R>) -> StoreError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    let code = error.code().unwrap_or_default();
    by_code(code, error.message().unwrap_or_default())
        .unwrap_or_else(|| StoreError::Unavailable(DisplayErrorContext(error).to_string()))
}
