//! What could not be applied, and what to do about it.
//!
//! Later commits of a parked stream are not kept here: they are in the event table, in order, and
//! wait there. A redrive reads them from where the stream stands.

use std::collections::BTreeSet;

use decider::{StreamId, Timestamp, Version};
use sqlx::{FromRow, PgPool};

use crate::{ApplyError, CommitSource, Delivery, Engine, ReadModel, Report};

/// A commit that could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct QuarantinedCommit {
    /// Its stream.
    pub stream: String,
    /// Its place there.
    pub version: i64,
    /// Why not.
    pub error: String,
    /// What was there, as JSON where it could be read.
    pub payload: String,
    /// Since when.
    pub quarantined_at: Timestamp,
    /// `redriven` or `skipped`, once somebody has dealt with it; `removed` with its stream.
    pub resolution: Option<String>,
    /// Why it was skipped.
    pub reason: Option<String>,
    /// When somebody dealt with it.
    pub resolved_at: Option<Timestamp>,
}

/// A stream that was to be redriven or skipped and cannot be.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// Nothing of this stream waits in quarantine.
    #[error("{0} is not parked")]
    NotParked(StreamId),
    /// The event table or the read model is away.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl From<sqlx::Error> for RedriveError {
    fn from(error: sqlx::Error) -> Self {
        Self::Apply(error.into())
    }
}

/// All commits in quarantine, the ones that wait first; with `all`, also those dealt with.
///
/// # Errors
/// What the database said.
pub async fn quarantined(pool: &PgPool, all: bool) -> sqlx::Result<Vec<QuarantinedCommit>> {
    sqlx::query_as(
        "select stream, version, error, payload, quarantined_at, resolution, reason, resolved_at \
         from quarantine where $1 or resolution is null \
         order by resolution is not null, quarantined_at, stream, version",
    )
    .bind(all)
    .fetch_all(pool)
    .await
}

/// The commits of a stream that somebody decided to leave out.
pub(crate) async fn skipped(pool: &PgPool, stream: &StreamId) -> sqlx::Result<BTreeSet<Version>> {
    let versions: Vec<i64> = sqlx::query_scalar(
        "select version from quarantine where stream = $1 and resolution = 'skipped'",
    )
    .bind(stream.as_str())
    .fetch_all(pool)
    .await?;
    Ok(versions.into_iter().map(|version| Version(version.unsigned_abs())).collect())
}

impl<M: ReadModel, S: CommitSource> Engine<M, S> {
    /// Keeps what belongs to no stream: `key`, as JSON, says what it is. Nothing is parked by it.
    ///
    /// # Errors
    /// What the database said.
    pub async fn set_aside(&self, key: &str, error: &str) -> Result<(), ApplyError> {
        sqlx::query(
            "insert into quarantine (stream, version, error, payload) values ($1, 0, $2, '') \
             on conflict (stream, version) do nothing",
        )
        .bind(key)
        .bind(error)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Applies a parked stream from where it stands, in order. What still cannot be applied parks
    /// it again, with the error that it has now.
    ///
    /// # Errors
    /// [`RedriveError::NotParked`], or what the table or the database said.
    pub async fn redrive(&self, stream: &StreamId) -> Result<Report, RedriveError> {
        let applied: Option<i64> = sqlx::query_scalar(
            "update position set parked = false where stream = $1 and parked returning applied",
        )
        .bind(stream.as_str())
        .fetch_optional(self.pool())
        .await?;
        let applied = applied.ok_or_else(|| RedriveError::NotParked(stream.clone()))?;
        self.catch_up(stream, applied).await
    }

    /// Leaves out the commit that a stream is parked at, for ever and on the record, and applies
    /// what comes after it. If it erases, the stream is folded anew without it.
    ///
    /// # Errors
    /// [`RedriveError::NotParked`], or what the table or the database said.
    pub async fn skip(&self, stream: &StreamId, reason: &str) -> Result<Report, RedriveError> {
        let anew = self.is_parked_at_an_erasure(stream).await?;
        // One statement: the position moves over the commit that the record says was skipped. A
        // stream that is folded anew passes over it then, and waits until that is done.
        let skipped: Option<i64> = sqlx::query_scalar(
            "with skipped as ( \
                 update quarantine q \
                 set resolution = 'skipped', reason = $2, resolved_at = now() \
                 from position p \
                 where p.stream = $1 and p.parked and q.stream = p.stream \
                     and q.version = p.applied + 1 \
                 returning q.version \
             ) \
             update position p set parked = $3, \
                 prior = case when $3 then p.prior else p.applied end, \
                 applied = case when $3 then p.applied else s.version end \
             from skipped s where p.stream = $1 and p.applied = s.version - 1 \
             returning p.applied",
        )
        .bind(stream.as_str())
        .bind(reason)
        .bind(anew)
        .fetch_optional(self.pool())
        .await?;
        let applied = skipped.ok_or_else(|| RedriveError::NotParked(stream.clone()))?;
        if anew {
            Ok(self.refold([stream.clone()]).await?)
        } else {
            self.catch_up(stream, applied).await
        }
    }

    /// Whether the commit that a stream is parked at erases it. One that cannot be read does not: its
    /// key may be lost, and then the rows are all that is left of the others.
    async fn is_parked_at_an_erasure(&self, stream: &StreamId) -> Result<bool, RedriveError> {
        let sql = "select applied from position where stream = $1 and parked";
        let applied: Option<i64> =
            sqlx::query_scalar(sql).bind(stream.as_str()).fetch_optional(self.pool()).await?;
        let applied = applied.ok_or_else(|| RedriveError::NotParked(stream.clone()))?;
        let after = Version(applied.unsigned_abs());
        let waiting = self.source().read_after(stream, after).await.map_err(ApplyError::Source)?;
        let next = waiting.first().filter(|first| first.version() == after.next());
        Ok(next.is_some_and(Delivery::erases))
    }

    async fn catch_up(&self, stream: &StreamId, applied: i64) -> Result<Report, RedriveError> {
        let after = Version(applied.unsigned_abs());
        let waiting = self.source().read_after(stream, after).await.map_err(ApplyError::Source)?;
        let report = self.apply(waiting).await?;
        sqlx::query(
            "update quarantine q set resolution = 'redriven', resolved_at = now() \
             from position p where p.stream = q.stream and q.stream = $1 \
                 and q.version <= p.applied and q.resolution is null",
        )
        .bind(stream.as_str())
        .execute(self.pool())
        .await?;
        Ok(report)
    }
}
