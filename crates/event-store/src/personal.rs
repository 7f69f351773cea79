//! What is personal, between the table, where it is sealed, and whoever may read it.
//!
//! The write side has no use for it: a command is decided on events as they are stored.

use decider::{Commit, Decider, Event, Folded, StreamId, Version, without_plain};
use personal_data::{KeyError, Unrevealed};

use crate::{
    EventStore, StoreError, UnreadableCommit,
    error::by_meaning,
    item::{self, Item, Rewritten},
    snapshot::Snapshot,
};

impl EventStore {
    /// Seals what is personal in commits that are about to be written.
    pub(crate) async fn seal(
        &self,
        commits: impl IntoIterator<Item = &mut Commit>,
    ) -> Result<(), StoreError> {
        let is_personal =
            |commit: &&mut Commit| commit.events.iter().any(|event| !event.personal.is_empty());
        for commit in commits.into_iter().filter(is_personal) {
            let keys = self.keys.as_ref().ok_or_else(|| {
                StoreError::Unavailable("there are no keys to seal what is personal".to_owned())
            })?;
            keys.seal(commit).await?;
        }
        Ok(())
    }

    /// Reveals what is personal in commits that were read, or delivered by the table's stream. One
    /// that cannot be revealed is unreadable, and the others are not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the keys are away.
    pub async fn reveal(
        &self,
        commits: Vec<Commit>,
    ) -> Result<Vec<Result<Commit, UnreadableCommit>>, StoreError> {
        let places: Vec<_> =
            commits.iter().map(|commit| (commit.stream.clone(), commit.version)).collect();
        let revealed = match &self.keys {
            Some(keys) => keys.reveal(commits).await?,
            None => commits.into_iter().map(without_keys).collect(),
        };
        let each = revealed.into_iter().zip(places).map(|(commit, (stream, version))| {
            commit.map_err(|unrevealed| {
                let detail = unrevealed.to_string();
                UnreadableCommit { stream, version, detail }
            })
        });
        Ok(each.collect())
    }

    /// Reveals a stream that was read from somewhere on to its end. If something in there erases
    /// what is personal, the key is destroyed first, in case nobody got to it before.
    pub(crate) async fn reveal_stream(
        &self,
        stream: &StreamId,
        read: Vec<Result<Commit, UnreadableCommit>>,
    ) -> Result<Vec<Result<Commit, UnreadableCommit>>, StoreError> {
        let erases = read.iter().flatten().any(Commit::erases);
        if let Some(keys) = self.keys.as_ref().filter(|_| erases) {
            keys.destroy(stream).await?;
        }
        self.reveal_all(read).await
    }

    /// As [`Self::reveal`], among commits that this build cannot read; in their order.
    pub(crate) async fn reveal_all(
        &self,
        read: Vec<Result<Commit, UnreadableCommit>>,
    ) -> Result<Vec<Result<Commit, UnreadableCommit>>, StoreError> {
        let (mut commits, mut places) = (Vec::new(), Vec::new());
        for commit in read {
            match commit {
                Ok(commit) => {
                    commits.push(commit);
                    places.push(None);
                }
                Err(unreadable) => places.push(Some(unreadable)),
            }
        }
        let mut revealed = self.reveal(commits).await?.into_iter();
        let each = places.into_iter().filter_map(|place| match place {
            Some(unreadable) => Some(Err(unreadable)),
            None => revealed.next(),
        });
        Ok(each.collect())
    }
}

impl EventStore {
    /// What is to be rewritten for a stream to hold nothing personal that is plain, as events did
    /// before there were keys: those commits in their order, and the snapshot, which is of `after`
    /// then.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the stream is not at the version `decided_on`,
    /// [`StoreError::Unreadable`] for a commit that this build cannot read, otherwise what the
    /// table said.
    pub(crate) async fn rewritten_without_plain<D: Decider>(
        &self,
        stream: &StreamId,
        decided_on: Version,
        after: &Folded<D>,
    ) -> Result<Vec<Rewritten>, StoreError> {
        let mut items = self.query(stream, Version::NONE).into_paginator().items().send();
        let (mut newest, mut rewritten) = (Version::NONE, Vec::new());
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| by_meaning(&error))?;
            let commit = item::read_commit(stream, item.clone())?;
            newest = commit.version;
            rewritten.extend(rewritten_commit::<D::Event>(commit, item)?);
        }
        if newest != decided_on {
            return Err(StoreError::Conflict);
        }
        if rewritten.is_empty() {
            return Ok(rewritten);
        }
        let snapshot = self.snapshot_item(stream).await?.zip(Snapshot::of(stream, after));
        rewritten.extend(snapshot.and_then(|(item, snapshot)| snapshot.instead_of(item)));
        Ok(rewritten)
    }
}

/// A commit without what is plain and personal in it; `None` if nothing is. Whatever else its item
/// has stays as it is.
fn rewritten_commit<E: Event>(
    mut commit: Commit,
    mut item: Item,
) -> Result<Option<Rewritten>, UnreadableCommit> {
    let mut changed = false;
    for event in &mut commit.events {
        let erased = without_plain::<E>(event).map_err(|undecodable| UnreadableCommit {
            stream: commit.stream.clone(),
            version: commit.version,
            detail: undecodable.to_string(),
        })?;
        changed |= erased.is_some();
        *event = erased.unwrap_or_else(|| std::mem::take(event));
    }
    let events = item::commit_item(&commit, None).remove(item::EVENTS).filter(|_| changed);
    let as_read = events.and_then(|events| item.insert(item::EVENTS.to_owned(), events));
    Ok(as_read.map(|as_read| Rewritten { item, attribute: item::EVENTS, as_read }))
}

fn without_keys(commit: Commit) -> Result<Commit, Unrevealed> {
    if personal_data::is_sealed(&commit) { Err(Unrevealed::NoKeys) } else { Ok(commit) }
}

impl From<KeyError> for StoreError {
    fn from(error: KeyError) -> Self {
        match error {
            // somebody erased the stream, so it has a commit that this attempt does not know
            KeyError::Erased(_) => Self::Conflict,
            KeyError::Away(_) | KeyError::Unusable(_) => Self::Unavailable(error.to_string()),
        }
    }
}
