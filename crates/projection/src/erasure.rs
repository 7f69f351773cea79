//! Streams of which what is personal is no more.
//!
//! A fold cannot take back what earlier commits left in rows that only grow, such as an audit
//! trail. So a commit that erases is not folded on top of the rows: its whole stream is read again,
//! from a source that reveals nothing of it any more, and replaces all of its rows, together with
//! its position. Whatever brings such a commit, a delivery, a heal, a sweep or a rebuild, comes
//! through here, as the position does not pass it otherwise.

use decider::StreamId;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{ApplyError, CommitSource, Engine, ReadModel, Report, rebuild::PREVIOUS};

impl<M: ReadModel, S: CommitSource> Engine<M, S> {
    /// Folds a stream anew that has just been erased, and takes its rows out of the generation
    /// before this one, where nobody would fold it.
    ///
    /// # Errors
    /// [`ApplyError`], and then the position is where it was: what brought the commit comes again.
    pub(crate) async fn erase(&self, stream: StreamId) -> Result<Report, ApplyError> {
        self.leave_the_previous_generation(&stream).await?;
        // On the heap: it is part of what it is called by.
        Box::pin(self.refold([stream])).await
    }

    /// On the way back, these streams are folded anew: their position there has fewer refolds.
    async fn leave_the_previous_generation(&self, stream: &StreamId) -> Result<(), ApplyError> {
        let there = sqlx::query("select tablename from pg_tables where schemaname = $1")
            .bind(PREVIOUS)
            .fetch_all(self.pool())
            .await?;
        let there: Vec<String> =
            there.into_iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let mut tables = M::Tables::default();
        for table in M::each(&mut tables) {
            let Some(owner) = table.owner() else { continue };
            let id = match owner.category {
                None => stream.as_str(),
                Some(category) if category == stream.category() => stream.id(),
                Some(_) => continue,
            };
            if there.iter().any(|name| name == table.table()) && owner.column.can_hold(id) {
                let (table, column) = (table.table(), owner.column);
                let sql = format!(
                    "delete from {PREVIOUS}.{table} where {} = $1::{}",
                    column.name, column.sql_type
                );
                sqlx::query(AssertSqlSafe(sql)).bind(id).execute(self.pool()).await?;
            }
        }
        Ok(())
    }
}
