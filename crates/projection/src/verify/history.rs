//! What the event table has of a stream, up to where its rows are.

use std::collections::{BTreeMap, BTreeSet};

use decider::{Commit, StreamId, Version};
use futures::{StreamExt, TryStreamExt};
use sqlx::{FromRow, PgConnection};

use super::{Streams, Unfolded, named};
use crate::{ApplyError, CommitSource, Delivery};

/// How many streams are read from the event table at a time.
const READS_AT_A_TIME: usize = 8;

/// Where the rows of a stream are.
pub(super) struct Place {
    pub(super) stream: StreamId,
    applied: Version,
    pub(super) parked: bool,
    /// Whether it is no more: then it has no rows, whatever the event table still has of it.
    removed: bool,
    skipped: BTreeSet<Version>,
    /// Up to where its commits count for the tallies.
    counts_to: Version,
    /// Whether it was folded anew or removed since the tallies were read.
    pub(super) rewritten: bool,
}

#[derive(FromRow)]
struct PlaceRow {
    stream: String,
    applied: i64,
    parked: bool,
    removed: bool,
    refolds: i64,
    skipped: Vec<i64>,
}

/// Where the rows of these streams are: before the first commit, of a stream without position.
pub(super) async fn places(
    snapshot: &mut PgConnection,
    streams: &Streams,
) -> Result<Vec<Place>, ApplyError> {
    let rows: Vec<PlaceRow> = sqlx::query_as(
        "select n.stream, coalesce(p.applied, 0) as applied, \
             coalesce(p.parked, false) as parked, p.removed_at is not null as removed, \
             coalesce(p.refolds, 0) as refolds, \
             array(select q.version from quarantine q \
                   where q.stream = n.stream and q.resolution = 'skipped') as skipped \
         from unnest($1::text[]) as n(stream) left join position p using (stream)",
    )
    .bind(streams.keys().map(StreamId::as_str).collect::<Vec<_>>())
    .fetch_all(snapshot)
    .await?;
    let version = |version: i64| Version(version.unsigned_abs());
    let places = rows.into_iter().map(|row| {
        let stream = named(row.stream)?;
        let start = streams.get(&stream).copied().flatten();
        Ok(Place {
            counts_to: start.map_or(Version::NONE, |start| start.applied),
            rewritten: start.is_some_and(|start| start.refolds != row.refolds),
            stream,
            applied: version(row.applied),
            parked: row.parked,
            removed: row.removed,
            skipped: row.skipped.into_iter().map(version).collect(),
        })
    });
    places.collect()
}

/// All that the event table has of one stream.
pub(super) struct Read {
    pub(super) place: Place,
    deliveries: BTreeMap<Version, Delivery>,
}

/// Reads these streams from their beginning.
pub(super) async fn read<S: CommitSource>(
    source: &S,
    places: Vec<Place>,
) -> Result<Vec<Read>, ApplyError> {
    let reads = places.into_iter().map(|place| async move {
        let found = source.read_after(&place.stream, Version::NONE).await;
        let found = found.map_err(ApplyError::Source)?;
        let deliveries = found.into_iter().map(|delivery| (delivery.version(), delivery)).collect();
        Ok::<_, ApplyError>(Read { place, deliveries })
    });
    let reads: Vec<_> = reads.collect();
    futures::stream::iter(reads).buffer_unordered(READS_AT_A_TIME).try_collect().await
}

/// What became of reading a stream.
pub(super) enum Found {
    /// All commits that its rows speak of.
    Whole(History),
    /// None of them.
    Nothing,
    /// Some of them, or some that this build cannot read.
    Broken(Unfolded),
}

impl Read {
    /// Whether the event table has more of the stream than the rows, and nobody knows why.
    pub(super) fn is_behind(&self) -> bool {
        let newest = self.deliveries.keys().next_back();
        let open = !self.place.parked && !self.place.removed;
        open && newest.is_some_and(|newest| *newest > self.place.applied)
    }

    /// Whether the rows still show what nobody can read any more: what erased it is on its way.
    pub(super) fn is_being_erased(&self) -> bool {
        let beyond = self.deliveries.range(self.place.applied.next()..);
        self.is_behind() && beyond.into_iter().any(|(_, delivery)| delivery.erases())
    }

    /// The commits that are in the rows, if they are all there.
    pub(super) fn into_history(mut self) -> Found {
        let Place { stream, applied, removed, skipped, counts_to, .. } = self.place;
        if removed {
            return Found::Whole(History { stream, counts_to, commits: Vec::new() });
        }
        if self.deliveries.is_empty() && applied > Version::NONE {
            return Found::Nothing;
        }
        let mut commits = Vec::new();
        for version in (1..=applied.0).map(Version).filter(|version| !skipped.contains(version)) {
            let why = match self.deliveries.remove(&version) {
                Some(Delivery::Commit(commit)) => {
                    commits.push(commit);
                    continue;
                }
                Some(Delivery::Unreadable(unreadable)) => unreadable.error,
                None => "is in the rows and not in the event table".to_owned(),
            };
            return Found::Broken(Unfolded { stream, version, why });
        }
        Found::Whole(History { stream, counts_to, commits })
    }
}

/// The commits of one stream that are in its rows.
pub(super) struct History {
    pub(super) stream: StreamId,
    counts_to: Version,
    pub(super) commits: Vec<Commit>,
}

impl History {
    /// What counts for the tallies, and what came since.
    pub(super) fn split(&self) -> (&[Commit], &[Commit]) {
        let counted = self.commits.partition_point(|commit| commit.version <= self.counts_to);
        self.commits.split_at(counted)
    }
}
