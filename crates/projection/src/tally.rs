//! Counts that several streams feed.

use std::collections::BTreeMap;

use sqlx::{Arguments, error::BoxDynError};

use crate::{Changes, Comparison, LoadPart, Owner, Statement, statement::ALL_MOVED};

/// Increments to one count a key, in a table `(key text primary key, count bigint)`.
///
/// They land in the transaction that moves the positions of the commits which they come from, so
/// each commit counts once; and they are added by the database, so no writer overwrites another.
#[derive(Clone, Debug)]
pub struct Tally {
    table: &'static str,
    key: &'static str,
    count: &'static str,
    increments: BTreeMap<String, i64>,
}

impl Tally {
    /// No increments yet to column `count` of `table`, by its primary key.
    #[must_use]
    pub fn new(table: &'static str, key: &'static str, count: &'static str) -> Self {
        Self { table, key, count, increments: BTreeMap::new() }
    }

    /// Adds to the count of a key; a negative number takes away.
    pub fn add(&mut self, key: &str, increment: i64) {
        *self.increments.entry(key.to_owned()).or_default() += increment;
    }

    /// Adds what another one of the same table counted.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for (key, increment) in &other.increments {
            self.add(key, *increment);
        }
    }

    /// What was counted, by key.
    pub(crate) fn counted(&self) -> &BTreeMap<String, i64> {
        &self.increments
    }

    /// The table, and its columns with the key and the count.
    pub(crate) fn names(&self) -> [&'static str; 3] {
        [self.table, self.key, self.count]
    }
}

impl Changes for Tally {
    fn table(&self) -> &'static str {
        self.table
    }

    fn owner(&self) -> Option<Owner> {
        None
    }

    fn load(&self) -> Option<LoadPart> {
        None
    }

    fn accept(&mut self, _: &str) -> Result<(), serde_json::Error> {
        Ok(())
    }

    fn write(&self, statement: &mut Statement) -> Result<(), BoxDynError> {
        // Also what adds up to nothing: the row is there once anything was counted, however the
        // commits were split into batches.
        let (keys, increments): (Vec<&String>, Vec<&i64>) = self.increments.iter().unzip();
        if keys.is_empty() {
            return Ok(());
        }
        let Self { table, key, count, .. } = self;
        statement.part(
            |first| {
                let second = first + 1;
                format!(
                    "insert into {table} ({key}, {count}) \
                     select key, increment from unnest(${first}, ${second}) as n(key, increment) \
                     where {ALL_MOVED} order by key \
                     on conflict ({key}) do update set {count} = {table}.{count} + excluded.{count}"
                )
            },
            |arguments| {
                arguments.add(keys)?;
                arguments.add(increments)
            },
        )
    }

    fn compare(&self, _: &mut Comparison) -> Result<(), BoxDynError> {
        Ok(())
    }

    fn strays(&self) -> Option<String> {
        None
    }

    fn tally(&self) -> Option<&Tally> {
        Some(self)
    }
}
