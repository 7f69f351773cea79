//! Why a generation is not built or swapped in.

use crate::ApplyError;

/// Why a generation cannot be built or swapped in.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The read model has no view of that name.
    #[error("there is no view {name:?}: there are {known}")]
    UnknownView {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Somebody else is at it.
    #[error("another rebuild or rollback is running on this database")]
    Running,
    /// One that was interrupted wants to be finished first.
    #[error(
        "a rebuild of {views} from {source_of_it} is under way: resume it as it was begun, or abandon it"
    )]
    Underway {
        /// Its views.
        views: String,
        /// Its source.
        source_of_it: String,
    },
    /// There is no generation to go back to.
    #[error("there is no previous generation: nothing was rebuilt, or it was already rolled back")]
    NoWayBack,
    /// This build cannot apply what an earlier one could.
    #[error(
        "{stream} is parked in the next generation at commit {version}, which the live one has: {why}"
    )]
    Parked {
        /// The stream.
        stream: String,
        /// The commit that could not be applied.
        version: i64,
        /// Why not.
        why: String,
    },
    /// A view alone cannot be further than the others.
    #[error(
        "{stream} is further in the next generation than in the live one: sweep or redrive it first"
    )]
    Ahead {
        /// The stream.
        stream: String,
    },
    /// The event table or the database is away.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl From<sqlx::Error> for RebuildError {
    fn from(error: sqlx::Error) -> Self {
        Self::Apply(error.into())
    }
}
