//! How a function holds its connections.

use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::PgPoolOptions;

/// A connection that was idle for longer is tried before it is used: while a sandbox is frozen,
/// the other end may hang up.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// At most so many connections, each tried before it is used only if it was idle for a while:
/// sqlx would do so each time, for a round trip.
#[must_use]
pub fn connections(most: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(most).test_before_acquire(false).before_acquire(
        |connection, metadata| {
            Box::pin(async move {
                if metadata.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        },
    )
}
