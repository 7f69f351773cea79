//! Whether the rows are as new as a reader needs them.

use std::time::Duration;

use ordering::{StreamId, Version};
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use crate::happened::bigint;

/// The first pause between two looks; each is half as long again, up to [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How the rows stand to some writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// They hold all of them, or know that they are no more.
    Fresh,
    /// They do not hold all of them yet.
    Behind,
    /// They will not, before somebody has looked at a commit that could not be applied.
    Parked,
}

/// Waits until the rows hold all these writes, for as long as `patience`. No connection is held
/// between two looks.
///
/// # Errors
/// When the database does not answer.
pub async fn wait_for(
    pool: &PgPool,
    writes: &[(StreamId, Version)],
    patience: Duration,
) -> Result<Freshness, sqlx::Error> {
    let end = Instant::now() + patience;
    let mut pause = SHORTEST_PAUSE;
    loop {
        let freshness = look(pool, writes).await?;
        let left = end.saturating_duration_since(Instant::now());
        if freshness != Freshness::Behind || left.is_zero() {
            return Ok(freshness);
        }
        sleep(pause.min(left)).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

async fn look(pool: &PgPool, writes: &[(StreamId, Version)]) -> Result<Freshness, sqlx::Error> {
    let streams: Vec<_> = writes.iter().map(|(stream, _)| stream.as_str()).collect();
    let versions: Vec<_> = writes.iter().map(|(_, version)| bigint(version.0)).collect();
    let (behind, parked): (bool, bool) = sqlx::query_as(
        "select coalesce(bool_or(coalesce(p.applied, 0) < w.version \
             and p.removed_at is null), false), \
         coalesce(bool_or(p.parked and p.applied < w.version), false) \
         from unnest($1::text[], $2::bigint[]) as w (stream, version) \
         left join position p on p.stream = w.stream",
    )
    .bind(streams)
    .bind(versions)
    .fetch_one(pool)
    .await?;
    Ok(match (behind, parked) {
        (false, _) => Freshness::Fresh,
        (true, false) => Freshness::Behind,
        (true, true) => Freshness::Parked,
    })
}

/// How far the rows are behind, in milliseconds. While a beat is on its way, that is for how long it
/// has been. Otherwise it is how long the commit that became visible last took for it: from the
/// clock of the command function that recorded it to the clock of the database that shows it. 0
/// when nothing has happened yet, or when the two clocks disagree by more than that.
///
/// # Errors
/// When the database does not answer.
pub async fn lag_ms(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let waiting_ms = projection::heartbeat(pool).await?.waiting_ms;
    if waiting_ms > 0 {
        return Ok(waiting_ms);
    }
    let lag: Option<i64> = sqlx::query_scalar(
        "select greatest(extract(epoch from applied_at - recorded_at) * 1000, 0)::bigint \
         from position where recorded_at is not null and not parked \
         order by applied_at desc limit 1",
    )
    .fetch_optional(pool)
    .await?;
    Ok(lag.unwrap_or(0))
}
