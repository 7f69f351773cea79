//! Counts that several streams feed.

use std::collections::BTreeMap;

use sqlx::{Arguments, error::BoxDynError};

use crate::{Changes, Comparison, LoadPart, Owner, Statement, statement::ALL_MOVED};

/// One count a key, in a table `(key text primary key, count bigint)`: what the rows at hand count,
/// before a fold and after it.
///
/// What is written is the difference. It lands in the transaction that moves the positions of the
/// streams which the rows belong to, so each row counts once; and it is added by the database, so
/// no writer overwrites another. A count of nothing equals a key that is not there.
#[derive(Clone, Debug)]
pub struct Tally {
    table: &'static str,
    key: &'static str,
    count: &'static str,
    before: BTreeMap<String, i64>,
    counted: BTreeMap<String, i64>,
}

impl Tally {
    /// Nothing counted yet for column `count` of `table`, by its primary key.
    #[must_use]
    pub fn new(table: &'static str, key: &'static str, count: &'static str) -> Self {
        Self { table, key, count, before: BTreeMap::new(), counted: BTreeMap::new() }
    }

    /// Counts so many for a key.
    pub fn add(&mut self, key: &str, count: i64) {
        match self.counted.get_mut(key) {
            Some(counted) => *counted += count,
            None => {
                self.counted.insert(key.to_owned(), count);
            }
        }
    }

    /// Adds what another one of the same table counted.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for (key, count) in &other.counted {
            self.add(key, *count);
        }
    }

    /// What was counted, by key.
    pub(crate) fn counted(&self) -> &BTreeMap<String, i64> {
        &self.counted
    }

    /// By how much the count of each key has changed, if it has.
    fn increments(&self) -> BTreeMap<&String, i64> {
        let mut increments: BTreeMap<&String, i64> =
            self.counted.iter().map(|(key, count)| (key, *count)).collect();
        for (key, count) in &self.before {
            *increments.entry(key).or_default() -= count;
        }
        increments.retain(|_, increment| *increment != 0);
        increments
    }

    /// The table, and its columns with the key and the count. A row that counts nothing may be
    /// there or not: it means the same.
    #[must_use]
    pub fn names(&self) -> [&'static str; 3] {
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

    fn loaded(&mut self) {
        self.before = std::mem::take(&mut self.counted);
    }

    fn clear(&mut self) {}

    fn write(&self, statement: &mut Statement) -> Result<(), BoxDynError> {
        let (keys, increments): (Vec<&String>, Vec<i64>) = self.increments().into_iter().unzip();
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
