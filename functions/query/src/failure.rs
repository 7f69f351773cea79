//! When the database does not answer.

use axum::http::StatusCode;
use edge::Problem;
use sqlx::Error;
use tracing::{error, warn};

/// What the caller gets to see of it: whether to try again, or what to ask for instead.
pub(crate) fn failed(error: Error) -> Problem {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.as_deref().unwrap_or_default();
    match &error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => away(&error),
        // query_canceled: the statement timeout
        Error::Database(_) if code == "57014" => {
            warn!(code, "a query took too long");
            let detail = "It was given up. Ask for a shorter time or add a filter.";
            let title = "The query takes too long";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "query-too-slow", title, detail).retry_after(5)
        }
        // connection exception, insufficient resources, operator intervention, too many connections
        Error::Database(_) if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            away(&error)
        }
        _ => {
            error!(%error, code, "a query failed");
            let detail = "This is our fault. It is logged under the request's id.";
            let (status, kind) = (StatusCode::INTERNAL_SERVER_ERROR, "internal-error");
            Problem::new(status, kind, "Internal Server Error", detail)
        }
    }
}

fn away(error: &Error) -> Problem {
    warn!(%error, "the read model is away");
    Problem::unavailable()
}
