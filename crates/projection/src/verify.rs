//! The read model proved: streams folded anew, and compared with every row and column.
//!
//! It runs beside live traffic and raises no false alarm. The positions and the rows of a batch
//! are read in one snapshot. The event table is read in between, so it has every commit that the
//! positions speak of; what it has beyond them is left out of the fold. The rows are compared in
//! the database, through the same casts as they were written, so that no difference between
//! Rust's and Postgres's idea of a value is taken for one between the rows.

mod comparison;
mod difference;
mod full_run;
mod history;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

pub use comparison::Comparison;
use decider::{StreamId, Version};
pub use difference::{Checked, Difference, Mismatch, Unfolded};
pub use full_run::FullRun;
use history::{Found, History};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::{ApplyError, CommitSource, ReadModel, Tally};

/// How many streams are compared in one statement.
const STREAMS_AT_A_TIME: usize = 200;

/// How long a redaction or a removal takes from the event table to the rows, when nothing is wrong.
const SETTLES_WITHIN: Duration = Duration::from_secs(1);

/// One snapshot for all that is read in the transaction.
const SNAPSHOT: &str = "begin isolation level repeatable read read only";

/// Compares the rows of a read model with its commits. It changes neither.
#[derive(Clone, Debug)]
pub struct Verifier<M, S> {
    pool: PgPool,
    model: M,
    source: S,
}

/// Streams, each with where it was when the tallies were read, if they were.
type Streams = BTreeMap<StreamId, Option<Start>>;

/// Where a stream was when the tallies were read.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// Up to there its commits count.
    applied: Version,
    /// How often it had been folded anew.
    refolds: i64,
}

impl<M: ReadModel, S: CommitSource> Verifier<M, S> {
    /// A verifier of the rows of `model` behind `pool`, against the commits in `source`.
    pub fn new(pool: PgPool, model: M, source: S) -> Self {
        Self { pool, model, source }
    }

    /// Compares all rows of these streams. Tallies are left out: many streams feed them, so that
    /// only [`Self::all`] can tell.
    ///
    /// # Errors
    /// [`ApplyError`] when the event table or the database does not answer.
    pub async fn verify(&self, streams: &[StreamId]) -> Result<Checked, ApplyError> {
        let mut connection = self.pool.acquire().await?;
        let mut checked = Checked::default();
        for streams in streams.chunks(STREAMS_AT_A_TIME) {
            let each = streams.iter().cloned().map(|stream| (stream, None));
            checked += self.check(&mut connection, &each.collect()).await?.0;
        }
        Ok(checked)
    }

