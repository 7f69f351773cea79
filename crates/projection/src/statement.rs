//! The statement that writes a batch, put together from what the tables contribute.

use decider::StreamId;
use sqlx::{
    Arguments, AssertSqlSafe, PgConnection, PgPool, error::BoxDynError, postgres::PgArguments,
};

use crate::{Column, ReadModel, Row, failure::is_of_the_session};

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
        Ok(format!(" and (select count(*) from {}) >= 0", part_name(self.parts.len() - 1)))
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

    /// Any other part; `sql` is made with the place of the first argument that `bind` adds. Gives
    /// the name by which later parts ask for what it returns.
    ///
    /// # Errors
    /// What `bind` says.
    pub fn part(
        &mut self,
        sql: impl FnOnce(usize) -> String,
        bind: impl FnOnce(&mut PgArguments) -> Result<(), BoxDynError>,
    ) -> Result<String, BoxDynError> {
        self.parts.push(sql(self.arguments.len() + 1));
        bind(&mut self.arguments)?;
        Ok(part_name(self.parts.len() - 1))
    }

    /// Adds what changed in the tables, of those that `written` names.
    pub(crate) fn add<M: ReadModel>(
        &mut self,
        tables: &mut M::Tables,
        written: impl Fn(&str) -> bool,
    ) -> sqlx::Result<()> {
        M::count(tables);
        let mut each = M::each(tables);
        each.retain(|table| written(table.table()));
        // The parts that nothing waits for run from the last to the first. The counts are what
        // other projectors wait for: first in the statement, they are locked for the shortest time.
        each.sort_by_key(|table| table.tally().is_none());
        each.into_iter().try_for_each(|table| table.write(self)).map_err(sqlx::Error::Encode)
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
            sql.push_str(&format!("{} as ({part}), ", part_name(index)));
        }
        sql.truncate(sql.len() - 2);
        sql.push_str(
            " select exists (select from rebuild where followed) \
             from expect_moved((select count(*) from moved), $6)",
        );
        (sql, self.arguments)
    }
}

/// The first part moves the positions.
fn part_name(index: usize) -> String {
    if index == 0 { "moved".to_owned() } else { format!("part_{index}") }
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
