//! A shop whose commits keep coming, whatever the database does.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use ordering_views::{Checked, Commit, Delivery, Engine, Shop, Verifier};
use projection_simulator::EventTable;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{sync::watch, task::JoinSet, time::Instant};

/// How long the database may be away.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two attempts, as a stand-in for the event source mapping's.
const PAUSE: Duration = Duration::from_millis(20);

/// Records a batch.
const BATCH: usize = 10;

/// Lanes of the event source mapping.
const LANES: usize = 3;

/// The projector's side: connections, and an event table that is always there.
pub struct Load {
    pool: PgPool,
    table: EventTable,
    engine: Engine<Shop, EventTable>,
    commits: Vec<Commit>,
    /// How many batches are through.
    through: watch::Sender<usize>,
}

/// What a delivery under load went through.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Batches that failed, and came again.
    pub failures: usize,
}

impl Load {
    /// The history of a shop with so many commands, not delivered yet, and the tables for it.
    pub async fn on(options: PgConnectOptions, commands: u32) -> anyhow::Result<Arc<Self>> {
        let pool = PgPoolOptions::new()
            .max_connections(u32::try_from(LANES)?)
            .acquire_timeout(Duration::from_secs(2))
            .connect_with(options)
            .await?;
        ordering_views::MIGRATOR.run(&pool).await?;
        let commits = simulation::of_a_shop(7, commands);
        let table = EventTable::default();
        table.put(commits.iter().cloned().map(Delivery::Commit));
        let engine = Engine::new(pool.clone(), Shop, table.clone());
        let through = watch::Sender::new(0);
        Ok(Arc::new(Self { pool, table, engine, commits, through }))
    }

    /// Delivers everything, in lanes, each batch until it is through.
    pub async fn deliver(self: &Arc<Self>) -> anyhow::Result<Delivered> {
        let mut lanes = JoinSet::new();
        for lane in 0..LANES {
            let load = self.clone();
            lanes.spawn(async move {
                let mut failures = 0;
                for batch in load.commits.chunks(BATCH).skip(lane).step_by(LANES) {
                    failures += load.deliver_until_through(batch).await?;
                }
                anyhow::Ok(failures)
            });
        }
        let mut delivered = Delivered::default();
        while let Some(failures) = lanes.join_next().await {
            delivered.failures += failures??;
        }
        Ok(delivered)
    }

    async fn deliver_until_through(&self, batch: &[Commit]) -> anyhow::Result<usize> {
        let deadline = Instant::now() + PATIENCE;
        let mut failures = 0;
        while let Err(error) = self.apply(batch).await {
            ensure!(Instant::now() < deadline, "the database never comes back: {error:#}");
            failures += 1;
            tokio::time::sleep(PAUSE).await;
        }
        self.through.send_modify(|batches| *batches += 1);
        Ok(failures)
    }

    /// One batch, once.
    pub async fn apply(&self, batch: &[Commit]) -> anyhow::Result<()> {
        self.engine.apply(batch.iter().cloned().map(Delivery::Commit).collect()).await?;
        Ok(())
    }

    /// The batches, for those who deliver themselves.
    pub fn batches(&self) -> impl Iterator<Item = &[Commit]> {
        self.commits.chunks(BATCH)
    }

    /// Waits until this share of the batches is through, of `of` shares.
    pub async fn until(&self, share: usize, of: usize) -> anyhow::Result<()> {
        let enough = self.batches().count() * share / of;
        let mut through = self.through.subscribe();
        let reached = through.wait_for(|batches| *batches >= enough);
        tokio::time::timeout(PATIENCE, reached).await.context("the load stands still")??;
        Ok(())
    }

    /// Reads again what the database has forgotten; gives how many streams those were.
    pub async fn sweep(&self) -> anyhow::Result<u64> {
        Ok(self.engine.sweep(&self.table.newest()).await?.behind)
    }

    /// All rows are what the commits say, and nothing was ever parked.
    pub async fn check(&self) -> anyhow::Result<()> {
        let verifier = Verifier::new(self.pool.clone(), Shop, self.table.clone());
        let mut run = verifier.all().await?;
        let mut all = Checked::default();
        while let Some(checked) = run.next().await? {
            all += checked;
        }
        ensure!(all.agrees(), "{:?} {:?}", all.differences, all.unfolded);
        ensure!(all.commits == self.commits.len() as u64, "{} commits", all.commits);
        ensure!((all.lagging_streams, all.parked_streams, all.absent_streams) == (0, 0, 0));
        let quarantined = ordering_views::quarantined(&self.pool, true).await?;
        ensure!(quarantined.is_empty(), "{quarantined:?}");
        Ok(())
    }
}