    /// Compares all streams, then the tallies, then looks for rows of streams that nobody knows.
    ///
    /// # Errors
    /// [`ApplyError`] when the database does not answer.
    pub async fn all(&self) -> Result<FullRun<'_, M, S>, ApplyError> {
        FullRun::start(self).await
    }

    /// At most `count` streams that have a position, at random.
    ///
    /// # Errors
    /// [`ApplyError`] when the database does not answer.
    pub async fn sample(&self, count: u64) -> Result<Vec<StreamId>, ApplyError> {
        let sql = "select stream from position order by random() limit $1";
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let streams: Vec<String> =
            sqlx::query_scalar(sql).bind(count).fetch_all(&self.pool).await?;
        streams.into_iter().map(named).collect()
    }

    /// One batch; gives what its streams counted for the tallies, too.
    ///
    /// A redaction or a removal is in the event table before it is in the rows, and no version
    /// tells. So what seems wrong is looked at again, when that had its time.
    async fn check(
        &self,
        connection: &mut PgConnection,
        streams: &Streams,
    ) -> Result<(Checked, Vec<Tally>), ApplyError> {
        let (mut checked, counted, doubtful) = self.look(connection, streams).await?;
        if !doubtful.is_empty() {
            tokio::time::sleep(SETTLES_WITHIN).await;
            let doubtful = streams.iter().filter(|(stream, _)| doubtful.contains(stream.as_str()));
            let doubtful = doubtful.map(|(stream, start)| (stream.clone(), *start)).collect();
            let (again, _, _) = self.look(connection, &doubtful).await?;
            checked.absent_streams = again.absent_streams;
            checked.rewritten_streams += again.rewritten_streams;
            checked.unfolded = again.unfolded;
            checked.differences = again.differences;
        }
        Ok((checked, counted))
    }

    /// One batch, looked at once; gives the streams with which something seems to be wrong, too.
    async fn look(
        &self,
        connection: &mut PgConnection,
        streams: &Streams,
    ) -> Result<(Checked, Vec<Tally>, BTreeSet<String>), ApplyError> {
        let mut snapshot = connection.begin_with(SNAPSHOT).await?;
        let places = history::places(&mut snapshot, streams).await?;
        let mut checked = Checked { streams: places.len() as u64, ..Checked::default() };
        let (mut histories, mut doubtful) = (Vec::new(), BTreeSet::new());
        let mut being_erased = BTreeSet::new();
        for found in history::read(&self.source, places).await? {
            checked.lagging_streams += u64::from(found.is_behind());
            checked.parked_streams += u64::from(found.place.parked);
            checked.rewritten_streams += u64::from(found.place.rewritten);
            let stream = found.place.stream.to_string();
            if found.is_being_erased() {
                being_erased.insert(stream.clone());
            }
            match found.into_history() {
                Found::Whole(history) => histories.push(history),
                Found::Nothing => {
                    checked.absent_streams += 1;
                    doubtful.insert(stream);
                }
                Found::Broken(unfolded) => checked.unfolded.push(unfolded),
            }
        }
        let (mut tables, counted) = loop {
            match self.fold(&histories) {
                Ok(folded) => break folded,
                Err((place, unfolded)) => {
                    histories.remove(place);
                    checked.unfolded.push(unfolded);
                }
            }
        };
        checked.commits = histories.iter().map(|history| history.commits.len() as u64).sum();
        checked.differences = compare::<M>(&mut snapshot, &histories, &mut tables).await?;
        snapshot.rollback().await?;
        let settled = |stream: &String| !being_erased.contains(stream);
        checked.differences.retain(|found| found.stream.as_ref().is_none_or(settled));
        doubtful.extend(checked.unfolded.iter().map(|unfolded| unfolded.stream.to_string()));
        doubtful.extend(checked.differences.iter().filter_map(|found| found.stream.clone()));
        Ok((checked, counted, doubtful))
    }

    /// Folds histories into fresh tables; on the way, what they counted up to where the tallies
    /// were read. A history that this build cannot read fails, with its place among them.
    fn fold(&self, histories: &[History]) -> Result<(M::Tables, Vec<Tally>), (usize, Unfolded)> {
        let mut tables = M::Tables::default();
        let evolve = |tables: &mut M::Tables, counts: bool| {
            for (place, history) in histories.iter().enumerate() {
                let (counted, since) = history.split();
                for commit in if counts { counted } else { since } {
                    self.model.evolve(tables, commit).map_err(|undecodable| {
                        let (stream, why) = (commit.stream.clone(), undecodable.to_string());
                        (place, Unfolded { stream, version: commit.version, why })
                    })?;
                }
            }
            Ok(())
        };
        evolve(&mut tables, true)?;
        M::count(&mut tables);
        let counted = tallies::<M>(&mut tables);
        evolve(&mut tables, false)?;
        Ok((tables, counted))
    }
}

/// Compares the rows of these histories with the ones that the tables have.
async fn compare<M: ReadModel>(
    snapshot: &mut PgConnection,
    histories: &[History],
    tables: &mut M::Tables,
) -> Result<Vec<Difference>, ApplyError> {
    let mut comparison = Comparison::of(histories.iter().map(|history| &history.stream));
    for table in M::each(tables) {
        table.compare(&mut comparison).map_err(sqlx::Error::Encode)?;
    }
    let Some((sql, arguments)) = comparison.finish() else { return Ok(Vec::new()) };
    let sql = AssertSqlSafe(sql);
    let rows = sqlx::query_as_with(sql, arguments).fetch_all(snapshot).await?;
    Ok(difference::of_rows(rows)?)
}

/// The tallies among the tables, as they are.
fn tallies<M: ReadModel>(tables: &mut M::Tables) -> Vec<Tally> {
    M::each(tables).into_iter().filter_map(|table| table.tally().cloned()).collect()
}

/// A stream, by the name that a position has.
fn named(stream: String) -> Result<StreamId, ApplyError> {
    stream.try_into().map_err(|bad: decider::BadStreamId| sqlx::Error::Decode(bad.into()).into())
}
