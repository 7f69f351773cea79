//! All streams and all tallies.
//!
//! A tally is what all streams counted, and no two batches are read at the same moment. So one
//! snapshot at the start keeps the tallies (in memory, bounded by their keys) and the position of
//! each stream (in a temporary table, in the database). Each stream is then folded up to that
//! position for the tallies, and on to where it is by then for its rows. No snapshot is held for
//! longer than a batch, so that nothing that the projector leaves behind piles up meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use decider::Version;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, pool::PoolConnection};

use super::{
    Checked, Difference, Mismatch, STREAMS_AT_A_TIME, Start, Streams, Verifier,
    difference::{self, RowPair},
    named, tallies,
};
use crate::{ApplyError, CommitSource, ReadModel, Tally};

/// A comparison of the whole read model, batch by batch.
#[derive(Debug)]
pub struct FullRun<'a, M, S> {
    verifier: &'a Verifier<M, S>,
    connection: PoolConnection<Postgres>,
    streams: u64,
    /// The last stream that was looked at.
    after: String,
    /// What the tables said at the start.
    found: Vec<BTreeMap<String, i64>>,
    /// What the streams counted until then.
    counted: Vec<Tally>,
    /// Whether all streams could be folded so far.
    whole: bool,
    done: bool,
}

impl<'a, M: ReadModel, S: CommitSource> FullRun<'a, M, S> {
    pub(super) async fn start(verifier: &'a Verifier<M, S>) -> Result<Self, ApplyError> {
        let mut connection = verifier.pool.acquire().await?;
        connection.close_on_drop(); // and the temporary table with it
        let counted = tallies::<M>(&mut M::Tables::default());
        let mut snapshot = connection.begin_with("begin isolation level repeatable read").await?;
        sqlx::query(
            "create temporary table position_at_start \
             (stream text primary key, applied bigint not null, refolds bigint not null)",
        )
        .execute(&mut *snapshot)
        .await?;
        let positions =
            "insert into position_at_start select stream, applied, refolds from position";
        let streams = sqlx::query(positions).execute(&mut *snapshot).await?.rows_affected();
        let mut found = Vec::new();
        for tally in &counted {
            found.push(stored(&mut snapshot, tally).await?);
        }
        snapshot.commit().await?;
        sqlx::query("analyze position_at_start").execute(&mut *connection).await?;
        let after = String::new();
        Ok(Self { verifier, connection, streams, after, found, counted, whole: true, done: false })
    }

    /// How many streams there are to look at; ones that begin later are left out.
    #[must_use]
    pub fn streams(&self) -> u64 {
        self.streams
    }

    /// What the next batch of streams came to; the tallies and the rows of unknown streams come
    /// last, and then nothing more.
    ///
    /// # Errors
    /// [`ApplyError`] when the event table or the database does not answer; the same batch can be
    /// asked for again while the connection holds.
    pub async fn next(&mut self) -> Result<Option<Checked>, ApplyError> {
        if self.done {
            return Ok(None);
        }
        let (batch, last) = self.batch().await?;
        if batch.is_empty() {
            let mut checked = self.tallies();
            checked.differences.extend(self.strays().await?);
            self.done = true;
            return Ok(Some(checked));
        }
        let (checked, counted) = self.verifier.check(&mut self.connection, &batch).await?;
        for (sum, counted) in self.counted.iter_mut().zip(&counted) {
            sum.absorb(counted);
        }
        self.whole &= checked.unfolded.is_empty()
            && checked.absent_streams == 0
            && checked.rewritten_streams == 0;
        self.after = last;
        Ok(Some(checked))
    }

    /// The next streams, with the last one's name.
    async fn batch(&mut self) -> Result<(Streams, String), ApplyError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "select stream, applied, refolds from position_at_start \
             where stream > $1 order by stream limit $2",
        )
        .bind(&self.after)
        .bind(i64::try_from(STREAMS_AT_A_TIME).unwrap_or(i64::MAX))
        .fetch_all(&mut *self.connection)
        .await?;
        let last = rows.last().map(|(stream, _, _)| stream.clone()).unwrap_or_default();
        let streams = rows.into_iter().map(|(stream, applied, refolds)| {
            let start = Start { applied: Version(applied.unsigned_abs()), refolds };
            Ok::<_, ApplyError>((named(stream)?, Some(start)))
        });
        Ok((streams.collect::<Result<_, _>>()?, last))
    }

    fn tallies(&self) -> Checked {
        let mut checked = Checked::default();
        if !self.whole {
            return checked;
        }
        for (counted, found) in self.counted.iter().zip(&self.found) {
            let expected = counted.counted();
            let keys: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
            checked.tally_keys += keys.len() as u64;
            let differing = keys.into_iter().filter_map(|key| {
                difference(counted, key, expected.get(key).copied(), found.get(key).copied())
            });
            checked.differences.extend(differing);
        }
        checked
    }

    /// Rows of streams without a position. One statement is one snapshot.
    async fn strays(&mut self) -> Result<Vec<Difference>, ApplyError> {
        let mut tables = M::Tables::default();
        let parts: Vec<_> =
            M::each(&mut tables).into_iter().filter_map(|table| table.strays()).collect();
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let sql = AssertSqlSafe(parts.join(" union all "));
        let rows: Vec<RowPair> = sqlx::query_as(sql).fetch_all(&mut *self.connection).await?;
        Ok(difference::of_rows(rows)?)
    }
}

/// What a tally's tables say.
async fn stored(
    snapshot: &mut PgConnection,
    tally: &Tally,
) -> Result<BTreeMap<String, i64>, ApplyError> {
    let sql = AssertSqlSafe(tally.counts("public"));
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(snapshot).await?;
    Ok(rows.into_iter().collect())
}

/// One key of a tally. One that counts nothing may have a row or not.
fn difference(
    tally: &Tally,
    key: &str,
    expected: Option<i64>,
    found: Option<i64>,
) -> Option<Difference> {
    if expected.unwrap_or(0) == found.unwrap_or(0) {
        return None;
    }
    let [table, key_name, count] = tally.names();
    let named = format!("\"{key_name}\": {}", serde_json::Value::from(key));
    let row = |counted: i64| format!("{{{named}, \"{count}\": {counted}}}");
    let mismatch = match (expected, found) {
        (Some(expected), None) => Mismatch::Missing { expected: row(expected) },
        (None, Some(found)) => Mismatch::Surplus { found: row(found) },
        (Some(expected), Some(found)) => Mismatch::Column {
            column: count.to_owned(),
            expected: expected.to_string(),
            found: found.to_string(),
        },
        (None, None) => return None,
    };
    let (table, key) = (table.to_owned(), format!("{{{named}}}"));
    Some(Difference { table, key, stream: None, mismatch })
}
