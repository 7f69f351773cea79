//! One attempt at a command: the streams it read, and the commits it wants to append together.

use std::{any::Any, sync::Arc};

use decider::{Commit, Decider, Event, Folded, Metadata, Request, StreamId, Version};

use futures::{StreamExt, TryStreamExt, stream};

use crate::{EventStore, Intent, Refused, StoreError, item::Snapshot, load::SNAPSHOT_EVERY};

/// How many streams of one command are read at a time.
const READS_AT_A_TIME: usize = 16;

/// What one attempt at a command reads and stages.
#[derive(Debug)]
pub struct Unit {
    store: EventStore,
    intent: Arc<Intent>,
    primary: StreamId,
    fresh: bool,
    from_memory: bool,
    staged: Vec<Staged>,
}

/// A commit to be appended, and the stream as it is once that has happened.
pub(crate) struct Staged {
    commit: Commit,
    after: Arc<dyn Any + Send + Sync>,
    snapshot: fn(&Commit, &Arc<dyn Any + Send + Sync>) -> Option<Snapshot>,
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged").field("commit", &self.commit).finish_non_exhaustive()
    }
}

impl Unit {
    pub(crate) fn new(
        store: EventStore,
        intent: Arc<Intent>,
        primary: StreamId,
        fresh: bool,
    ) -> Self {
        Self { store, intent, primary, fresh, from_memory: false, staged: Vec::new() }
    }

    /// A stream that is likely to exist: from memory if this is the first attempt, else read.
    ///
    /// # Errors
    /// [`StoreError`] of a read.
    pub async fn load<D: Decider>(
        &mut self,
        stream: &StreamId,
    ) -> Result<Arc<Folded<D>>, StoreError> {
        if !self.fresh
            && let Some(remembered) = self.store.remembered::<D>(stream)
        {
            self.from_memory = true;
            return Ok(remembered);
        }
        self.store.load(stream).await
    }

    /// A stream that is likely to be new: taken for empty on the first attempt, without a read.
    /// The condition of the append tells if it is not.
    ///
    /// # Errors
    /// [`StoreError`] of a read.
    pub async fn expect_new<D: Decider>(
        &mut self,
        stream: &StreamId,
    ) -> Result<Arc<Folded<D>>, StoreError> {
        if !self.fresh && self.store.remembered::<D>(stream).is_none() {
            self.from_memory = true;
            return Ok(Arc::default());
        }
        self.load(stream).await
    }

    /// Several streams that are likely to exist, in the order that they are named in.
    ///
    /// # Errors
    /// [`StoreError`] of a read.
    pub async fn load_all<D: Decider>(
        &mut self,
        streams: &[StreamId],
    ) -> Result<Vec<Arc<Folded<D>>>, StoreError> {
        let mut warm: Vec<Option<Arc<Folded<D>>>> = vec![None; streams.len()];
        if !self.fresh {
            warm = streams.iter().map(|stream| self.store.remembered(stream)).collect();
            self.from_memory |= warm.iter().any(Option::is_some);
        }
        let store = &self.store;
        let reads = warm.into_iter().zip(streams).map(|(warm, stream)| async move {
            match warm {
                Some(remembered) => Ok(remembered),
                None => store.load(stream).await,
            }
        });
        // collected first: a lazy stream of borrowing closures would not be `Send`
        let reads: Vec<_> = reads.collect();
        stream::iter(reads).buffered(READS_AT_A_TIME).try_collect().await
    }

    /// Decides a command on `stream` and stages what it leads to. Gives the version that the
    /// stream has then.
    ///
    /// # Errors
    /// [`Refused::Rejected`].
    pub fn decide<D: Decider>(
        &mut self,
        stream: &StreamId,
        folded: &Folded<D>,
        command: D::Command,
    ) -> Result<Version, Refused<D::Rejection>> {
        let events = folded.state.decide(command).map_err(Refused::Rejected)?;
        Ok(self.stage(stream, folded, &events))
    }

    /// Stages `events` as the next commit of `stream`; none stage nothing. Gives the version that
    /// the stream has then.
    pub fn stage<D: Decider>(
        &mut self,
        stream: &StreamId,
        folded: &Folded<D>,
        events: &[D::Event],
    ) -> Version {
        if events.is_empty() {
            return folded.version;
        }
        let commit = self.commit(stream, folded.version.next(), events);
        let version = commit.version;
        let after = Arc::new(folded.clone().advance(&commit, events));
        self.staged.push(Staged { commit, after, snapshot: snapshot::<D> });
        version
    }

    fn commit<E: Event>(&self, stream: &StreamId, version: Version, events: &[E]) -> Commit {
        let intent = &self.intent;
        let request = (*stream == self.primary).then(|| Request {
            key: intent.key.clone(),
            fingerprint: intent.fingerprint.clone(),
            answer: String::new(), // known when everything is staged
        });
        Commit {
            stream: stream.clone(),
            version,
            recorded_at: intent.at,
            events: events.iter().map(Event::record).collect(),
            metadata: Metadata {
                actor: intent.actor.clone(),
                command_id: intent.command_id.clone(),
                correlation_id: intent.correlation_id.clone(),
                causation_id: intent.causation_id.clone(),
                request,
            },
        }
    }

    /// Every staged stream with the version that it will have.
    pub fn touched(&self) -> impl Iterator<Item = (&StreamId, Version)> {
        self.staged.iter().map(|staged| (&staged.commit.stream, staged.commit.version))
    }

    /// The stream that the command is addressed to.
    pub(crate) fn primary(&self) -> &StreamId {
        &self.primary
    }

    /// Whether anything came from memory, so that a refusal has to be confirmed.
    pub(crate) fn is_from_memory(&self) -> bool {
        self.from_memory
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// Appends all that is staged, with the answer on the commit of the primary stream.
    pub(crate) async fn append(mut self, answer: String) -> Result<(), StoreError> {
        for staged in &mut self.staged {
            if let Some(request) = &mut staged.commit.metadata.request {
                request.answer.clone_from(&answer);
            }
        }
        let commits: Vec<Commit> = self.staged.iter().map(|staged| staged.commit.clone()).collect();
        self.store.append(&commits).await?;
        for Staged { commit, after, snapshot } in self.staged {
            let snapshot = snapshot(&commit, &after);
            self.store.remember(commit.stream, after);
            if let Some(snapshot) = snapshot {
                self.store.keep_snapshot(snapshot).await;
            }
        }
        Ok(())
    }
}

/// The snapshot that is due after `commit`, if one is.
fn snapshot<D: Decider>(commit: &Commit, after: &Arc<dyn Any + Send + Sync>) -> Option<Snapshot> {
    if !commit.version.0.is_multiple_of(SNAPSHOT_EVERY) {
        return None;
    }
    let mut folded = after.downcast_ref::<Folded<D>>()?.clone();
    folded.forget(commit.recorded_at);
    Some(Snapshot {
        stream: commit.stream.clone(),
        version: Version::NONE,
        kind: Snapshot::KIND.to_owned(),
        folded_version: folded.version,
        shape: D::SHAPE,
        folded: serde_json::to_string(&folded).ok()?,
    })
}
