//! Whether two generations hold the same rows.

use std::fmt;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

use super::NEXT;
use crate::{Changes, Owner, ReadModel};

/// How many rows that differ are shown of a table.
const SHOWN: i64 = 5;

/// What a comparison of two generations found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parity {
    /// By table.
    pub tables: Vec<TableParity>,
    /// Streams that were left out, as one generation was further than the other.
    pub moving_streams: u64,
}

/// How one table compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableParity {
    /// The table.
    pub table: String,
    /// Rows of the live generation.
    pub live_rows: u64,
    /// Rows of the next.
    pub next_rows: u64,
    /// Rows that only one of both has as they are, up to a few of each.
    pub differing: Vec<String>,
}

impl Parity {
    /// Whether both hold the same rows.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.tables.iter().all(|table| table.differing.is_empty())
    }
}

impl fmt::Display for TableParity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, live_rows, next_rows, differing } = self;
        if differing.is_empty() {
            return write!(f, "{table}: {next_rows} rows, the same");
        }
        write!(f, "{table}: {live_rows} rows live, {next_rows} in the next generation, differing")?;
        differing.iter().try_for_each(|row| write!(f, "\n  {row}"))
    }
}

/// Puts down the streams of which one generation is further than the other. They stay in the
/// database: where the live generation was lost, they are all there are.
const MOVING: &str = "insert into moving select stream from public.position p \
     full join next_generation.position n using (stream) \
     where ($1::text[] is null or split_part(stream, '-', 1) = any($1)) \
         and (p.removed_at is null or n.removed_at is null) \
         and (p.applied is distinct from n.applied or n.refolds < p.refolds \
             or p.removed_at is distinct from n.removed_at)";

/// Compares tables row by row, in one snapshot. Tallies are compared when no stream moves, as every
/// stream may have fed them.
pub(super) async fn compare<M: ReadModel>(
    live: &PgPool,
    tables: &[&'static str],
    categories: Option<Vec<&'static str>>,
) -> Result<Parity, sqlx::Error> {
    let mut connection = live.acquire().await?;
    let mut snapshot = connection.begin_with("begin isolation level repeatable read").await?;
    snapshot
        .execute("create temporary table moving (stream text primary key) on commit drop")
        .await?;
    let moving = sqlx::query(MOVING).bind(categories).execute(&mut *snapshot).await?;
    snapshot.execute("analyze moving").await?;
    let mut parity = Parity { tables: Vec::new(), moving_streams: moving.rows_affected() };
    let mut model = M::Tables::default();
    for changes in M::each(&mut model) {
        let comparable = changes.owner().is_some() || parity.moving_streams == 0;
        if tables.contains(&changes.table()) && comparable {
            parity.tables.push(compare_table(&mut snapshot, changes).await?);
        }
    }
    snapshot.rollback().await?;
    Ok(parity)
}

/// First by a checksum over each, as it needs no sorting; row by row only where that differs.
async fn compare_table(
    snapshot: &mut PgConnection,
    changes: &dyn Changes,
) -> Result<TableParity, sqlx::Error> {
    let table = changes.table();
    let settled = settled(changes);
    let side = |schema: &str| match changes.tally() {
        Some(tally) => format!("select t::text as row from ({}) t", tally.counts(schema)),
        None => format!("select t::text as row from {schema}.{table} t {settled}"),
    };
    let sum = |schema: &str| {
        let rows = side(schema);
        let sql = format!(
            "select count(*), coalesce(sum(hashtextextended(row, 0)::numeric), 0)::text \
             from ({rows}) rows"
        );
        sqlx::query_as::<_, (i64, String)>(AssertSqlSafe(sql))
    };
    let (live_rows, live) = sum("public").fetch_one(&mut *snapshot).await?;
    let (next_rows, next) = sum(NEXT).fetch_one(&mut *snapshot).await?;
    let mut differing = Vec::new();
    if (live_rows, live) != (next_rows, next) {
        for (name, one, other) in [("live", "public", NEXT), ("next", NEXT, "public")] {
            let (one, other) = (side(one), side(other));
            let sql =
                format!("select '{name}: ' || row from ({one} except {other}) d limit {SHOWN}");
            let rows: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *snapshot).await?;
            differing.extend(rows);
        }
    }
    let (live_rows, next_rows) = (live_rows.unsigned_abs(), next_rows.unsigned_abs());
    Ok(TableParity { table: table.to_owned(), live_rows, next_rows, differing })
}

/// The condition for rows of streams that stand still.
fn settled(changes: &dyn Changes) -> String {
    let Some(Owner { category, column }) = changes.owner() else { return String::new() };
    let prefix = category.map(|category| format!("'{category}-' || ")).unwrap_or_default();
    let stream = format!("{prefix}t.{}::text", column.name);
    format!("where not exists (select from moving where moving.stream = {stream})")
}
