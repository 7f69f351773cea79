//! Streams that no later record heals: the ones whose newest commit was lost on its way.

use std::collections::BTreeMap;

use decider::{StreamId, Version};
use sqlx::PgPool;

use crate::{ApplyError, CommitSource, Engine, ReadModel, Report};

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Streams that were compared.
    pub compared: u64,
    /// Streams whose rows were behind the table.
    pub behind: u64,
    /// What became of those.
    pub report: Report,
}

impl<M: ReadModel, S: CommitSource> Engine<M, S> {
    /// Compares the newest version of streams in the event table with their positions, and
    /// applies what is missing. A stream that is parked stays so, and one that is no more; one that is merely being
    /// delivered is applied twice at once, which the positions settle.
    ///
    /// # Errors
    /// [`ApplyError`] when the table or the database is away; a sweep can be run again.
    pub async fn sweep(&self, newest: &BTreeMap<StreamId, Version>) -> Result<Swept, ApplyError> {
        let behind = behind(self.pool(), newest).await?;
        let mut swept = Swept {
            compared: newest.len() as u64,
            behind: behind.len() as u64,
            report: Report::default(),
        };
        for (stream, applied) in behind {
            let missing = self.source().read_after(&stream, applied).await;
            swept.report += self.apply(missing.map_err(ApplyError::Source)?).await?;
        }
        Ok(swept)
    }
}

/// The streams whose rows are older than the table, with where their rows are.
async fn behind(
    pool: &PgPool,
    newest: &BTreeMap<StreamId, Version>,
) -> Result<Vec<(StreamId, Version)>, ApplyError> {
    let streams: Vec<&str> = newest.keys().map(StreamId::as_str).collect();
    let versions: Vec<i64> =
        newest.values().map(|version| i64::try_from(version.0).unwrap_or(i64::MAX)).collect();
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select n.stream, coalesce(p.applied, 0) from unnest($1, $2) as n(stream, version) \
         left join position p using (stream) \
         where coalesce(p.applied, 0) < n.version and not coalesce(p.parked, false) \
         and p.removed_at is null",
    )
    .bind(streams)
    .bind(versions)
    .fetch_all(pool)
    .await?;
    let known = rows.into_iter().filter_map(|(stream, applied)| {
        Some((stream.parse().ok()?, Version(applied.unsigned_abs())))
    });
    Ok(known.collect())
}
