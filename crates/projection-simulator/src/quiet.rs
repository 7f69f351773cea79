//! Waiting for the database's own processes.

use std::time::Duration;

use anyhow::ensure;
use sqlx::PgPool;
use tokio::time::Instant;

/// How long a process may take; it is a matter of milliseconds.
const DEADLINE: Duration = Duration::from_secs(20);

const LOOK: Duration = Duration::from_millis(1);

/// Waits until a process waits for a lock, or is gone.
pub(crate) async fn until_blocked(pool: &PgPool, process: i32) -> anyhow::Result<()> {
    let blocked = "select coalesce(wait_event_type = 'Lock', false) \
                   from pg_stat_activity where pid = $1";
    let deadline = Instant::now() + DEADLINE;
    loop {
        let found = sqlx::query_scalar(blocked).bind(process).fetch_optional(pool).await?;
        if found.unwrap_or(true) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "process {process} never comes to the lock");
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until these processes are gone, and with them what they were at.
pub(crate) async fn until_gone(pool: &PgPool, processes: &[i32]) -> anyhow::Result<()> {
    let there = "select count(*) from pg_stat_activity where pid = any($1)";
    let deadline = Instant::now() + DEADLINE;
    while !processes.is_empty() {
        let found: i64 = sqlx::query_scalar(there).bind(processes).fetch_one(pool).await?;
        if found == 0 {
            break;
        }
        ensure!(Instant::now() < deadline, "{found} of {processes:?} are still there");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
