//! Reading streams, always consistently: the newest commits, a snapshot where there are many.

use std::sync::Arc;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use decider::{Commit, Decider, Folded, StreamId, Version};
use futures::try_join;

use crate::{
    EventStore, StoreError, UnreadableCommit,
    error::by_meaning,
    item,
    snapshot::{SNAPSHOT_EVERY, Snapshot},
};

/// A first read takes the newest commits up to this number: as many as can have come since the last
/// snapshot. Most streams have no more.
const NEWEST: i32 = SNAPSHOT_EVERY as i32;

/// While a long stream is folded anew, what is done is kept every so many commits: should the
/// request's time be over before the end, the next one goes on from there.
const KEPT_WHILE_FOLDING: u64 = 10_000;

impl EventStore {
    /// The stream as of now.
    ///
    /// A stream that is remembered costs one read of what came since. One that is not costs one
    /// read of its newest commits, and where there are more, one of its snapshot: at the same time
    /// if it is [`LONG_LIVED`](Decider::LONG_LIVED), else after it.
    ///
    /// # Errors
    /// [`StoreError`], but never `Conflict` or `TooLarge`. [`StoreError::Gone`] when commits were
    /// taken out of the table that no snapshot covers: half a history is no state.
    pub async fn load<D: Decider>(&self, stream: &StreamId) -> Result<Arc<Folded<D>>, StoreError> {
        self.load_with_pages(stream, 0).await
    }

    /// As [`Self::load`]. Where a snapshot is read, so are up to `pages` pages of requests.
    pub(crate) async fn load_with_pages<D: Decider>(
        &self,
        stream: &StreamId,
        pages: i32,
    ) -> Result<Arc<Folded<D>>, StoreError> {
        self.load_whole(stream, pages).await.map_err(gone::<D>)
    }

    async fn load_whole<D: Decider>(
        &self,
        stream: &StreamId,
        pages: i32,
    ) -> Result<Arc<Folded<D>>, StoreError> {
        let folded = match self.remembered::<D>(stream) {
            Some(remembered) => {
                let folded = self.fold_after(stream, Folded::clone(&remembered)).await?;
                if folded.version == remembered.version {
                    return Ok(remembered);
                }
                folded
            }
            // on the heap: what is read in two ways at once would make every command's future large
            None => Box::pin(self.load_cold(stream, pages)).await?,
        };
        let folded = Arc::new(folded);
        self.remember(stream.clone(), folded.clone());
        Ok(folded)
    }

    async fn load_cold<D: Decider>(
        &self,
        stream: &StreamId,
        pages: i32,
    ) -> Result<Folded<D>, StoreError> {
        let (mut newest, snapshot) = if D::LONG_LIVED {
            try_join!(self.read_newest(stream), self.snapshot(stream, pages))?
        } else {
            let newest = self.read_newest(stream).await?;
            let is_all = newest.last().is_none_or(|first| first.version == Version(1));
            (newest, if is_all { None } else { self.snapshot(stream, pages).await? })
        };
        if newer_than(snapshot.as_ref(), &newest) {
            // more was committed between the two reads, or it is of commits that were taken out
            newest = self.read_newest(stream).await?;
        }
        newest.reverse();
        let (Some(first), Some(last)) = (newest.first(), newest.last()) else {
            return Ok(Folded::default());
        };
        if first.version == Version(1) {
            return fold(Folded::default(), &newest);
        }
        let snapshot = snapshot.filter(|snapshot| snapshot.version <= last.version);
        let known = snapshot.as_ref().map_or(Version::NONE, |snapshot| snapshot.version);
        if first.version <= known.next() {
            newest.retain(|commit| commit.version > known);
            return fold(snapshot.unwrap_or_default(), &newest);
        }
        let folded = self.fold_after(stream, snapshot.unwrap_or_default()).await?;
        // so that whoever comes next need not read all of it again
        if let Some(snapshot) = Snapshot::of(stream, &folded) {
            self.keep_snapshot(snapshot).await;
        }
        Ok(folded)
    }

    /// Folds in all commits that came since, a page of them at a time.
    ///
    /// # Errors
    /// [`StoreError::Hole`] when the versions are not gapless, [`StoreError::Unreadable`] for a
    /// commit that this build cannot read, otherwise what the table said.
    async fn fold_after<D: Decider>(
        &self,
        stream: &StreamId,
        base: Folded<D>,
    ) -> Result<Folded<D>, StoreError> {
        let query = self.query(stream, base.version).scan_index_forward(true);
        let mut pages = query.into_paginator().send();
        let (mut kept, mut folded) = (base.version.0, base);
        while let Some(page) = pages.next().await {
            let items = page.map_err(|error| by_meaning(&error))?.items.unwrap_or_default();
            let commits = items.into_iter().map(|item| item::read_commit(stream, item));
            folded = fold(folded, &commits.collect::<Result<Vec<_>, UnreadableCommit>>()?)?;
            if folded.version.0 - kept >= KEPT_WHILE_FOLDING
                && let Some(snapshot) = Snapshot::of(stream, &folded)
            {
                kept = folded.version.0;
                self.keep_snapshot(snapshot).await;
            }
        }
        Ok(folded)
    }

