//! Order, skip, heal, park: what happens to a batch.

use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use decider::{Commit, StreamId, Undecodable, Version};
use futures::{StreamExt, TryStreamExt};
use sqlx::{AssertSqlSafe, PgPool};

use crate::{
    ApplyError, Changes, Delivery, LoadPart, Statement, Tally, View,
    batch::{self, Batch, Steps},
    load::{load, load_statement},
    position::{self, Advance, Position, Quarantined},
    report::{Applied, Report},
    settle::Unread,
};

/// How many streams are read from the event table at a time.
const HEALS_AT_A_TIME: usize = 8;

/// What commits mean for rows. Pure: no clock, no I/O, no order but that of each stream.
pub trait ReadModel: Send + Sync {
    /// The tables, while a batch is folded.
    type Tables: Default + Send;

    /// The views, with all tables between them.
    const VIEWS: &'static [View];

    /// All tables; always the same ones in the same order.
    fn each(tables: &mut Self::Tables) -> Vec<&mut dyn Changes>;

    /// Folds one commit into the rows. Either all of it, or nothing and an error.
    ///
    /// # Errors
    /// [`Undecodable`] when this build cannot read one of its events.
    fn evolve(&self, tables: &mut Self::Tables, commit: &Commit) -> Result<(), Undecodable>;

    /// Adds what all rows at hand count to the tallies among the tables. It is asked before a fold
    /// and after it, and the difference is written; so a tally is a function of the rows.
    fn count(_tables: &mut Self::Tables) {}
}

/// Where commits that were not delivered are read again.
pub trait CommitSource: Send + Sync {
    /// All commits of a stream after `after`, in order, by a consistent read.
    ///
    /// # Errors
    /// A text for the log, when the source is away.
    fn read_after(
        &self,
        stream: &StreamId,
        after: Version,
    ) -> impl Future<Output = Result<Vec<Delivery>, String>> + Send;
}

/// Applies batches of commits to a read model. Any number of engines may run at once.
#[derive(Clone, Debug)]
pub struct Engine<M, S> {
    pool: PgPool,
    model: M,
    source: S,
    /// The tables that are written, if not all.
    only: Option<Vec<&'static str>>,
    /// Commits that somebody decided to leave out.
    left_out: BTreeSet<(StreamId, Version)>,
    /// Whether there was a next generation to be written, too, when something was last written.
    followed: Arc<AtomicBool>,
    parts: Vec<Option<LoadPart>>,
    load: String,
}

impl<M: ReadModel, S: CommitSource> Engine<M, S> {
    /// An engine that writes the rows of `model` through `pool`.
    pub fn new(pool: PgPool, model: M, source: S) -> Self {
        let mut tables = M::Tables::default();
        let parts: Vec<_> = M::each(&mut tables).iter().map(|table| table.load()).collect();
        let load = load_statement(&parts);
        let (only, left_out, followed) = (None, BTreeSet::new(), Arc::default());
        Self { pool, model, source, only, left_out, followed, parts, load }
    }

    /// Writes these tables alone.
    pub(crate) fn only(mut self, only: Vec<&'static str>) -> Self {
        let mut tables = M::Tables::default();
        let each = M::each(&mut tables).into_iter();
        self.parts = each.map(|t| only.contains(&t.table()).then(|| t.load()).flatten()).collect();
        self.load = load_statement(&self.parts);
        self.only = Some(only);
        self
    }

    /// Whether it writes the live generation, as that has all tables.
    pub(crate) fn writes_all(&self) -> bool {
        self.only.is_none()
    }

    /// Passes over these commits as if they were empty.
    pub(crate) fn leaving_out(mut self, commits: BTreeSet<(StreamId, Version)>) -> Self {
        self.left_out = commits;
        self
    }

    /// Whether the next generation is to be written, too, as of the last write.
    pub(crate) fn is_followed(&self) -> bool {
        self.followed.load(Ordering::Relaxed)
    }

