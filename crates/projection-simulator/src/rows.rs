//! All rows, whatever their tables are.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use projection::ReadModel;
use sqlx::{AssertSqlSafe, PgPool};

/// The engine's own tables, and that of the migrations.
const ENGINE: [&str; 6] =
    ["position", "quarantine", "heartbeat", "rebuild", "rebuild_part", "_sqlx_migrations"];

/// How far each stream is. When its rows became visible may differ.
const POSITIONS: &str = "select 'position' as name, to_jsonb(r)::text as row \
                         from (select stream, applied, parked, recorded_at from position) r";

/// At most so many differences are told.
const TOLD: usize = 12;

/// Every row of every table, in a fixed order: the table, and the row as JSON.
pub(crate) type Rows = Vec<(String, String)>;

/// The statements that deal with all rows of a read model.
#[derive(Debug)]
pub(crate) struct Tables {
    read: String,
    empty: String,
    /// Lets everybody read, and nobody write.
    pub(crate) lock: String,
}

impl Tables {
    /// Finds the tables of the database. There must be no rows yet: they would be deleted.
    pub(crate) async fn find<M: ReadModel>(pool: &PgPool, beside: &[&str]) -> anyhow::Result<Self> {
        let names: Vec<String> = sqlx::query_scalar(
            "select quote_ident(table_name) from information_schema.tables \
             where table_schema = current_schema() and table_type = 'BASE TABLE' \
                 and table_name <> all($1) and table_name <> all($2) order by 1",
        )
        .bind(ENGINE.as_slice())
        .bind(beside)
        .fetch_all(pool)
        .await
        .context("finding the tables")?;
        ensure!(!names.is_empty(), "the database has no tables of the read model");
        let mut model = M::Tables::default();
        let tallies: BTreeMap<_, _> = M::each(&mut model)
            .iter()
            .filter_map(|table| table.tally().map(|tally| (table.table(), tally.counts("public"))))
            .collect();
        let read_with_its_tally = |name: &&String| {
            !name.strip_suffix("_waiting").is_some_and(|table| tallies.contains_key(table))
        };
        let each = names.iter().filter(read_with_its_tally).map(|name| {
            let rows = tallies.get(name.as_str()).map(|counts| format!("({counts})"));
            let (literal, rows) = (name.replace('\'', "''"), rows.unwrap_or(name.clone()));
            format!("select '{literal}', to_jsonb(r)::text from {rows} r")
        });
        let read: Vec<_> = std::iter::once(POSITIONS.to_owned()).chain(each).collect();
        let tables = Self {
            read: format!("{} order by 1, 2", read.join(" union all ")),
            empty: format!("truncate position, quarantine, {}", names.join(", ")),
            lock: format!("lock table {} in share mode", names.join(", ")),
        };
        let rows = tables.read(pool).await?;
        ensure!(rows.is_empty(), "the database has rows; a simulation deletes what it finds");
        Ok(tables)
    }

    pub(crate) async fn read(&self, pool: &PgPool) -> anyhow::Result<Rows> {
        let sql = AssertSqlSafe(self.read.as_str());
        sqlx::query_as(sql).fetch_all(pool).await.context("reading all rows")
    }

    pub(crate) async fn empty(&self, pool: &PgPool) -> anyhow::Result<()> {
        let sql = AssertSqlSafe(self.empty.as_str());
        sqlx::query(sql).execute(pool).await.context("deleting all rows")?;
        Ok(())
    }
}

/// What only one of both has, for people; nothing where they are the same.
pub(crate) fn difference(expected: &Rows, found: &Rows) -> Option<String> {
    if expected == found {
        return None;
    }
    let only = |these: &Rows, others: &Rows, sign: &str| -> Vec<String> {
        let alone = these.iter().filter(|row| others.binary_search(row).is_err());
        alone.map(|(table, row)| format!("{sign} {table} {row}")).collect()
    };
    let mut told = only(expected, found, "-");
    told.extend(only(found, expected, "+"));
    let more = told.len().saturating_sub(TOLD);
    told.truncate(TOLD);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    Some(told.join("\n"))
}