    /// The commits after `after`, up to and with `last`; without a read where that is none.
    pub(crate) async fn read_between(
        &self,
        stream: &StreamId,
        after: Version,
        last: Version,
    ) -> Result<Vec<Commit>, StoreError> {
        if after >= last {
            return Ok(Vec::new());
        }
        let query = self
            .places(stream, "version between :first and :last")
            .expression_attribute_values(":first", AttributeValue::N(after.next().to_string()))
            .expression_attribute_values(":last", AttributeValue::N(last.to_string()));
        let mut items = query.into_paginator().items().send();
        let mut commits = Vec::new();
        while let Some(item) = items.next().await {
            commits.push(item::read_commit(stream, item.map_err(|error| by_meaning(&error))?)?);
        }
        Ok(commits)
    }

    /// All commits after `after`, in order and revealed, also those that this build cannot read.
    ///
    /// # Errors
    /// What the table said.
    pub async fn read_each_after(
        &self,
        stream: &StreamId,
        after: Version,
    ) -> Result<Vec<Result<Commit, UnreadableCommit>>, StoreError> {
        let query = self.query(stream, after).scan_index_forward(true);
        let mut items = query.into_paginator().items().send();
        let mut commits = Vec::new();
        while let Some(item) = items.next().await {
            commits.push(item::read_commit(stream, item.map_err(|error| by_meaning(&error))?));
        }
        self.reveal_stream(stream, commits).await
    }

    /// One commit, if it is there.
    pub(crate) async fn read_one(
        &self,
        stream: &StreamId,
        version: Version,
    ) -> Result<Option<Commit>, StoreError> {
        let found = self.get(stream, version).await?;
        Ok(found.map(|item| item::read_commit(stream, item)).transpose()?)
    }

    /// The newest commits, newest first.
    async fn read_newest(&self, stream: &StreamId) -> Result<Vec<Commit>, StoreError> {
        let page = self
            .query(stream, Version::NONE)
            .scan_index_forward(false)
            .limit(NEWEST)
            .send()
            .await
            .map_err(|error| by_meaning(&error))?;
        let items = page.items.unwrap_or_default();
        let commits = items.into_iter().map(|item| item::read_commit(stream, item));
        Ok(commits.collect::<Result<_, UnreadableCommit>>()?)
    }

    pub(crate) fn query(&self, stream: &StreamId, after: Version) -> QueryFluentBuilder {
        self.places(stream, "version > :after")
            .expression_attribute_values(":after", AttributeValue::N(after.to_string()))
    }

    /// What lies in a stream, commits and others, where the condition on `version` holds.
    pub(crate) fn places(&self, stream: &StreamId, condition: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression(format!("#stream = :stream and {condition}"))
            .expression_attribute_names("#stream", "stream")
            .expression_attribute_values(":stream", AttributeValue::S(stream.to_string()))
    }

    /// What lies at that place of a stream.
    pub(crate) async fn get(
        &self,
        stream: &StreamId,
        place: impl ToString,
    ) -> Result<Option<item::Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(item::key(stream, place)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| by_meaning(&error))?;
        Ok(found.item)
    }
}

fn newer_than<D>(snapshot: Option<&Folded<D>>, newest: &[Commit]) -> bool {
    let last = newest.first().map_or(Version::NONE, |last| last.version);
    snapshot.is_some_and(|snapshot| snapshot.version > last)
}

/// A hole at the beginning, or anywhere in a stream that expires, is no hole: the table drops the
/// items of a stream one by one, in any order.
fn gone<D: Decider>(error: StoreError) -> StoreError {
    match error {
        StoreError::Hole { stream, version } if version == Version(1) || D::KEPT_DAYS.is_some() => {
            StoreError::Gone { stream }
        }
        StoreError::Conflict
        | StoreError::Throttled
        | StoreError::TooLarge
        | StoreError::Unavailable(_)
        | StoreError::Unreadable(_)
        | StoreError::Gone { .. }
        | StoreError::Hole { .. } => error,
    }
}

fn fold<D: Decider>(base: Folded<D>, commits: &[Commit]) -> Result<Folded<D>, StoreError> {
    commits.iter().try_fold(base, |folded, commit| {
        if !folded.version.precedes(commit.version) {
            let (stream, version) = (commit.stream.clone(), folded.version.next());
            return Err(StoreError::Hole { stream, version });
        }
        folded.fold(commit).map_err(|undecodable| {
            StoreError::Unreadable(UnreadableCommit {
                stream: commit.stream.clone(),
                version: commit.version,
                detail: undecodable.to_string(),
            })
        })
    })
}
