//! Whether anything arrives at all: a projection that has stopped looks, from its rows alone, like
//! one that has nothing to do.
//!
//! So beats are written to the event table, come back through its stream like commits, and are
//! noted on both ends. All times are by the clock of the database, so that no two clocks are
//! compared.

use decider::{StreamId, Timestamp};
use sqlx::{FromRow, PgPool};

/// How long a beat may be on its way before the projection counts as stopped, in seconds.
const ARRIVES_WITHIN: f64 = 10.0;

/// How long it may be since the last beat before the beats themselves count as stopped, in seconds.
const COMES_WITHIN: f64 = 180.0;

/// What the beats say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Heartbeat {
    /// When the newest beat was sent; nothing, when none ever was.
    pub sent_at: Option<Timestamp>,
    /// For how long a beat has been on its way, in milliseconds; 0 when all have arrived.
    pub waiting_ms: i64,
    /// A beat should have arrived and has not, or should have been sent and was not.
    pub stopped: bool,
}

/// What the beats say by now. Where none was ever sent, nothing is known to have stopped.
///
/// # Errors
/// What the database said.
pub async fn heartbeat(pool: &PgPool) -> sqlx::Result<Heartbeat> {
    sqlx::query_as(
        "select max(sent_at) as sent_at, \
         coalesce(extract(epoch from now() - min(waiting_since)) * 1000, 0)::bigint as waiting_ms, \
         coalesce(now() - min(waiting_since) > make_interval(secs => $1) \
             or now() - max(sent_at) > make_interval(secs => $2), false) as stopped \
         from heartbeat",
    )
    .bind(ARRIVES_WITHIN)
    .bind(COMES_WITHIN)
    .fetch_one(pool)
    .await
}

/// The time of the database, for a beat that is about to be sent.
///
/// # Errors
/// What the database said.
pub async fn now(pool: &PgPool) -> sqlx::Result<Timestamp> {
    sqlx::query_scalar("select date_trunc('milliseconds', clock_timestamp())").fetch_one(pool).await
}

/// Notes that beats are in the event table. They may have arrived by now.
///
/// # Errors
/// What the database said.
pub async fn sent(pool: &PgPool, beats: &[(StreamId, Timestamp)]) -> sqlx::Result<()> {
    let (streams, times) = columns(beats);
    sqlx::query(
        "insert into heartbeat as h (stream, sent_at, waiting_since) \
         select stream, at, at from unnest($1, $2) as n(stream, at) order by stream \
         on conflict (stream) do update set sent_at = greatest(h.sent_at, excluded.sent_at), \
         waiting_since = case when h.arrived_at >= excluded.sent_at then h.waiting_since \
             else coalesce(h.waiting_since, excluded.sent_at) end",
    )
    .bind(streams)
    .bind(times)
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes that beats came through the stream, once, twice or out of order. If a newer one is still
/// on its way, it waits at most since then.
///
/// # Errors
/// What the database said.
pub async fn arrived(pool: &PgPool, beats: &[(StreamId, Timestamp)]) -> sqlx::Result<()> {
    let (streams, times) = columns(beats);
    sqlx::query(
        "insert into heartbeat as h (stream, arrived_at) \
         select stream, max(at) from unnest($1, $2) as n(stream, at) group by stream \
         order by stream \
         on conflict (stream) do update set arrived_at = excluded.arrived_at, \
         waiting_since = case when h.sent_at > excluded.arrived_at then excluded.arrived_at end \
         where h.arrived_at is null or h.arrived_at < excluded.arrived_at",
    )
    .bind(streams)
    .bind(times)
    .execute(pool)
    .await?;
    Ok(())
}

fn columns(beats: &[(StreamId, Timestamp)]) -> (Vec<&str>, Vec<Timestamp>) {
    beats.iter().map(|(stream, at)| (stream.as_str(), *at)).unzip()
}
