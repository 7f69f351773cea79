//! Order, skip, heal, park: what happens to a batch.

use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    ops::AddAssign,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use decider::{Commit, StreamId, Undecodable, Version};
use futures::{StreamExt, TryStreamExt};
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use tracing::{debug, error};

use crate::{
    ApplyError, Changes, Delivery, LoadPart, Statement, View,
    batch::{self, Batch},
    failure::{Meaning, meaning},
    position::{self, Advance, Position, PositionRow, Quarantined},
    statement::{FOLLOWED, load_arguments, load_statement},
};

/// How often a batch is tried again when others were faster, before the delivery is failed.
const ATTEMPTS: u32 = 20;

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

/// What became of a batch, in commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Applied now.
    pub applied: u64,
    /// Dropped, as they were applied before.
    pub duplicates: u64,
    /// Streams that were read again because something was missing.
    pub heals: u64,
    /// Quarantined now; their streams are parked.
    pub quarantined: u64,
    /// Left alone, as their stream is parked.
    pub queued: u64,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.applied += other.applied;
        self.duplicates += other.duplicates;
        self.heals += other.heals;
        self.quarantined += other.quarantined;
        self.queued += other.queued;
    }
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
    /// Whether there was a next generation to be written, too, when a batch was last read.
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

    /// Passes over these commits as if they were empty.
    pub(crate) fn leaving_out(mut self, commits: BTreeSet<(StreamId, Version)>) -> Self {
        self.left_out = commits;
        self
    }

    /// Whether the next generation is to be written, too, as of the last batch.
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
        let (batch, duplicates) = batch::sort(deliveries);
        let mut report = self.apply_or_split(batch).await?;
        report.duplicates += duplicates;
        Ok(report)
    }

    /// Poison takes nobody with it: a batch that the database refuses is halved until the commit
    /// that it refuses stands alone.
    async fn apply_or_split(&self, batch: Batch) -> Result<Report, ApplyError> {
        let mut report = Report::default();
        let mut open = vec![batch];
        while let Some(mut batch) = open.pop() {
            let refused = match self.apply_settled(&batch, None).await {
                Ok(applied) => {
                    report += applied;
                    continue;
                }
                Err(ApplyError::Database(refused)) if meaning(&refused) == Meaning::Poison => {
                    refused
                }
                Err(error) => return Err(error),
            };
            let middle = batch.keys().nth(batch.len() / 2).cloned();
            match middle {
                Some(middle) if batch.len() > 1 => {
                    open.push(batch.split_off(&middle));
                    open.push(batch);
                }
                _ => report += self.apply_one_by_one(batch, &refused).await?,
            }
        }
        Ok(report)
    }

    /// One stream whose commits the database refuses as a whole: as far as it goes, then park.
    async fn apply_one_by_one(
        &self,
        batch: Batch,
        refused: &sqlx::Error,
    ) -> Result<Report, ApplyError> {
        let mut report = Report::default();
        let (positions, _) = self.read(&batch).await?;
        let Some((stream, mut steps)) = batch.into_iter().next() else { return Ok(report) };
        let applied = positions.get(&stream).map_or(Version::NONE, |position| position.applied);
        let healed = self.source.read_after(&stream, applied).await;
        for delivery in healed.map_err(ApplyError::Source)? {
            steps.insert(delivery.version(), delivery);
        }
        for (version, delivery) in steps {
            let alone = Batch::from([(stream.clone(), [(version, delivery)].into())]);
            match self.apply_settled(&alone, None).await {
                Ok(applied) => report += applied,
                Err(ApplyError::Database(error)) if meaning(&error) == Meaning::Poison => {
                    report += self.apply_settled(&alone, Some(&error)).await?;
                    return Ok(report);
                }
                Err(error) => return Err(error),
            }
        }
        debug!(%stream, error = %refused, "refused together, accepted one by one");
        Ok(report)
    }

    /// Tries until no other projector is faster.
    async fn apply_settled(
        &self,
        batch: &Batch,
        refused: Option<&sqlx::Error>,
    ) -> Result<Report, ApplyError> {
        let mut attempt = 1;
        loop {
            match self.apply_once(batch, refused).await {
                Err(ApplyError::Database(error))
                    if meaning(&error) == Meaning::Contention && attempt < ATTEMPTS =>
                {
                    let pause = Duration::from_millis(2 << attempt.min(7));
                    tokio::time::sleep(pause.mul_f64(rand::random())).await;
                    attempt += 1;
                }
                settled => return settled,
            }
        }
    }

    /// Reads, folds, writes. With `refused`, the first commit of each stream is not folded but
    /// quarantined with that error.
    async fn apply_once(
        &self,
        batch: &Batch,
        refused: Option<&sqlx::Error>,
    ) -> Result<Report, ApplyError> {
        let (positions, mut tables) = self.read(batch).await?;
        let mut report = Report::default();
        let healed = self.heal(batch, &positions, &mut report).await?;
        let mut advances = Vec::new();
        for (stream, delivered) in batch {
            let position = positions.get(stream).cloned().unwrap_or_default();
            let known = delivered.len() as u64;
            if position.parked {
                report.queued += known;
                continue;
            }
            let commits = healed.get(stream).unwrap_or(delivered);
            report.duplicates +=
                delivered.keys().filter(|version| **version <= position.applied).count() as u64;
            let open = commits.range(position.applied.next()..).map(|(_, delivery)| delivery);
            let step = self.fold(&mut tables, stream, position.applied, open, refused);
            report.applied += step.applied.0 - step.prior.0;
            report.quarantined += u64::from(step.quarantined.is_some());
            if step.applied != step.prior || step.quarantined.is_some() {
                advances.push(step);
            }
        }
        self.write(&advances, tables).await?;
        for step in &advances {
            if let Some(Quarantined { version, error, .. }) = &step.quarantined {
                error!(stream = %step.stream, %version, error, "quarantined; the stream is parked");
            }
        }
        Ok(report)
    }

    /// The first round trip.
    async fn read(
        &self,
        batch: &Batch,
    ) -> Result<(HashMap<StreamId, Position>, M::Tables), ApplyError> {
        let arguments = load_arguments(&self.parts, batch.keys()).map_err(sqlx::Error::Encode)?;
        let sql = AssertSqlSafe(self.load.as_str());
        let rows = sqlx::query_with(sql, arguments).fetch_all(&self.pool).await?;
        let mut tables = M::Tables::default();
        let mut positions = HashMap::new();
        let mut each = M::each(&mut tables);
        let mut followed = false;
        for row in rows {
            let (part, json): (i32, &str) = (row.try_get("part")?, row.try_get("row")?);
            match usize::try_from(part) {
                Ok(part) => each[part].accept(json)?,
                Err(_) if part == FOLLOWED => followed = true,
                Err(_) => {
                    let row: PositionRow = serde_json::from_str(json)?;
                    positions.insert(row.stream, row.position);
                }
            }
        }
        drop(each);
        self.followed.store(followed, Ordering::Relaxed);
        Ok((positions, tables))
    }

    /// Streams whose next commit is not at hand, read from the source.
    async fn heal(
        &self,
        batch: &Batch,
        positions: &HashMap<StreamId, Position>,
        report: &mut Report,
    ) -> Result<Batch, ApplyError> {
        let gaps = batch.iter().filter_map(|(stream, delivered)| {
            let position = positions.get(stream).cloned().unwrap_or_default();
            let next = position.applied.next();
            let newest = *delivered.keys().next_back()?;
            let missing = (next.0..newest.0).any(|v| !delivered.contains_key(&Version(v)));
            (!position.parked && missing).then_some((stream, delivered, position.applied))
        });
        let reads = gaps.map(|(stream, delivered, applied)| async move {
            let mut commits = delivered.clone();
            let found = self.source.read_after(stream, applied).await;
            for delivery in found.map_err(ApplyError::Source)? {
                commits.insert(delivery.version(), delivery);
            }
            Ok::<_, ApplyError>((stream.clone(), commits))
        });
        let reads: Vec<_> = reads.collect();
        let healed: Batch =
            futures::stream::iter(reads).buffer_unordered(HEALS_AT_A_TIME).try_collect().await?;
        report.heals += healed.len() as u64;
        Ok(healed)
    }

    /// Folds the commits of one stream, as far as they follow each other.
    fn fold<'a>(
        &self,
        tables: &mut M::Tables,
        stream: &StreamId,
        prior: Version,
        open: impl Iterator<Item = &'a Delivery>,
        refused: Option<&sqlx::Error>,
    ) -> Advance {
        let mut step = Advance {
            stream: stream.clone(),
            prior,
            applied: prior,
            recorded_at: None,
            quarantined: None,
        };
        for delivery in open {
            let version = delivery.version();
            if !step.applied.precedes(version) {
                let missing = step.applied.next();
                let error = format!("commit {missing} is neither delivered nor in the table");
                step.quarantined =
                    Some(Quarantined { version: missing, error, payload: String::new() });
                break;
            }
            if self.left_out.contains(&(stream.clone(), version)) {
                step.applied = version;
                continue;
            }
            let (error, payload) = match (delivery, refused) {
                (Delivery::Unreadable(commit), _) => (commit.error.clone(), commit.payload.clone()),
                (Delivery::Commit(commit), Some(refused)) => (refused.to_string(), json(commit)),
                (Delivery::Commit(commit), None) => match self.model.evolve(tables, commit) {
                    Ok(()) => {
                        step.applied = version;
                        step.recorded_at = Some(commit.recorded_at);
                        continue;
                    }
                    Err(undecodable) => (undecodable.to_string(), json(commit)),
                },
            };
            step.quarantined = Some(Quarantined { version, error, payload });
            break;
        }
        step
    }

    /// The second round trip. The statement is a transaction of its own.
    async fn write(&self, advances: &[Advance], mut tables: M::Tables) -> Result<(), ApplyError> {
        if advances.is_empty() {
            return Ok(());
        }
        let mut statement = Statement::default();
        position::write(advances, &mut statement).map_err(sqlx::Error::Encode)?;
        let written = |table: &str| self.only.as_ref().is_none_or(|only| only.contains(&table));
        for table in M::each(&mut tables).into_iter().filter(|table| written(table.table())) {
            table.write(&mut statement).map_err(sqlx::Error::Encode)?;
        }
        Ok(statement.run(&self.pool).await?)
    }
}

fn json(commit: &Commit) -> String {
    serde_json::to_string(commit).unwrap_or_else(|error| error.to_string())
}
