//! The statement that compares a batch: one full join a table.

use decider::StreamId;
use sqlx::{Arguments, error::BoxDynError, postgres::PgArguments};

use crate::{
    Column, Row,
    statement::{owners, unnest},
};

/// Rows as they were folded, to be compared with the ones in the tables.
#[derive(Debug)]
pub struct Comparison {
    streams: Vec<StreamId>,
    parts: Vec<String>,
    arguments: PgArguments,
}

impl Comparison {
    pub(super) fn of<'a>(streams: impl Iterator<Item = &'a StreamId>) -> Self {
        let streams = streams.cloned().collect();
        Self { streams, parts: Vec::new(), arguments: PgArguments::default() }
    }

    /// Adds a table: `rows` is all that it should have of the streams at hand.
    ///
    /// # Errors
    /// What sqlx says of a value that it cannot encode.
    pub fn rows<R: Row>(&mut self, rows: &[&R]) -> Result<(), BoxDynError> {
        let expected = unnest(&[R::KEY, R::REST], self.arguments.len() + 1);
        R::bind_key(rows, &mut self.arguments)?;
        R::bind_rest(rows, &mut self.arguments)?;
        self.arguments.add(owners::<R>(&self.streams))?;
        let either = |column: &str| format!("coalesce(e.{column}, f.{column})");
        let same = R::KEY.iter().map(|c| format!("e.{0} = f.{0}", c.name));
        let (head, same) = (head::<R>(either), same.collect::<Vec<_>>().join(" and "));
        let (table, Column { name, sql_type }) = (R::TABLE, R::OWNER);
        let (columns, streams) = (columns::<R>(), self.arguments.len());
        self.parts.push(format!(
            "select {head}, to_jsonb(e)::text as expected, to_jsonb(f)::text as found \
             from ({expected}) e full join \
             (select {columns} from {table} where {name} = any(${streams}::text[]::{sql_type}[])) f \
             on {same} where e is distinct from f"
        ));
        Ok(())
    }

    /// The question for rows that belong to no stream with a position. It has no arguments.
    #[must_use]
    pub fn strays<R: Row>() -> String {
        let own = |column: &str| format!("f.{column}");
        let (head, columns, table) = (head::<R>(own), columns::<R>(), R::TABLE);
        let stream = stream::<R>(own);
        format!(
            "select {head}, null::text as expected, to_jsonb(f)::text as found \
             from (select {columns} from {table}) f \
             where not exists (select from position p where p.stream = {stream})"
        )
    }

    pub(super) fn finish(self) -> Option<(String, PgArguments)> {
        (!self.parts.is_empty()).then(|| (self.parts.join(" union all "), self.arguments))
    }
}

/// What tells where a row is; `of` says where to look for a column.
fn head<R: Row>(of: impl Fn(&str) -> String) -> String {
    let key = R::KEY.iter().map(|c| format!("'{}', {}", c.name, of(c.name)));
    let key = key.collect::<Vec<_>>().join(", ");
    let (table, stream) = (R::TABLE, stream::<R>(of));
    format!("'{table}' as \"table\", {stream} as stream, jsonb_build_object({key})::text as key")
}

/// The name of the stream that owns a row.
fn stream<R: Row>(of: impl Fn(&str) -> String) -> String {
    let owner = of(R::OWNER.name);
    match R::CATEGORY {
        Some(category) => format!("'{category}-' || {owner}::text"),
        None => owner,
    }
}

fn columns<R: Row>() -> String {
    [R::KEY, R::REST].concat().iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}
