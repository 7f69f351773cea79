//! The header `Projection-Lag-Ms`.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::HeaderName,
    middleware::Next,
    response::Response,
};
use ordering_views::lag_ms;
use sqlx::PgPool;
use tokio::{sync::Mutex, time::Instant};
use tracing::debug;

use crate::Queries;

/// For how long a process goes on telling the lag that it knows.
const TOLD_FOR: Duration = Duration::from_secs(1);

/// The lag as it was last read.
#[derive(Debug, Default)]
pub(crate) struct Lag {
    known: Mutex<Known>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    lag_ms: Option<i64>,
    tried_at: Option<Instant>,
}

impl Lag {
    /// The lag, at most a second old. While the database is away it is the last one that was
    /// known, and none before the first.
    async fn read(&self, pool: &PgPool) -> Option<i64> {
        let mut known = self.known.lock().await;
        if known.tried_at.is_none_or(|at| at.elapsed() >= TOLD_FOR) {
            match lag_ms(pool).await {
                Ok(lag_ms) => known.lag_ms = Some(lag_ms),
                Err(error) => debug!(%error, "the lag is not known"),
            }
            known.tried_at = Some(Instant::now());
        }
        known.lag_ms
    }
}

/// Puts the lag on every answer, also on a refusal. It is read while the query runs.
pub(crate) async fn tell(State(queries): State<Queries>, request: Request, next: Next) -> Response {
    let lag = queries.lag.read(&queries.pool);
    let (mut response, lag_ms) = tokio::join!(next.run(request), lag);
    if let Some(lag_ms) = lag_ms {
        let name = HeaderName::from_static("projection-lag-ms");
        response.headers_mut().insert(name, lag_ms.into());
    }
    response
}
