//! What was committed while the next generation was copied, or while nobody wrote it.

use decider::{StreamId, Timestamp, Version};
use futures::{StreamExt, TryStreamExt};

use super::{Rebuild, RebuildError, follow, schema};
use crate::{ApplyError, CommitSource, Engine, ReadModel, Removal, Removed, Report};

/// How many streams are caught up at a time.
const STREAMS_AT_A_TIME: usize = 8;

/// What catching up found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaughtUp {
    /// Streams that were behind the live generation.
    pub streams: u64,
    /// What became of their commits.
    pub report: Report,
}

impl<M: ReadModel + Clone, S: CommitSource + Clone> Rebuild<M, S> {
    /// Reads again what the next generation lacks of the live one; and first what the live one lacks
    /// of the next.
    ///
    /// # Errors
    /// [`RebuildError::Parked`]; or when the event table or the database is away: it can be asked
    /// for again.
    pub async fn catch_up(&self) -> Result<CaughtUp, RebuildError> {
        self.bring_up_the_live_one().await?;
        let mut caught_up = self.catch_up_with_rewrites().await?;
        let sql = "select p.stream, p.applied, coalesce(n.applied, 0), coalesce(n.parked, false) \
             from public.position p left join next_generation.position n using (stream) \
             where ($1::text[] is null or split_part(p.stream, '-', 1) = any($1)) \
                 and coalesce(n.applied, 0) < p.applied and p.removed_at is null";
        let behind: Vec<(String, i64, i64, bool)> =
            sqlx::query_as(sql).bind(self.categories()).fetch_all(&self.live).await?;
        let each = behind.into_iter().map(async |(name, live, applied, parked)| {
            let stream = name.parse::<StreamId>().map_err(|bad| sqlx::Error::Decode(bad.into()))?;
            let applied = Version(applied.unsigned_abs());
            let report = self.catch_up_one(&stream, applied, parked).await?;
            if report.quarantined > 0 {
                self.is_not_parked_before(name, live).await?;
            }
            Ok::<_, RebuildError>(report)
        });
        let each: Vec<_> = each.collect();
        futures::stream::iter(each)
            .buffer_unordered(STREAMS_AT_A_TIME)
            .try_for_each(|report| {
                caught_up.streams += 1;
                caught_up.report += report;
                std::future::ready(Ok(()))
            })
            .await?;
        Ok(caught_up)
    }

    /// A commit that was copied before a projector saw it may erase its stream. The rows that are live
    /// are about to be the previous ones, so they have to be without it, too.
    async fn bring_up_the_live_one(&self) -> Result<(), RebuildError> {
        let sql = "select p.stream, p.applied \
             from public.position p join next_generation.position n using (stream) \
             where ($1::text[] is null or split_part(p.stream, '-', 1) = any($1)) \
                 and n.applied > p.applied and p.applied > 0 \
                 and p.removed_at is null and n.removed_at is null";
        let behind: Vec<(String, i64)> =
            sqlx::query_as(sql).bind(self.categories()).fetch_all(&self.live).await?;
        let each = behind.into_iter().map(async |(name, applied)| {
            let stream = name.parse::<StreamId>().map_err(|bad| sqlx::Error::Decode(bad.into()))?;
            let applied = Version(applied.unsigned_abs());
            self.read_again(&self.live_engine, &stream, applied).await.map(drop)
        });
        let each: Vec<_> = each.collect();
        let mut each = futures::stream::iter(each).buffer_unordered(STREAMS_AT_A_TIME);
        while each.try_next().await?.is_some() {}
        Ok(())
    }

    /// What was rewritten or removed meanwhile: no version tells, the positions do.
    async fn catch_up_with_rewrites(&self) -> Result<CaughtUp, RebuildError> {
        let sql = "select p.stream, p.removed_at, p.removal = 'erased', p.applied \
             from public.position p left join next_generation.position n using (stream) \
             where ($1::text[] is null or split_part(p.stream, '-', 1) = any($1)) \
                 and (p.removed_at is not null and n.removed_at is null \
                     or p.removed_at is null and coalesce(n.refolds, 0) < p.refolds)";
        let rewritten: Vec<(String, Option<Timestamp>, Option<bool>, i64)> =
            sqlx::query_as(sql).bind(self.categories()).fetch_all(&self.live).await?;
        let mut caught_up = CaughtUp::default();
        for (name, removed_at, erased, applied) in rewritten {
            let stream = name.parse::<StreamId>().map_err(|bad| sqlx::Error::Decode(bad.into()))?;
            caught_up.streams += 1;
            caught_up.report += match removed_at {
                None => self.engine.refold([stream]).await?,
                Some(at) => {
                    let removal =
                        if erased == Some(true) { Removal::Erased } else { Removal::Expired };
                    let version = Version(applied.unsigned_abs());
                    self.engine.remove(vec![Removed { stream, version, removal, at }]).await?
                }
            };
        }
        Ok(caught_up)
    }

    /// A stream that is parked here and went on there was redriven or skipped meanwhile.
    async fn catch_up_one(
        &self,
        stream: &StreamId,
        applied: Version,
        parked: bool,
    ) -> Result<Report, RebuildError> {
        if parked {
            schema::copy_decisions(&self.live).await?;
            let left_out = follow::left_out(&self.live).await?;
            sqlx::query("update next_generation.position set parked = false where stream = $1")
                .bind(stream.as_str())
                .execute(&self.live)
                .await?;
            let engine = self.engine.clone().leaving_out(left_out);
            return Ok(self.read_again(&engine, stream, applied).await?);
        }
        Ok(self.read_again(&self.engine, stream, applied).await?)
    }

    /// A stream may be parked where the live one is, but not before.
    async fn is_not_parked_before(&self, stream: String, live: i64) -> Result<(), RebuildError> {
        let sql = "select q.version, q.error from next_generation.position n \
             join next_generation.quarantine q on q.stream = n.stream and q.version = n.applied + 1 \
             where n.stream = $1 and n.parked and n.applied < $2";
        let parked: Option<(i64, String)> =
            sqlx::query_as(sql).bind(&stream).bind(live).fetch_optional(&self.live).await?;
        match parked {
            Some((version, why)) => Err(RebuildError::Parked { stream, version, why }),
            None => Ok(()),
        }
    }

    async fn read_again(
        &self,
        engine: &Engine<M, S>,
        stream: &StreamId,
        applied: Version,
    ) -> Result<Report, ApplyError> {
        let missing = engine.source().read_after(stream, applied).await;
        engine.apply(missing.map_err(ApplyError::Source)?).await
    }
}
