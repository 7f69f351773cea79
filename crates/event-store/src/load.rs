//! Reading streams, always consistently: the newest commits, a snapshot where there are many.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::types::AttributeValue;
use decider::{Commit, Decider, Folded, StreamId, Version};
use futures::try_join;
use tracing::warn;

use crate::{
    EventStore, StoreError, UnreadableCommit,
    error::by_meaning,
    item::{self, Snapshot},
};

/// A snapshot is written every so many commits.
pub(crate) const SNAPSHOT_EVERY: u64 = 50;

/// A first read takes the newest commits up to this number: most streams have no more.
const NEWEST: i32 = 20;

/// While a long stream is folded anew, what is done is kept every so many commits: should the
/// request's time be over before the end, the next one goes on from there.
const KEPT_WHILE_FOLDING: u64 = 10_000;

impl EventStore {
    /// The stream as of now.
    ///
    /// A stream that is remembered costs one read of what came since. One that is not costs one
    /// read of its newest 20 commits; where there are more, one of its snapshot and at the same time
    /// one of what came between, if anything did.
    ///
    /// # Errors
    /// [`StoreError`], but never `Conflict` or `TooLarge`. [`StoreError::Gone`] when the beginning
    /// of the stream was taken out of the table: half a history is no state.
    pub async fn load<D: Decider>(&self, stream: &StreamId) -> Result<Arc<Folded<D>>, StoreError> {
        self.load_whole(stream).await.map_err(gone::<D>)
    }

    async fn load_whole<D: Decider>(
        &self,
        stream: &StreamId,
    ) -> Result<Arc<Folded<D>>, StoreError> {
        let folded = match self.remembered::<D>(stream) {
            Some(remembered) => {
                let folded = self.fold_after(stream, Folded::clone(&remembered)).await?;
                if folded.version == remembered.version {
                    return Ok(remembered);
                }
                folded
            }
            None => self.load_cold(stream).await?,
        };
        let folded = Arc::new(folded);
        self.remember(stream.clone(), folded.clone());
        Ok(folded)
    }

    async fn load_cold<D: Decider>(&self, stream: &StreamId) -> Result<Folded<D>, StoreError> {
        let mut newest = self.read_newest(stream).await?;
        newest.reverse();
        let [first, .., last] = newest.as_slice() else {
            return fold(Folded::default(), &newest);
        };
        // Where the snapshot lies, if it was kept; one that is older or newer does, too.
        let kept = Version(last.version.0 / SNAPSHOT_EVERY * SNAPSHOT_EVERY);
        let before = Version(first.version.0 - 1);
        let (base, mut commits) = try_join!(
            async { if kept > Version::NONE { self.snapshot(stream).await } else { Ok(None) } },
            self.read_between(stream, kept, before),
        )?;
        commits.append(&mut newest);
        let known = base.as_ref().map_or(Version::NONE, |base| base.version);
        if commits.first().is_none_or(|commit| commit.version <= known.next()) {
            commits.retain(|commit| commit.version > known);
            return fold(base.unwrap_or_default(), &commits);
        }
        let folded = self.fold_after(stream, base.unwrap_or_default()).await?;
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
            .query(stream, after)
            .key_condition_expression("#stream = :stream and version between :first and :last")
            .set_expression_attribute_values(Some(HashMap::from([
                (":stream".to_owned(), AttributeValue::S(stream.to_string())),
                (":first".to_owned(), AttributeValue::N(after.next().to_string())),
                (":last".to_owned(), AttributeValue::N(last.to_string())),
            ])));
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

    pub(crate) fn query(
        &self,
        stream: &StreamId,
        after: Version,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#stream = :stream and version > :after")
            .expression_attribute_names("#stream", "stream")
            .expression_attribute_values(":stream", AttributeValue::S(stream.to_string()))
            .expression_attribute_values(":after", AttributeValue::N(after.to_string()))
    }

    async fn get(
        &self,
        stream: &StreamId,
        version: Version,
    ) -> Result<Option<item::Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(item::key(stream, version)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| by_meaning(&error))?;
        Ok(found.item)
    }

    /// The snapshot of a stream, if there is one of this build's shape.
    async fn snapshot<D: Decider>(
        &self,
        stream: &StreamId,
    ) -> Result<Option<Folded<D>>, StoreError> {
        let Some(item) = self.get(stream, Version::NONE).await? else {
            return Ok(None);
        };
        let snapshot: Option<Snapshot> = serde_dynamo::from_item(item).ok();
        let folded = snapshot
            .filter(|snapshot| snapshot.shape == D::SHAPE)
            .and_then(|snapshot| serde_json::from_str(&snapshot.folded).ok())
            .filter(Folded::is_sound);
        if folded.is_none() {
            warn!(%stream, "the snapshot is of another shape; the stream is folded from its start");
        }
        Ok(folded)
    }

    /// The snapshot that lies there, of whatever shape.
    pub(crate) async fn snapshot_item(
        &self,
        stream: &StreamId,
    ) -> Result<Option<item::Item>, StoreError> {
        self.get(stream, Version::NONE).await
    }

    /// Keeps a snapshot. One that is newer and of the same shape stays. A snapshot saves reads
    /// and nothing else, so a failure is logged and the command succeeds.
    pub(crate) async fn keep_snapshot(&self, snapshot: Snapshot) {
        let (stream, version) = (snapshot.stream.clone(), snapshot.folded_version);
        let shape = snapshot.shape;
        let kept = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(snapshot.into_item()))
            .condition_expression(
                "attribute_not_exists(version) or folded_version < :version or shape <> :shape",
            )
            .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
            .expression_attribute_values(":shape", AttributeValue::N(shape.to_string()))
            .send()
            .await
            .map_err(|error| by_meaning(&error));
        match kept {
            Ok(_) | Err(StoreError::Conflict) => {}
            Err(error) => warn!(%stream, %error, "no snapshot was kept"),
        }
    }
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
