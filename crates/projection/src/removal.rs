//! Streams that are no more: erased by somebody, or expired.
//!
//! The rows go, the position stays, so that no late or doubled record brings anything back. One
//! removed commit is enough: expiry takes the items of a stream one by one, in any order.

use std::collections::BTreeMap;

use decider::{StreamId, Timestamp, Version};
use sqlx::{Arguments, PgPool, error::BoxDynError};

use crate::{
    ApplyError, CommitSource, Engine, ReadModel, Report, Statement, failure::Patience,
    position::signed, statement::ALL_MOVED,
};

/// Why a stream is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Removal {
    /// Its time was over.
    Expired,
    /// Somebody took it away.
    Erased,
}

impl Removal {
    /// The word for it in the position.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Erased => "erased",
        }
    }
}

/// A commit that was taken out of the event table, and its whole stream with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The stream.
    pub stream: StreamId,
    /// The commit's place there.
    pub version: Version,
    /// Why.
    pub removal: Removal,
    /// When.
    pub at: Timestamp,
}

/// When a stream was removed, and why, if it was.
///
/// # Errors
/// What the database said.
pub async fn removal(
    pool: &PgPool,
    stream: &StreamId,
) -> sqlx::Result<Option<(Removal, Timestamp)>> {
    let found: Option<(bool, Timestamp)> = sqlx::query_as(
        "select removal = 'erased', removed_at from position \
         where stream = $1 and removed_at is not null",
    )
    .bind(stream.as_str())
    .fetch_optional(pool)
    .await?;
    let removal = |erased| if erased { Removal::Erased } else { Removal::Expired };
    Ok(found.map(|(erased, at)| (removal(erased), at)))
}

impl<M: ReadModel, S: CommitSource> Engine<M, S> {
    /// Takes away all rows of streams of which a commit was removed, and resolves what of them is
    /// in quarantine. What comes of them from now on is dropped. What was erased also leaves the
    /// generation before the live one.
    ///
    /// # Errors
    /// [`ApplyError`] when the database is away: remove them again.
    pub async fn remove(&self, removed: Vec<Removed>) -> Result<Report, ApplyError> {
        let mut streams: BTreeMap<StreamId, Removed> = BTreeMap::new();
        for removed in removed {
            let first = streams.entry(removed.stream.clone()).or_insert_with(|| removed.clone());
            first.version = first.version.max(removed.version);
            first.removal = first.removal.max(removed.removal);
            first.at = first.at.min(removed.at);
        }
        if streams.is_empty() {
            return Ok(Report::default());
        }
        let erased = streams.values().filter(|removed| removed.removal == Removal::Erased);
        let erased: Vec<_> = erased.map(|removed| removed.stream.clone()).collect();
        self.leave_the_previous_generation(&erased).await?;
        let mut patience = Patience::default();
        let report = loop {
            match self.remove_once(&streams).await {
                Err(error) if patience.lasts(&error) => patience.pause().await,
                settled => break settled?,
            }
        };
        self.leave_the_previous_generation(&erased).await?;
        Ok(report)
    }

    async fn remove_once(
        &self,
        streams: &BTreeMap<StreamId, Removed>,
    ) -> Result<Report, ApplyError> {
        let (positions, mut tables) = self.read(streams.keys()).await?;
        let position = |stream| positions.get(stream).cloned().unwrap_or_default();
        let steps = streams.iter().map(|(stream, removed)| (removed, position(stream)));
        let (before, now): (Vec<_>, Vec<_>) = steps.partition(|(_, position)| position.removed);
        let report =
            Report { gone: before.len() as u64, removed: now.len() as u64, ..Report::default() };
        if now.is_empty() {
            return Ok(report);
        }
        M::each(&mut tables).into_iter().for_each(|table| table.clear());
        let streams = now.iter().map(|(removed, _)| removed.stream.clone()).collect();
        let mut statement = Statement::anew(streams);
        let tombstones: Vec<_> = now
            .into_iter()
            .map(|(removed, position)| Tombstone {
                removed,
                prior: position.applied,
                refolds: position.refolds + 1,
            })
            .collect();
        bury(&tombstones, &mut statement).map_err(sqlx::Error::Encode)?;
        self.write(statement, tables).await?;
        Ok(report)
    }
}

/// What is left of a stream.
struct Tombstone<'a> {
    removed: &'a Removed,
    /// Where the stream was read; it must still be there.
    prior: Version,
    /// How often it was folded anew, this time included: an older step on its rows holds no more.
    refolds: i64,
}

/// Closes the positions for ever, and empties the quarantine of what was in the streams.
fn bury(tombstones: &[Tombstone], statement: &mut Statement) -> Result<(), BoxDynError> {
    statement.part(
        |_| {
            "insert into position (stream, prior, applied, removed_at, removal, parked, \
             applied_at, refolds) \
             select stream, prior, greatest(prior, version), removed_at, removal, false, \
             clock_timestamp(), refolds \
             from unnest($1, $2, $3, $4, $5, $7) \
             as n(stream, prior, version, removed_at, removal, refolds) order by stream \
             on conflict (stream) do update set prior = excluded.prior, \
             applied = excluded.applied, recorded_at = null, applied_at = excluded.applied_at, \
             parked = false, refolds = excluded.refolds, removed_at = excluded.removed_at, \
             removal = excluded.removal \
             where position.applied = excluded.prior and position.removed_at is null \
             and position.refolds = excluded.refolds - 1 returning 1"
                .to_owned()
        },
        |arguments| {
            let each = || tombstones.iter();
            let stream = |tombstone: &Tombstone| tombstone.removed.stream.to_string();
            let removal = |tombstone: &Tombstone| tombstone.removed.removal.as_str();
            arguments.add(each().map(stream).collect::<Vec<_>>())?;
            arguments.add(each().map(|t| signed(t.prior)).collect::<Vec<_>>())?;
            arguments.add(each().map(|t| signed(t.removed.version)).collect::<Vec<_>>())?;
            arguments.add(each().map(|t| t.removed.at).collect::<Vec<_>>())?;
            arguments.add(each().map(removal).collect::<Vec<_>>())?;
            arguments.add(i64::try_from(tombstones.len()).unwrap_or(i64::MAX))?;
            arguments.add(each().map(|t| t.refolds).collect::<Vec<_>>())
        },
    )?;
    statement.part(
        |_| {
            format!(
                "update quarantine q set payload = '', error = 'the stream is no more', \
                 resolution = coalesce(q.resolution, 'removed'), \
                 resolved_at = coalesce(q.resolved_at, now()) \
                 where q.stream = any($1) and {ALL_MOVED}"
            )
        },
        |_| Ok(()),
    )?;
    Ok(())
}
