//! Rows that the previous generation must not keep.

use std::collections::HashSet;

use decider::{StreamId, Version};
use sqlx::{Connection, Executor, PgConnection};

use super::PREVIOUS;
use crate::{
    ApplyError, Changes, ReadModel, Statement,
    load::{load, load_statement},
    position::{self, Advance},
};

/// Takes streams out of the previous generation, if there is one: their rows, what those count, and
/// the positions back to before the first commit. So on the way back they are read again.
///
/// # Errors
/// Contention, when somebody else was at them; [`is_replaced`]; or the database is away.
pub(crate) async fn forget<M: ReadModel>(
    connection: &mut PgConnection,
    streams: &[StreamId],
) -> Result<(), ApplyError> {
    let mut there: HashSet<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = $1")
            .bind(PREVIOUS)
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .collect();
    if !there.contains("position") || streams.is_empty() {
        return Ok(());
    }
    // A build that let no counts wait has made it: ours would take those of the live table.
    for table in M::each(&mut M::Tables::default()) {
        if table.tally().is_some() && !there.contains(&format!("{}_waiting", table.table())) {
            there.remove(table.table());
        }
    }
    let mut transaction = connection.begin().await?;
    // Names that this schema lacks resolve to the live tables, so it must not go meanwhile: who
    // drops or renames it waits for this lock, and this for them.
    transaction.execute("lock table previous_generation.position in row exclusive mode").await?;
    transaction.execute("set local search_path = previous_generation, public").await?;
    let written = |table: &str| there.contains(table);
    let mut tables = M::Tables::default();
    let parts = M::each(&mut tables).into_iter();
    let parts: Vec<_> =
        parts.map(|table| written(table.table()).then(|| table.load()).flatten()).collect();
    let parts = (load_statement(&parts), parts);
    let read = load::<M>(&mut *transaction, (&parts.0, &parts.1), streams.iter()).await?;
    let (positions, mut tables) = read;
    let kept = positions.iter().filter(|(_, position)| !position.removed);
    let steps = kept.map(|(stream, position)| Advance {
        applied: Version::NONE,
        ..Advance::from(stream, position)
    });
    let steps: Vec<_> = steps.collect();
    if !steps.is_empty() {
        M::each(&mut tables).into_iter().for_each(Changes::clear);
        let mut statement = Statement::anew(steps.iter().map(|step| step.stream.clone()).collect());
        position::forget(&steps, &mut statement).map_err(sqlx::Error::Encode)?;
        statement.add::<M>(&mut tables, written)?;
        statement.run_on(&mut transaction).await?;
    }
    // What comes after this in a transaction around it means the live tables again.
    transaction.execute("set local search_path to default").await?;
    Ok(transaction.commit().await?)
}

/// undefined_table, or invalid_schema_name: a swap has just replaced the previous generation, or a
/// rollback has recalled it.
pub(crate) fn is_replaced(error: &ApplyError) -> bool {
    let ApplyError::Database(sqlx::Error::Database(error)) = error else { return false };
    matches!(error.code().as_deref(), Some("42P01" | "3F000"))
}
