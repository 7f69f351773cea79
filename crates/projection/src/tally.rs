//! Counts that several streams feed.

use std::collections::BTreeMap;

use sqlx::{Arguments, error::BoxDynError};

use crate::{Changes, Comparison, LoadPart, Owner, Statement, statement::ALL_MOVED};

/// When counts wait to be added: an index on what is counted is written to with each change, and
/// what many streams count in a short time is added to most keys many times over.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// A batch that changes as many keys leaves them to be added, in one row.
    pub from_keys: usize,
    /// Where so many wait, the next batch of that size adds them. So what a query has to add by
    /// itself is never more than that and a batch for each projector.
    pub most_keys: usize,
}

/// One count a key, in a table `(key text primary key, count bigint)`: what the rows at hand count,
/// before a fold and after it.
///
/// What is written is the difference. It lands in the transaction that moves the positions of the
/// streams which the rows belong to, so each row counts once; and it is added by the database, so
/// no writer overwrites another. A count of nothing equals a key that is not there.
///
/// The difference of a large batch waits in a second table, `<table>_waiting (keys text[], counts
/// bigint[])`, and is added by a later batch: by the next that is not large, or when too much waits.
/// What is counted is the sum of both tables, [`Tally::counts`], at any moment.
#[derive(Clone, Debug)]
pub struct Tally {
    table: &'static str,
    key: &'static str,
    count: &'static str,
    waiting: Waiting,
    before: BTreeMap<String, i64>,
    counted: BTreeMap<String, i64>,
}

impl Tally {
    /// Nothing counted yet for column `count` of `table`, by its primary key.
    #[must_use]
    pub fn new(
        table: &'static str,
        (key, count): (&'static str, &'static str),
        waiting: Waiting,
    ) -> Self {
        let (before, counted) = (BTreeMap::new(), BTreeMap::new());
        Self { table, key, count, waiting, before, counted }
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

    /// The table, and its columns with the key and the count.
    #[must_use]
    pub fn names(&self) -> [&'static str; 3] {
        [self.table, self.key, self.count]
    }

    /// The query for what is counted in the tables of a schema, a row a key. A key that counts
    /// nothing has none, whether it is in a table or not.
    #[must_use]
    pub fn counts(&self, schema: &str) -> String {
        let Self { table, key, count, .. } = self;
        format!(
            "select {key}, sum({count})::bigint as {count} \
             from (select {key}, {count} from {schema}.{table} \
                 union all \
                 select unnest(keys), unnest(counts) from {schema}.{table}_waiting) counted \
             group by {key} having sum({count}) <> 0"
        )
    }

    /// Leaves what has changed to be added later.
    fn leave(
        &self,
        statement: &mut Statement,
        (keys, increments): (Vec<&String>, Vec<i64>),
    ) -> Result<(), BoxDynError> {
        let table = self.table;
        statement.part(
            |first| {
                let second = first + 1;
                format!(
                    "insert into {table}_waiting (keys, counts) \
                     select ${first}::text[], ${second}::bigint[] where {ALL_MOVED}"
                )
            },
            |arguments| {
                arguments.add(keys)?;
                arguments.add(increments)
            },
        )?;
        let enough = self.waiting.most_keys;
        self.add_to_table(
            statement,
            &format!("(select sum(cardinality(keys)) from {table}_waiting) >= {enough}"),
            None,
        )
    }

    /// Adds what waits to the table, if that is so, and these increments with it.
    fn add_to_table(
        &self,
        statement: &mut Statement,
        condition: &str,
        increments: Option<(Vec<&String>, Vec<i64>)>,
    ) -> Result<(), BoxDynError> {
        let take = self.taken(&format!("{condition} and {ALL_MOVED}"));
        let taken = statement.part(|_| take, |_| Ok(()))?;
        let own = increments.is_some();
        statement.part(
            |first| {
                let second = first + 1;
                let own = own.then(|| {
                    format!(
                        "select unnest(${first}::text[]), unnest(${second}::bigint[]) union all "
                    )
                });
                self.upsert(&format!("{}{}", own.unwrap_or_default(), waited(&taken)), ALL_MOVED)
            },
            |arguments| match increments {
                None => Ok(()),
                Some((keys, increments)) => {
                    arguments.add(keys)?;
                    arguments.add(increments)
                }
            },
        )?;
        Ok(())
    }

    /// The statement that adds what waits, and nothing else.
    pub(crate) fn add_what_waits(&self) -> String {
        format!("with taken as ({}) {}", self.taken("true"), self.upsert(&waited("taken"), "true"))
    }

    /// Takes what waits. It is locked before any count, and the counts in the order of their keys, so
    /// no two writers wait for each other. Who waited for another one to take it finds it gone.
    fn taken(&self, condition: &str) -> String {
        format!("delete from {}_waiting where {condition} returning keys, counts", self.table)
    }

    /// Adds increments, rows of a key and a number, to the table.
    fn upsert(&self, increments: &str, condition: &str) -> String {
        let Self { table, key, count, .. } = self;
        format!(
            "insert into {table} ({key}, {count}) \
             select key, sum(increment) from ({increments}) as n (key, increment) \
             where {condition} group by key having sum(increment) <> 0 order by key \
             on conflict ({key}) do update set {count} = {table}.{count} + excluded.{count}"
        )
    }
}

/// The increments of what was taken.
fn waited(taken: &str) -> String {
    format!("select unnest(keys), unnest(counts) from {taken}")
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
        let increments = self.increments();
        let keys = increments.len();
        let increments = increments.into_iter().unzip();
        if keys >= self.waiting.from_keys {
            return self.leave(statement, increments);
        }
        self.add_to_table(statement, "true", (keys > 0).then_some(increments))
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
