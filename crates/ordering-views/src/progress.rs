//! How far the projection is, a line a view.

use ordering::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

/// Each view with the streams that it is made of, as SQL's `like` has it.
const VIEWS: [(&str, &str); 5] = [
    ("products", "product-%"),
    ("customers", "customer-%"),
    ("carts", "cart-%"),
    ("orders", "order-%"),
    ("audit_trail", "%"),
];

/// How far the projection is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// How far each view is.
    pub views: Vec<ViewProgress>,
    /// When the newest thing was recorded that is known to be in the event table, applied or not.
    pub newest_commit_at: Option<Timestamp>,
    /// Whether everything arrives, and no stream waits for somebody to look at it.
    pub caught_up: bool,
    /// Whether nothing arrives any more.
    #[serde(skip)]
    pub stopped: bool,
}

/// How far one view is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct ViewProgress {
    /// Its name.
    pub name: String,
    /// When a commit last became visible in it.
    pub last_applied_at: Option<Timestamp>,
    /// How far it is behind, see [`lag_ms`](crate::lag_ms).
    pub lag_ms: Option<i64>,
    /// Streams that wait behind a commit that could not be applied.
    pub parked_streams: i64,
    /// Commits that could not be applied.
    pub quarantined_commits: i64,
}

/// The views that a stream of this category shows in.
pub fn views_of(category: &str) -> impl Iterator<Item = &'static str> {
    let shows = move |streams: &str| match streams.strip_suffix("-%") {
        Some(of_category) => of_category == category,
        None => true,
    };
    VIEWS.into_iter().filter(move |(_, streams)| shows(streams)).map(|(view, _)| view)
}

/// How far the projection is.
///
/// # Errors
/// When the database does not answer.
pub async fn progress(pool: &PgPool) -> Result<Progress, sqlx::Error> {
    let heartbeat = projection::heartbeat(pool).await?;
    let (names, streams): (Vec<&str>, Vec<&str>) = VIEWS.into_iter().unzip();
    let mut views: Vec<ViewProgress> = sqlx::query_as(
        "select v.name, newest.applied_at as last_applied_at, newest.lag_ms, \
         (select count(*) from position p where p.parked and p.stream like v.streams) \
           as parked_streams, \
         (select count(*) from quarantine q where q.stream like v.streams \
           and (q.resolution is null or q.resolution = 'skipped')) \
           as quarantined_commits \
         from unnest($1::text[], $2::text[]) with ordinality as v (name, streams, place) \
         left join lateral ( \
           select p.applied_at, \
             greatest(extract(epoch from p.applied_at - p.recorded_at) * 1000, 0)::bigint \
               as lag_ms \
           from position p \
           where p.recorded_at is not null and not p.parked and p.stream like v.streams \
           order by p.applied_at desc limit 1 \
         ) newest on true \
         order by v.place",
    )
    .bind(names)
    .bind(streams)
    .fetch_all(pool)
    .await?;
    if heartbeat.waiting_ms > 0 {
        views.iter_mut().for_each(|view| view.lag_ms = Some(heartbeat.waiting_ms));
    }
    let newest_applied: Option<Timestamp> =
        sqlx::query_scalar("select max(recorded_at) from position").fetch_one(pool).await?;
    let parked = views.iter().any(|view| view.parked_streams > 0);
    Ok(Progress {
        views,
        newest_commit_at: newest_applied.max(heartbeat.sent_at),
        caught_up: !parked && !heartbeat.stopped,
        stopped: heartbeat.stopped,
    })
}
