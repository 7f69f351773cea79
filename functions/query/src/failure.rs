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

/// What the caller gets to see of it: whether to try again, or what to ask for instead.
pub(crate) fn failed(error: Error) -> Problem {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.as_deref().unwrap_or_default();
    if code == CANCELED {
        warn!(code, "a query took too long");
        let detail = "It was given up. Ask for a shorter time, or add a filter.";
        let (status, title) = (StatusCode::SERVICE_UNAVAILABLE, "The query takes too long");
        return Problem::new(status, "query-too-slow", title, detail).retry_after(5);
    }
    if is_unreachable(&error) || AWAY.iter().any(|class| code.starts_with(class)) {
        warn!(%error, code, "the read model is away");
        return Problem::unavailable();
    }
    error!(%error, code, "a query failed");
    let detail = "This is our fault. It is logged under the request's id.";
    let (status, title) = (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    Problem::new(status, "internal-error", title, detail)
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
