//! Applying batches of order events: ours, COPY, and a statement a row.

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use local_postgres::Server;
use ordering_views::{Commit, CommitSource, Delivery, Engine, MIGRATOR, Shop, StreamId, Version};
use sqlx::{Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use tempfile::{Builder, TempDir};

use crate::{baskets, copy, one_by_one, report::Figure, rows};

/// How many events the slow way gets: enough to tell its rate.
const ONE_BY_ONE: usize = 1_000;

/// How often each way is run; the fastest counts, as noise only ever slows down.
const ROUNDS: usize = 3;

/// Whom the projector logs in as.
const PROJECTOR: &str = "millrace_projector";

/// A server is given memory for its data. By default it has 128 MB, and a checkpoint each GB of log.
const SIZED: [&str; 2] =
    ["alter system set shared_buffers = '2GB'", "alter system set max_wal_size = '16GB'"];

/// Everything is delivered, so nothing is ever read again.
pub(crate) struct NothingMissing;

impl CommitSource for NothingMissing {
    async fn read_after(&self, _: &StreamId, _: Version) -> Result<Vec<Delivery>, String> {
        Ok(Vec::new())
    }
}

pub(crate) async fn measure(orders: usize) -> anyhow::Result<Vec<Figure>> {
    let commits = baskets::imports(orders)?;
    let progress = ProgressBar::new(ROUNDS as u64 * 7).with_message("projector");
    progress.set_style(ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {elapsed}")?);
    let mut best = [f64::MIN; 7];
    for _ in 0..ROUNDS {
        let rates = [
            ours(Database::in_memory().await?, &commits, 1_000).await?,
            floor(&commits, 1_000).await?,
            ours(Database::in_memory().await?, &commits, 100).await?,
            floor(&commits, 100).await?,
            two(&commits, 1_000).await?,
            ours(Database::durable().await?, &commits, 1_000).await?,
            slow(&commits[..ONE_BY_ONE.min(commits.len())]).await?,
        ];
        for (best, rate) in best.iter_mut().zip(rates) {
            *best = best.max(rate);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let [ours_1000, copy_1000, ours_100, copy_100, two, durable, one_by_one] = best;
    Ok(vec![
        Figure::rate("apply 1000", ours_1000, copy_1000, "binary COPY, asked for: 0.6"),
        Figure::rate("apply 100", ours_100, copy_100, "binary COPY, asked for: 0.75"),
        Figure::rate("two projectors", two, ours_1000, "one projector, asked for: 1.5"),
        Figure::rate(
            "apply 1000 by row",
            durable,
            one_by_one,
            "a statement a row and a transaction an event, both with fsync, asked for: 20",
        ),
    ])
}

/// A server with the tables and nothing in them.
pub(crate) struct Database {
    pub(crate) pool: PgPool,
    /// Sessions of the projector's role, which plan as its role says.
    pub(crate) projector: PgPool,
    /// How it is reached: over its socket, if it is in memory.
    pub(crate) url: String,
    _server: Server,
    /// Where it is, if that is not in memory.
    _folder: Option<TempDir>,
}

impl Database {
    /// Without `fsync`, so that what is measured is work and not a disk.
    pub(crate) async fn in_memory() -> anyhow::Result<Self> {
        let mut server = Server::throwaway().await?;
        let url = server.socket_url("postgres");
        let mut connection = PgConnection::connect(&url).await?;
        for setting in SIZED {
            sqlx::query(setting).execute(&mut connection).await?;
        }
        server.kill_9().await;
        server.start_again().await?;
        Self::of(server, url, None).await
    }

    /// On the disk, with `fsync`: what a transaction an event costs is that it waits for it.
    async fn durable() -> anyhow::Result<Self> {
        let permissions = Permissions::from_mode(0o711); // the server's account gets through
        let folder = Builder::new().permissions(permissions).tempdir()?;
        let server = Server::start(folder.path().join("postgres")).await?;
        let url = server.url("postgres");
        Self::of(server, url, Some(folder)).await
    }

    async fn of(server: Server, url: String, folder: Option<TempDir>) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new().max_connections(2).connect(&url).await?;
        MIGRATOR.run(&pool).await?;
        server.admit(PROJECTOR, "postgres").await?;
        let login = url.replacen("//postgres:", &format!("//{PROJECTOR}:"), 1);
        let projector = database::connections(2).connect(&login).await?;
        Ok(Self { pool, projector, url, _server: server, _folder: folder })
    }
}

pub(crate) fn rate(events: usize, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}

async fn ours(database: Database, commits: &[Commit], batch: usize) -> anyhow::Result<f64> {
    let engine = Engine::new(database.projector.clone(), Shop, NothingMissing);
    let batches = deliveries(commits, batch);
    let start = Instant::now();
    apply(&engine, batches).await?;
    Ok(rate(commits.len(), start.elapsed()))
}

/// Two projectors, as two shards would have them, on one database.
async fn two(commits: &[Commit], batch: usize) -> anyhow::Result<f64> {
    let database = Database::in_memory().await?;
    let (here, there) = commits.split_at(commits.len() / 2);
    let (here, there) = (deliveries(here, batch), deliveries(there, batch));
    let pools = [database.projector.clone(), database.projector.clone()];
    let [one, other] = pools.map(|pool| Engine::new(pool, Shop, NothingMissing));
    let start = Instant::now();
    let one = tokio::spawn(async move { apply(&one, here).await });
    let other = tokio::spawn(async move { apply(&other, there).await });
    one.await??;
    other.await??;
    Ok(rate(commits.len(), start.elapsed()))
}

/// The last one by itself: a batch of one adds the counts that the large ones left.
fn deliveries(commits: &[Commit], batch: usize) -> Vec<Vec<Delivery>> {
    let deliver = |batch: &[Commit]| batch.iter().cloned().map(Delivery::Commit).collect();
    let (rest, last) = commits.split_at(commits.len().saturating_sub(1));
    rest.chunks(batch).chain(last.chunks(1)).map(deliver).collect()
}

pub(crate) async fn apply(
    engine: &Engine<Shop, NothingMissing>,
    batches: Vec<Vec<Delivery>>,
) -> anyhow::Result<()> {
    for batch in batches {
        engine.apply(batch).await?;
    }
    Ok(())
}

async fn floor(commits: &[Commit], batch: usize) -> anyhow::Result<f64> {
    let database = Database::in_memory().await?;
    let mut batches = Vec::new();
    for batch in commits.chunks(batch) {
        let encoded: Vec<_> = rows::of(batch)?.iter().map(copy::encode).collect();
        batches.push(encoded);
    }
    let mut connection = PgConnection::connect(&database.url).await?;
    let start = Instant::now();
    for batch in &batches {
        copy::copy(&mut connection, batch).await?;
    }
    Ok(rate(commits.len(), start.elapsed()))
}

async fn slow(commits: &[Commit]) -> anyhow::Result<f64> {
    let database = Database::durable().await?;
    let events = commits.iter().map(|commit| rows::of(std::slice::from_ref(commit)));
    let events = events.collect::<anyhow::Result<Vec<_>>>()?;
    let mut connection = PgConnection::connect(&database.url).await?;
    let start = Instant::now();
    for event in &events {
        one_by_one::insert(&mut connection, event).await?;
    }
    Ok(rate(commits.len(), start.elapsed()))
}
