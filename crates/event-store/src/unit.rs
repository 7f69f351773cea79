//! One attempt at a command: the streams it read, and the commits it wants to append together.

use std::{any::Any, collections::BTreeSet, sync::Arc};

use decider::{
    Commit, Decider, Event, Folded, Metadata, Page, Request, StreamId, Timestamp, Version,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    EventStore, Intent, Refused, StoreError,
    item::{Rewritten, commit_item},
    memory::PAGES_AT_FIRST,
    snapshot::{SNAPSHOT_EVERY, Snapshot},
};

/// How many streams of one command are read at a time.
const READS_AT_A_TIME: usize = 16;

/// What a command on one stream led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The version that the stream has then.
    pub version: Version,
    /// Whether anything happened, or what was asked for held already.
    pub changed: bool,
}

/// What one attempt at a command reads and stages.
#[derive(Debug)]
pub struct Unit {
    store: EventStore,
    intent: Arc<Intent>,
    primary: StreamId,
    fresh: bool,
    /// Streams whose state was remembered, not read; only an append there proves it right.
    from_memory: BTreeSet<StreamId>,
    staged: Vec<Staged>,
    /// What is put in place of what is there.
    rewritten: Vec<Rewritten>,
}

/// A [`Folded`] of some state.
type Remembered = Arc<dyn Any + Send + Sync>;

/// What is kept beside a commit now and then.
type Keepsakes = (Snapshot, Option<Page>);

