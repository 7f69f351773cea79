//! The statement that reads a batch, put together from what the tables contribute.

use std::collections::{BTreeMap, HashMap};

use decider::StreamId;
use sqlx::{
    Arguments, AssertSqlSafe, PgExecutor, Row as _, error::BoxDynError, postgres::PgArguments,
};

use crate::{
    ApplyError, Changes, Column, ReadModel,
    position::{Position, PositionRow},
};

/// One table's part in reading a batch.
#[derive(Clone, Copy, Debug)]
pub struct LoadPart {
    /// The category of the streams that own its rows, if it is one.
    pub category: Option<&'static str>,
    /// The table.
    pub table: &'static str,
    /// The column that names the owning stream: by its id, or in whole where there is no category.
    pub owner: Column,
    /// The columns to read.
    pub columns: [&'static [Column]; 2],
}

/// The statement that reads positions and rows: `$1` are streams, then ids by category.
/// It answers with pairs: the place of the table in `parts`, or -1 for positions, and a row as
/// JSON.
///
/// Each id is looked up by itself, `offset 0` keeps it so: given all at once to a table that grows
/// and was not analyzed lately, the planner reads the whole of it.
pub(crate) fn load_statement(parts: &[Option<LoadPart>]) -> String {
    let mut sql = String::from(
        "select -1 as part, row_to_json(r)::text as row \
         from unnest($1::text[]) as owner(id) cross join lateral (select ",
    );
    sql.push_str(Position::COLUMNS);
    sql.push_str(" from position where stream = owner.id offset 0) r");
    let categories = categories(parts);
    for (index, part) in parts.iter().enumerate() {
        let Some(part) = part else { continue };
        let parameter = part.category.map_or(1, |category| categories[category] + 2);
        let columns = part.columns.concat().iter().map(|c| c.name).collect::<Vec<_>>().join(", ");
        let (table, Column { name, sql_type }) = (part.table, part.owner);
        sql.push_str(&format!(
            " union all select {index}, row_to_json(r)::text \
             from unnest(${parameter}::text[]) as owner(id) cross join lateral (\
             select {columns} from {table} where {name} = owner.id::{sql_type} offset 0) r",
        ));
    }
    sql
}

/// Reads positions and rows of these streams, by [`load_statement`] of these parts.
pub(crate) async fn load<'a, M: ReadModel>(
    from: impl PgExecutor<'_>,
    (sql, parts): (&str, &[Option<LoadPart>]),
    streams: impl Iterator<Item = &'a StreamId> + Clone,
) -> Result<(HashMap<StreamId, Position>, M::Tables), ApplyError> {
    let arguments = load_arguments(parts, streams).map_err(sqlx::Error::Encode)?;
    let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(from).await?;
    let mut tables = M::Tables::default();
    let mut positions = HashMap::new();
    let mut each = M::each(&mut tables);
    for row in rows {
        let (part, json): (i32, &str) = (row.try_get("part")?, row.try_get("row")?);
        match usize::try_from(part) {
            Ok(part) => each[part].accept(json)?,
            Err(_) => {
                let row: PositionRow = serde_json::from_str(json)?;
                positions.insert(row.stream, row.position);
            }
        }
    }
    drop(each);
    M::count(&mut tables);
    M::each(&mut tables).into_iter().for_each(Changes::loaded);
    Ok((positions, tables))
}

/// What to bind to [`load_statement`].
fn load_arguments<'a>(
    parts: &[Option<LoadPart>],
    streams: impl Iterator<Item = &'a StreamId> + Clone,
) -> Result<PgArguments, BoxDynError> {
    let mut arguments = PgArguments::default();
    arguments.add(streams.clone().map(StreamId::as_str).collect::<Vec<_>>())?;
    for category in in_order(&categories(parts)) {
        let of_category = parts.iter().flatten().filter(|part| part.category == Some(category));
        let owners: Vec<Column> = of_category.map(|part| part.owner).collect();
        let ids = streams.clone().filter(|stream| stream.category() == category).map(StreamId::id);
        let ids = ids.filter(|id| owners.iter().all(|owner| owner.can_hold(id)));
        arguments.add(ids.collect::<Vec<_>>())?;
    }
    Ok(arguments)
}

fn categories(parts: &[Option<LoadPart>]) -> BTreeMap<&'static str, usize> {
    let mut categories = BTreeMap::new();
    for category in parts.iter().flatten().filter_map(|part| part.category) {
        let next = categories.len();
        categories.entry(category).or_insert(next);
    }
    categories
}

fn in_order(categories: &BTreeMap<&'static str, usize>) -> Vec<&'static str> {
    let mut names: Vec<_> = categories.iter().map(|(name, place)| (*place, *name)).collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name).collect()
}
