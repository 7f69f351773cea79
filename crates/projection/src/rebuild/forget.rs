//! Rows that the previous generation must not keep.

use std::collections::HashSet;

use decider::{StreamId, Version};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row as _};

use super::PREVIOUS;
use crate::{
    ApplyError, Changes, ReadModel, Statement,
    position::{self, Advance, PositionRow},
    statement::{load_arguments, load_statement},
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
    let there: HashSet<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = $1")
            .bind(PREVIOUS)
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .collect();
    if !there.contains("position") || streams.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    // Names that this schema lacks resolve to the live tables, so it must not go meanwhile: who
    // drops or renames it waits for this lock, and this for them.
    transaction.execute("lock table previous_generation.position in row exclusive mode").await?;
    transaction.execute("set local search_path = previous_generation, public").await?;
    let mut tables = M::Tables::default();
    let steps = read::<M>(&mut transaction, &mut tables, (streams, &there)).await?;
    if !steps.is_empty() {
        M::each(&mut tables).into_iter().for_each(Changes::clear);
        M::count(&mut tables);
        let mut statement = Statement::anew(steps.iter().map(|step| step.stream.clone()).collect());
        position::forget(&steps, &mut statement).map_err(sqlx::Error::Encode)?;
        let mut each = M::each(&mut tables);
        each.retain(|table| there.contains(table.table()));
        for table in each {
            table.write(&mut statement).map_err(sqlx::Error::Encode)?;
        }
        statement.run_on(&mut transaction).await?;
    }
    // What comes after this in a transaction around it means the live tables again.
    transaction.execute("set local search_path to default").await?;
    Ok(transaction.commit().await?)
}

/// Reads the rows of these streams; gives for each that has a position the step to before its
/// beginning.
async fn read<M: ReadModel>(
    connection: &mut PgConnection,
    tables: &mut M::Tables,
    (streams, there): (&[StreamId], &HashSet<String>),
) -> Result<Vec<Advance>, ApplyError> {
    let mut each = M::each(tables);
    let part =
        |table: &&mut dyn Changes| there.contains(table.table()).then(|| table.load()).flatten();
    let parts: Vec<_> = each.iter().map(part).collect();
    let arguments = load_arguments(&parts, streams.iter()).map_err(sqlx::Error::Encode)?;
    let sql = AssertSqlSafe(load_statement(&parts));
    let mut steps = Vec::new();
    for row in sqlx::query_with(sql, arguments).fetch_all(connection).await? {
        let (part, json): (i32, &str) = (row.try_get("part")?, row.try_get("row")?);
        match usize::try_from(part) {
            Ok(part) => each[part].accept(json)?,
            Err(_) => {
                let PositionRow { stream, position } = serde_json::from_str(json)?;
                if !position.removed {
                    let step = Advance::from(&stream, &position);
                    steps.push(Advance { applied: Version::NONE, ..step });
                }
            }
        }
    }
    drop(each);
    M::count(tables);
    M::each(tables).into_iter().for_each(Changes::loaded);
    Ok(steps)
}

/// undefined_table, or invalid_schema_name: a swap has just replaced the previous generation, or a
/// rollback has recalled it.
pub(crate) fn is_replaced(error: &ApplyError) -> bool {
    let ApplyError::Database(sqlx::Error::Database(error)) = error else { return false };
    matches!(error.code().as_deref(), Some("42P01" | "3F000"))
}