/// A commit to be appended, and the stream as it is once that has happened.
pub(crate) struct Staged {
    commit: Commit,
    expires_at: Option<Timestamp>,
    after: Remembered,
    keepsakes: fn(&Commit, &Remembered) -> Option<Keepsakes>,
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
        let (from_memory, staged, rewritten) = (BTreeSet::new(), Vec::new(), Vec::new());
        Self { store, intent, primary, fresh, from_memory, staged, rewritten }
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
            self.from_memory.insert(stream.clone());
            return self.kept(stream, remembered);
        }
        let pages = if self.looks_up(stream) { PAGES_AT_FIRST } else { 0 };
        self.kept(stream, self.store.load_with_pages(stream, pages).await?)
    }

    /// Whether the request itself is looked for in this stream.
    fn looks_up(&self, stream: &StreamId) -> bool {
        self.intent.keyed && *stream == self.primary
    }

    /// A stream whose time is over is gone, whether the table has dropped it by now or not.
    fn kept<D: Decider>(
        &self,
        stream: &StreamId,
        folded: Arc<Folded<D>>,
    ) -> Result<Arc<Folded<D>>, StoreError> {
        match folded.expires_at() {
            Some(end) if end <= self.intent.at => Err(StoreError::Gone { stream: stream.clone() }),
            Some(_) | None => Ok(folded),
        }
    }

    /// A stream that is only looked at: what is remembered of it may be out of date, and the
    /// command may hold all the same. For checks that a later command makes again; a refusal is
    /// confirmed like any other.
    ///
    /// # Errors
    /// [`StoreError`] of a read.
    pub async fn glance<D: Decider>(
        &mut self,
        stream: &StreamId,
    ) -> Result<Arc<Folded<D>>, StoreError> {
        match self.store.remembered::<D>(stream) {
            Some(remembered) if !self.fresh => Ok(remembered),
            Some(_) | None => self.store.load(stream).await,
        }
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
            self.from_memory.insert(stream.clone());
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
            let remembered = warm.iter().zip(streams).filter(|(warm, _)| warm.is_some());
            self.from_memory.extend(remembered.map(|(_, stream)| stream.clone()));
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

    /// Decides a command on `stream` and stages what it leads to.
    ///
    /// # Errors
    /// [`Refused::Rejected`].
    pub fn decide<D: Decider>(
        &mut self,
        stream: &StreamId,
        folded: &Folded<D>,
        command: D::Command,
    ) -> Result<Decided, Refused<D::Rejection>> {
        let events = folded.state.decide(command).map_err(Refused::Rejected)?;
        let version = self.stage(stream, folded, &events);
        Ok(Decided { version, changed: !events.is_empty() })
    }

    /// Stages `events` as the next commit of `stream`, and gives the version that it has then.
    ///
    /// No events stage nothing, but for the stream of a command with an idempotency key: there
    /// the key itself is kept, in a commit without events, so that a late retry of a command that
    /// changed nothing does not change anything either.
    pub fn stage<D: Decider>(
        &mut self,
        stream: &StreamId,
        folded: &Folded<D>,
        events: &[D::Event],
    ) -> Version {
        if events.is_empty() && !self.looks_up(stream) {
            return folded.version;
        }
        let commit = self.commit(stream, folded.version.next(), events);
        let version = commit.version;
        let after = folded.clone().advance(&commit, events);
        let (expires_at, after) = (after.expires_at(), Arc::new(after));
        self.staged.push(Staged { commit, expires_at, after, keepsakes: keepsakes::<D> });
        version
    }

    /// Stages that everything personal in `stream` that is plain is rewritten, in one transaction
    /// with what is appended to it, or before it where that is too much. Where all is sealed this
    /// costs a read of the stream. To be asked for once a stream, and after what it is for was
    /// decided on `folded`.
    ///
    /// # Errors
    /// [`StoreError`] of a read; [`StoreError::Conflict`] when `folded` is not the latest state.
    pub async fn forget_plain<D: Decider>(
        &mut self,
        stream: &StreamId,
        folded: &Folded<D>,
    ) -> Result<(), StoreError> {
        let staged = self.staged.iter().find(|staged| staged.commit.stream == *stream);
        let after = staged.and_then(|staged| staged.after.downcast_ref()).unwrap_or(folded);
        let store = &self.store;
        let rewritten = store.rewritten_without_plain(stream, folded.version, after).await?;
        self.rewritten.extend(rewritten);
        Ok(())
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
                trace: intent.trace.clone(),
                request,
            },
        }
    }

    /// Every staged stream with the version that it will have.
    pub fn touched(&self) -> impl Iterator<Item = (&StreamId, Version)> {
        self.staged.iter().map(|staged| (&staged.commit.stream, staged.commit.version))
    }

    /// The place that the command's own commit is meant for, if it has one.
    pub(crate) fn place(&self) -> Option<Version> {
        self.touched().find(|(stream, _)| **stream == self.primary).map(|(_, version)| version)
    }

    /// Whether this attempt trusts nothing that was remembered.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The stream that the command is addressed to.
    pub(crate) fn primary(&self) -> &StreamId {
        &self.primary
    }

    /// Who wants something.
    pub(crate) fn intent(&self) -> Arc<Intent> {
        self.intent.clone()
    }

    /// Whether a state that was remembered decided this, and nothing that is appended proves it:
    /// then it has to be decided again on fresh reads.
    pub(crate) fn is_unproved(&self) -> bool {
        let proved =
            |stream: &StreamId| self.staged.iter().any(|staged| staged.commit.stream == *stream);
        !self.from_memory.iter().all(proved)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.staged.is_empty() && self.rewritten.is_empty()
    }

    /// Appends all that is staged, with the answer on the commit of the primary stream.
    pub(crate) async fn append(mut self, answer: String) -> Result<(), StoreError> {
        for staged in &mut self.staged {
            self.store.seal([&mut staged.commit]).await?;
            if let Some(request) = &mut staged.commit.metadata.request {
                request.answer.clone_from(&answer);
            }
        }
        let item = |staged: &Staged| commit_item(&staged.commit, staged.expires_at);
        let new = self.staged.iter().map(item).collect();
        self.store.write(new, self.rewritten).await?;
        for Staged { commit, expires_at, after, keepsakes } in self.staged {
            let due = keepsakes(&commit, &after);
            self.store.remember(commit.stream.clone(), after);
            let Some((snapshot, page)) = due else { continue };
            if let Some(page) = page {
                self.store.keep_page(&commit.stream, page, expires_at).await;
            }
            self.store.keep_snapshot(snapshot).await;
        }
        Ok(())
    }
}

/// What is kept beside `commit`, if it is one after which that is due.
fn keepsakes<D: Decider>(commit: &Commit, after: &Remembered) -> Option<Keepsakes> {
    if !commit.version.0.is_multiple_of(SNAPSHOT_EVERY) {
        return None;
    }
    let folded = after.downcast_ref::<Folded<D>>()?;
    Some((Snapshot::of(&commit.stream, folded)?, folded.filled_page()))
}
