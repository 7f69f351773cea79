//! The two statements of a batch, put together from what the tables contribute.

use std::collections::BTreeMap;

use decider::StreamId;
use sqlx::{
    Arguments, AssertSqlSafe, PgConnection, PgPool, error::BoxDynError, postgres::PgArguments,
};

use crate::{Column, Row, failure::is_of_the_session, position::Position};

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

/// What to bind to [`load_statement`].
pub(crate) fn load_arguments<'a>(
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

/// What every part but the first waits for: the positions are locked and have moved, as many of
/// them as that part's last argument says. So no row is touched before, and none where somebody
/// else was faster.
pub(crate) const ALL_MOVED: &str = "(select count(*) from moved) = $6";

/// The statement that writes a batch: one common table expression a table, over `unnest`.
#[derive(Debug, Default)]
pub struct Statement {
    parts: Vec<String>,
    arguments: PgArguments,
    /// Streams of which everything is written anew.
    anew: Vec<StreamId>,
}

impl Statement {
    /// A statement that writes all rows of these streams anew.
    pub(crate) fn anew(streams: Vec<StreamId>) -> Self {
        Self { anew: streams, ..Self::default() }
    }

    /// Adds rows that are not there.
    ///
    /// # Errors
    /// What sqlx says of a value that it cannot encode.
    pub fn insert<R: Row>(&mut self, rows: &[&R]) -> Result<(), BoxDynError> {
        let cleared = self.clear::<R>()?;
        if rows.is_empty() {
            return Ok(());
        }
        let select = self.unnest_rows(rows)?;
        let (table, all) = (R::TABLE, names(&[R::KEY, R::REST].concat()));
        self.parts.push(format!("insert into {table} ({all}) {select} where {ALL_MOVED}{cleared}"));
        Ok(())
    }

    /// Empties a table that is only ever added to of the streams that are written anew. Gives what
    /// an insert must wait for: parts of one statement run in any order, and a key is free only
    /// when its row is gone.
    fn clear<R: Row>(&mut self) -> Result<String, BoxDynError> {
        if R::LOADED || self.anew.is_empty() {
            return Ok(String::new());
        }
        self.arguments.add(owners::<R>(&self.anew))?;
        let (table, Column { name, sql_type }) = (R::TABLE, R::OWNER);
        let streams = self.arguments.len();
        self.parts.push(format!(
            "delete from {table} where {name} = any(${streams}::text[]::{sql_type}[]) \
             and {ALL_MOVED} returning 1"
        ));
        Ok(format!(" and (select count(*) from part_{}) >= 0", self.parts.len() - 1))
    }

    /// Changes rows that are there.
    ///
    /// # Errors
    /// What sqlx says of a value that it cannot encode.
    pub fn update<R: Row>(&mut self, rows: &[&R]) -> Result<(), BoxDynError> {
        if rows.is_empty() || R::REST.is_empty() {
            return Ok(());
        }
        let select = self.unnest_rows(rows)?;
        let changes = R::REST.iter().map(|c| format!("{0} = now.{0}", c.name));
        let (table, changes) = (R::TABLE, changes.collect::<Vec<_>>().join(", "));
        let same = same_key::<R>("now");
        self.parts.push(format!(
            "update {table} t set {changes} from ({select}) now where {same} and {ALL_MOVED}"
        ));
        Ok(())
    }

    /// Deletes rows by key.
    ///
    /// # Errors
    /// What sqlx says of a value that it cannot encode.
    pub fn delete<R: Row>(&mut self, rows: &[&R]) -> Result<(), BoxDynError> {
        if rows.is_empty() {
            return Ok(());
        }
        let select = unnest(&[R::KEY], self.arguments.len() + 1);
        R::bind_key(rows, &mut self.arguments)?;
        let same = same_key::<R>("gone");
        let table = R::TABLE;
        self.parts.push(format!(
            "delete from {table} t using ({select}) gone where {same} and {ALL_MOVED}"
        ));
        Ok(())
    }

    /// Binds whole rows; gives the `select` over them.
    fn unnest_rows<R: Row>(&mut self, rows: &[&R]) -> Result<String, BoxDynError> {
        let select = unnest(&[R::KEY, R::REST], self.arguments.len() + 1);
        R::bind_key(rows, &mut self.arguments)?;
        R::bind_rest(rows, &mut self.arguments)?;
        Ok(select)
    }

    /// Any other part; `sql` is made with the place of the first argument that `bind` adds.
    ///
    /// # Errors
    /// What `bind` says.
    pub fn part(
        &mut self,
        sql: impl FnOnce(usize) -> String,
        bind: impl FnOnce(&mut PgArguments) -> Result<(), BoxDynError>,
    ) -> Result<(), BoxDynError> {
        self.parts.push(sql(self.arguments.len() + 1));
        bind(&mut self.arguments)
    }

    /// Runs the whole. It is a transaction of its own. A session that cannot write is closed: the
    /// next one may be with a server that can. Gives whether there is a next generation, too.
    pub(crate) async fn run(self, pool: &PgPool) -> sqlx::Result<bool> {
        let mut connection = pool.acquire().await?;
        let result = self.run_on(&mut connection).await;
        if result.as_ref().is_err_and(is_of_the_session) {
            connection.close_on_drop();
        }
        result
    }

    /// As [`Self::run`], as part of what the connection is at.
    pub(crate) async fn run_on(self, connection: &mut PgConnection) -> sqlx::Result<bool> {
        let (sql, arguments) = self.finish();
        sqlx::query_scalar_with(AssertSqlSafe(sql), arguments).fetch_one(connection).await
    }

    /// The whole, with `moved` first and the check that it moved all positions that it should.
    fn finish(self) -> (String, PgArguments) {
        let mut sql = String::from("with ");
        for (index, part) in self.parts.iter().enumerate() {
            let name = if index == 0 { "moved".to_owned() } else { format!("part_{index}") };
            sql.push_str(&format!("{name} as ({part}), "));
        }
        sql.truncate(sql.len() - 2);
        sql.push_str(
            " select exists (select from rebuild where followed) \
             from expect_moved((select count(*) from moved), $6)",
        );
        (sql, self.arguments)
    }
}

/// `select` over arrays that are bound from place `first` on, each cast to its column's type.
///
/// The arrays are unnested in the target list, where a row is made at a time: in the `from`, each
/// array is first written to a store of its own.
pub(crate) fn unnest(columns: &[&[Column]], first: usize) -> String {
    let columns = columns.concat();
    let places = first..;
    let each = places
        .zip(&columns)
        .map(|(place, c)| format!("unnest(${place})::{1} as {0}", c.name, c.sql_type));
    format!("select {}", each.collect::<Vec<_>>().join(", "))
}

/// What the column that names the owning stream holds of these streams; of some there is nothing.
pub(crate) fn owners<R: Row>(streams: &[StreamId]) -> Vec<&str> {
    let owners = streams.iter().filter_map(|stream| match R::CATEGORY {
        None => Some(stream.as_str()),
        Some(category) if category == stream.category() => {
            Some(stream.id()).filter(|id| R::OWNER.can_hold(id))
        }
        Some(_) => None,
    });
    owners.collect()
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// That a row of the table, `t`, has the key of the one in `other`.
fn same_key<R: Row>(other: &str) -> String {
    let same = R::KEY.iter().map(|c| format!("t.{0} = {other}.{0}", c.name));
    same.collect::<Vec<_>>().join(" and ")
}
