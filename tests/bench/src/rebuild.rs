//! `millrace rebuild` of the whole year, beside COPY of the same rows; and whether a commit costs
//! more in a table that has grown.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::Client;
use event_store::EventStore;
use futures::{StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use journeys::{TABLE, Table};
use ordering_views::{Commit, Delivery, Engine, Shop};
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tempfile::TempDir;

use crate::{
    baskets, copy,
    projector::{Database, NothingMissing, apply, rate},
    report::Figure,
    rows,
};

/// How many orders are written or copied at a time.
const BATCH: usize = 1_000;

/// The embedded DynamoDB has no index for segments: for each page of one it reads the whole table.
const SEGMENTS: &str = "1";

/// Writers that fill the event table.
const WRITERS: usize = 16;

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let year = baskets::year()?;
    let half = rebuild(&year[..year.len() / 2]).await?;
    let all = rebuild(&year).await?;
    let floor = floor(&year).await?;
    let ours = growth(&year).await?;
    let copy = growth_of_copy(&year).await?;
    Ok(vec![
        Figure::rate("rebuild", all.rate, floor, "COPY of the same rows, asked for: 0.5"),
        Figure::new("rebuild peak RSS", all.rss_mb, "MB", half.rss_mb, "of half the table"),
        Figure::rate(
            "last tenth of the year",
            ours.last,
            ours.first,
            "the first tenth, asked for: 0.9",
        ),
        Figure::rate("last tenth of the year, COPY", copy.last, copy.first, "its own first tenth"),
    ])
}

struct Rebuilt {
    rate: f64,
    rss_mb: f64,
}

/// From an event table of its own, by the program that operators use. The whole run counts: scan,
/// folds, rows, indexes, comparison, swap.
async fn rebuild(commits: &[Commit]) -> anyhow::Result<Rebuilt> {
    let database = Database::in_memory().await?;
    let folder = TempDir::new()?;
    let table = Table::in_file(&folder.path().join("events")).await?;
    fill(&table.client(), commits).await?;
    let start = Instant::now();
    let mut process = Command::new(program()?)
        .args(["rebuild", "--accept-differences", "--segments", SEGMENTS])
        .env("DATABASE_URL", &database.url)
        .env("EVENT_TABLE", TABLE)
        .env("KEY_TABLE", personal_data::testing::TABLE)
        .env("KEY_FILE", personal_data::testing::KEY_FILE)
        .env("AWS_ENDPOINT_URL", &table.endpoint)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .stdout(Stdio::null())
        .spawn()?;
    let mut rss_mb = 0.0_f64;
    let status = loop {
        rss_mb = rss_mb.max(peak_rss_mb(process.id()).unwrap_or(0.0));
        if let Some(status) = process.try_wait()? {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let took = start.elapsed();
    ensure!(status.success(), "the rebuild failed: {status}");
    let rows: i64 =
        sqlx::query_scalar("select count(*) from order_history").fetch_one(&database.pool).await?;
    ensure!(rows.unsigned_abs() == commits.len() as u64, "{rows} of {} orders", commits.len());
    Ok(Rebuilt { rate: rate(commits.len(), took), rss_mb })
}

/// Where `make bench` built it.
fn program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("millrace");
    ensure!(program.exists(), "{} is not built: use `make bench`", program.display());
    Ok(program)
}

fn peak_rss_mb(process: u32) -> Option<f64> {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
    let status = status.ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

async fn fill(client: &Client, commits: &[Commit]) -> anyhow::Result<()> {
    let keys = personal_data::testing::keys(client.clone());
    let store = EventStore::new(client.clone(), TABLE).with_keys(keys);
    let progress = ProgressBar::new(commits.len() as u64).with_message("filling the event table");
    progress.set_style(ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta} left")?);
    futures::stream::iter(commits)
        .map(|commit| store.append(std::slice::from_ref(commit)))
        .buffer_unordered(WRITERS)
        .try_for_each(async |()| {
            progress.inc(1);
            Ok(())
        })
        .await?;
    progress.finish_and_clear();
    Ok(())
}

/// COPY of the same rows the way a bulk load is best done: the secondary indexes are built after.
async fn floor(commits: &[Commit]) -> anyhow::Result<f64> {
    let database = Database::in_memory().await?;
    let indexes = without_indexes(&database.pool).await?;
    let mut connection = PgConnection::connect(&database.url).await?;
    let mut took = Duration::ZERO;
    for batch in commits.chunks(BATCH) {
        let encoded: Vec<_> = rows::of(batch)?.iter().map(copy::encode).collect();
        let start = Instant::now();
        copy::copy(&mut connection, &encoded).await?;
        took += start.elapsed();
    }
    let start = Instant::now();
    for index in indexes {
        connection.execute(sqlx::AssertSqlSafe(index)).await?;
    }
    Ok(rate(commits.len(), took + start.elapsed()))
}

/// Drops all secondary indexes; gives the statements that make them again.
async fn without_indexes(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let sql = "select c.relname::text, pg_get_indexdef(i.indexrelid) \
         from pg_index i join pg_class c on c.oid = i.indexrelid \
         where c.relnamespace = 'public'::regnamespace \
             and not exists (select from pg_constraint k where k.conindid = i.indexrelid)";
    let indexes: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(pool).await?;
    for (name, _) in &indexes {
        pool.execute(sqlx::AssertSqlSafe(format!("drop index {name}"))).await?;
    }
    Ok(indexes.into_iter().map(|(_, statement)| statement).collect())
}

/// How much of its rate over the first tenth of the year is left over the last, by whatever writes
/// batches of it.
async fn left(
    year: &[Commit],
    mut write: impl AsyncFnMut(&[Commit]) -> anyhow::Result<Duration>,
) -> anyhow::Result<Kept> {
    let mut rates = Vec::new();
    for tenth in year.chunks(year.len().div_ceil(10)) {
        let mut took = Duration::ZERO;
        for batch in tenth.chunks(BATCH) {
            took += write(batch).await?;
        }
        rates.push(rate(tenth.len(), took));
    }
    let first = rates.first().context("a year has a first tenth")?;
    let last = rates.last().context("a year has a last tenth")?;
    Ok(Kept { first: *first, last: *last })
}

/// Rates over the first and the last tenth of the year.
struct Kept {
    first: f64,
    last: f64,
}

/// One projector, batch after batch.
async fn growth(year: &[Commit]) -> anyhow::Result<Kept> {
    let database = Database::in_memory().await?;
    let engine = Engine::new(database.projector.clone(), Shop, NothingMissing);
    left(year, async |batch| {
        let batches = vec![batch.iter().cloned().map(Delivery::Commit).collect()];
        let start = Instant::now();
        apply(&engine, batches).await?;
        Ok(start.elapsed())
    })
    .await
}

/// COPY of the same rows into the same tables with the same indexes: what any way loses to a
/// database that has grown.
async fn growth_of_copy(year: &[Commit]) -> anyhow::Result<Kept> {
    let database = Database::in_memory().await?;
    let mut connection = PgConnection::connect(&database.url).await?;
    left(year, async |batch| {
        let encoded: Vec<_> = rows::of(batch)?.iter().map(copy::encode).collect();
        let start = Instant::now();
        copy::copy(&mut connection, &encoded).await?;
        Ok(start.elapsed())
    })
    .await
}