    pub(crate) fn model(&self) -> &M {
        &self.model
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// Applies what was delivered: in the order of each stream, each commit once, whatever is
    /// missing read from the source. A commit that cannot be applied parks its stream.
    ///
    /// # Errors
    /// [`ApplyError`] when nothing is wrong with the commits: deliver them again. What was
    /// applied by then stays applied.
    pub async fn apply(&self, deliveries: Vec<Delivery>) -> Result<Report, ApplyError> {
        Ok(self.apply_each(deliveries).await?.report)
    }

    /// As [`Self::apply`], and tells of each commit that became visible.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub async fn apply_each(&self, deliveries: Vec<Delivery>) -> Result<Applied, ApplyError> {
        let (batch, duplicates) = batch::sort(deliveries);
        // On the heap: nested in what callers await, it outgrows the stack of a test's thread.
        let mut applied = Box::pin(self.apply_or_split(batch)).await?;
        applied.report.duplicates += duplicates;
        Ok(applied)
    }

    /// Adds the counts that large batches left waiting (see [`crate::Tally`]), for where no other
    /// batch may come for long.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_what_waits(&self) -> Result<(), ApplyError> {
        let mut tables = M::Tables::default();
        let tallies = M::each(&mut tables).into_iter().filter_map(|table| table.tally());
        let statements: Vec<_> = tallies.map(Tally::add_what_waits).collect();
        for statement in statements {
            sqlx::query(AssertSqlSafe(statement)).execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Reads, folds, writes. With `refused`, the first commit of each stream is not folded but
    /// quarantined with that error.
    pub(crate) async fn apply_once(
        &self,
        batch: &Batch,
        refused: Option<&sqlx::Error>,
        unread: Unread,
    ) -> Result<Applied, ApplyError> {
        let read = |(_, steps): &(&StreamId, &Steps)| match unread {
            Unread::New => !begins(steps),
            Unread::None => true,
        };
        let (positions, mut tables) =
            self.read(batch.iter().filter(read).map(|(stream, _)| stream)).await?;
        let refused = refused.map(ToString::to_string);
        let mut done = Applied::default();
        let healed = self.heal(batch, &positions, &mut done.report).await?;
        let (mut advances, mut erased) = (Vec::new(), Vec::new());
        for (stream, delivered) in batch {
            let position = positions.get(stream).cloned().unwrap_or_default();
            let known = delivered.len() as u64;
            if position.removed {
                done.report.gone += known;
                continue;
            }
            let commits = healed.get(stream).unwrap_or(delivered);
            if commits.range(position.applied.next()..).any(|(_, delivery)| delivery.erases()) {
                erased.push(stream.clone());
                continue;
            }
            if delivered.values().any(Delivery::erases) {
                self.leave_the_previous_generation(slice::from_ref(stream)).await?;
            }
            if position.parked {
                done.report.queued += known;
                continue;
            }
            done.report.duplicates +=
                delivered.keys().filter(|version| **version <= position.applied).count() as u64;
            let open = commits.range(position.applied.next()..).map(|(_, delivery)| delivery);
            let mut step = Advance::from(stream, &position);
            for delivery in open {
                if !self.fold(&mut tables, &mut step, delivery, refused.as_deref()) {
                    break;
                }
            }
            if step.moved() {
                advances.push(step);
            }
        }
        if !advances.is_empty() {
            let mut statement = Statement::default();
            position::advance(&advances, &mut statement).map_err(sqlx::Error::Encode)?;
            self.write(statement, tables).await?;
        }
        advances.into_iter().for_each(|step| done.note(step));
        for stream in erased {
            // on the heap: it is part of what it is called by
            done.report += Box::pin(self.refold([stream])).await?;
        }
        Ok(done)
    }

    /// The first round trip, unless there is nothing to read.
    pub(crate) async fn read<'a>(
        &self,
        streams: impl Iterator<Item = &'a StreamId> + Clone,
    ) -> Result<(HashMap<StreamId, Position>, M::Tables), ApplyError> {
        if streams.clone().next().is_none() {
            return Ok(Default::default());
        }
        load::<M>(&self.pool, (&self.load, &self.parts), streams).await
    }

