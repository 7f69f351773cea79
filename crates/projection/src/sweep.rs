//! Streams that no later record heals: the ones whose newest commit was lost on its way.

use std::collections::BTreeMap;

use decider::{StreamId, Version};
use sqlx::PgPool;

use crate::{ApplyError, CommitSource, Delivery, Engine, ReadModel, Report};

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Streams that were compared.
    pub compared: u64,
    /// Streams whose rows were behind the table and that do not wait in quarantine.
    pub behind: u64,
    /// What became of those.
    pub report: Report,
}

impl<M: ReadModel, S: CommitSource> Engine<M, S> {
    /// Compares the newest version of streams in the event table with their positions, and
    /// applies what is missing. A stream that is merely being delivered is applied twice at once,
    /// which the positions settle. One that is no more stays so.
    ///
    /// A stream that is parked stays so, too, and is not behind. But one of the commits that wait may
    /// erase it, and its record may have been lost like any other: so it is read each time, and
    /// if it is erased also folded anew each time, as no position tells that it was before.
    ///
    /// # Errors
    /// [`ApplyError`] when the table or the database is away; a sweep can be run again.
    pub async fn sweep(&self, newest: &BTreeMap<StreamId, Version>) -> Result<Swept, ApplyError> {
        let behind = behind(self.pool(), newest).await?;
        let mut swept = Swept { compared: newest.len() as u64, ..Swept::default() };
        for (stream, applied, parked) in behind {
            let missing = self.source().read_after(&stream, applied).await;
            let missing = missing.map_err(ApplyError::Source)?;
            if parked && !missing.iter().any(Delivery::erases) {
                continue;
            }
            swept.behind += u64::from(!parked);
            swept.report += self.apply(missing).await?;
        }
        Ok(swept)
    }
}

/// The streams whose rows are older than the table, with where their rows are and whether they are
/// parked there.
async fn behind(
    pool: &PgPool,
    newest: &BTreeMap<StreamId, Version>,
) -> Result<Vec<(StreamId, Version, bool)>, ApplyError> {
    let streams: Vec<&str> = newest.keys().map(StreamId::as_str).collect();
    let versions: Vec<i64> =
        newest.values().map(|version| i64::try_from(version.0).unwrap_or(i64::MAX)).collect();
    let rows: Vec<(String, i64, bool)> = sqlx::query_as(
        "select n.stream, coalesce(p.applied, 0), coalesce(p.parked, false) \
         from unnest($1, $2) as n(stream, version) left join position p using (stream) \
         where coalesce(p.applied, 0) < n.version and p.removed_at is null",
    )
    .bind(streams)
    .bind(versions)
    .fetch_all(pool)
    .await?;
    let known = rows.into_iter().filter_map(|(stream, applied, parked)| {
        Some((stream.parse().ok()?, Version(applied.unsigned_abs()), parked))
    });
    Ok(known.collect())
}
