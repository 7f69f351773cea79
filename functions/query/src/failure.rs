//! When the database does not answer.

use axum::http::StatusCode;
use edge::Problem;
use sqlx::Error;
use tracing::{error, warn};

/// `query_canceled`: the statement timeout.
const CANCELED: &str = "57014";

/// Classes of errors that are not the query's: connection, authorization, no such database,
/// conflict with recovery, insufficient resources, not in the state for it, an operator's hand.
const AWAY: [&str; 7] = ["08", "28", "3D", "40", "53", "55", "57"];

/// What the caller gets to see of a query of one thing, which nothing can narrow.
pub(crate) fn failed(error: Error) -> Problem {
    too_slow_unless("Try again when less is going on.")(error)
}

/// What the caller gets to see of a query: whether to try again, or what to ask for instead.
/// `narrowed` says how to ask for less.
pub(crate) fn too_slow_unless(narrowed: &'static str) -> impl Fn(Error) -> Problem {
    move |error| {
        let code = error.as_database_error().and_then(|error| error.code());
        if code.as_deref() != Some(CANCELED) {
            return not_answered(&error);
        }
        warn!(code = CANCELED, "a query took too long");
        let detail = format!("It was given up. {narrowed}");
        let (status, title) = (StatusCode::SERVICE_UNAVAILABLE, "The query takes too long");
        Problem::new(status, "query-too-slow", title, detail).retry_after(5)
    }
}

fn not_answered(error: &Error) -> Problem {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.as_deref().unwrap_or_default();
    if is_unreachable(error) || AWAY.iter().any(|class| code.starts_with(class)) {
        warn!(%error, code, "the read model is away");
        return Problem::unavailable();
    }
    error!(%error, code, "a query failed");
    Problem::internal()
}

fn is_unreachable(error: &Error) -> bool {
    matches!(
        error,
        Error::Io(_)
            | Error::Tls(_)
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::WorkerCrashed
    )
}