    /// Streams of which commits are missing, read from the source; of those that are parked, only
    /// to find one that erases, as everything else waits there anyway.
    async fn heal(
        &self,
        batch: &Batch,
        positions: &HashMap<StreamId, Position>,
        report: &mut Report,
    ) -> Result<Batch, ApplyError> {
        let gaps = batch.iter().filter_map(|(stream, delivered)| {
            let position = positions.get(stream).cloned().unwrap_or_default();
            let next = position.applied.next();
            // The commit that a stream is parked at was looked at then.
            let next = if position.parked { next.next() } else { next };
            let newest = *delivered.keys().next_back()?;
            let missing = (next.0..newest.0).any(|v| !delivered.contains_key(&Version(v)));
            (!position.removed && missing).then_some((stream, delivered, position))
        });
        let reads = gaps.map(|(stream, delivered, position)| async move {
            let mut commits = delivered.clone();
            let found = self.source.read_after(stream, position.applied).await;
            for delivery in found.map_err(ApplyError::Source)? {
                commits.insert(delivery.version(), delivery);
            }
            Ok::<_, ApplyError>((stream.clone(), commits))
        });
        let reads: Vec<_> = reads.collect();
        let healed: Batch =
            futures::stream::iter(reads).buffer_unordered(HEALS_AT_A_TIME).try_collect().await?;
        let parked = |stream| positions.get(stream).is_some_and(|position| position.parked);
        report.heals += healed.keys().filter(|stream| !parked(stream)).count() as u64;
        Ok(healed)
    }

    /// Folds a commit into the rows, if it is the next one of its stream. Gives whether the stream
    /// goes on; if it does not, the step says why. With `refused`, it is not tried any more.
    pub(crate) fn fold(
        &self,
        tables: &mut M::Tables,
        step: &mut Advance,
        delivery: &Delivery,
        refused: Option<&str>,
    ) -> bool {
        let version = delivery.version();
        if !step.applied.precedes(version) {
            let missing = step.applied.next();
            let error = format!("commit {missing} is neither delivered nor in the table");
            step.quarantined =
                Some(Quarantined { version: missing, error, payload: String::new() });
            return false;
        }
        if self.left_out.contains(&(step.stream.clone(), version)) {
            step.applied = version;
            return true;
        }
        let (error, payload) = match (delivery, refused) {
            (Delivery::Unreadable(commit), _) => (commit.error.clone(), commit.payload.clone()),
            (Delivery::Commit(commit), Some(refused)) => (refused.to_owned(), json(commit)),
            (Delivery::Commit(commit), None) => match self.model.evolve(tables, commit) {
                Ok(()) => {
                    step.applied = version;
                    step.recorded.push(commit.recorded_at);
                    return true;
                }
                Err(undecodable) => (undecodable.to_string(), json(commit)),
            },
        };
        step.quarantined = Some(Quarantined { version, error, payload });
        false
    }

    /// The second round trip: the rows, after the positions that the statement has so far. It is a
    /// transaction of its own.
    pub(crate) async fn write(
        &self,
        mut statement: Statement,
        mut tables: M::Tables,
    ) -> Result<(), ApplyError> {
        let written = |table: &str| self.only.as_ref().is_none_or(|only| only.contains(&table));
        statement.add::<M>(&mut tables, written)?;
        let followed = statement.run(&self.pool).await?;
        self.followed.store(followed, Ordering::Relaxed);
        Ok(())
    }
}

/// Whether a stream is taken for new. What was erased is folded anew, so that must be known.
pub(crate) fn begins(steps: &Steps) -> bool {
    steps.contains_key(&Version::NONE.next()) && !steps.values().any(Delivery::erases)
}

fn json(commit: &Commit) -> String {
    serde_json::to_string(commit).unwrap_or_else(|error| error.to_string())
}
