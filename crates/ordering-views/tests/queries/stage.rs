//! A database with the read model in it, and the real engine that fills it.

use std::collections::HashMap;

use local_postgres::{TestDatabase, test_database};
use ordering_views::{
    Commit, CommitSource, Delivery, Engine, MIGRATOR, Shop, StreamId, Timestamp, Version,
};
use projection::{Event, Metadata, RecordedEvent};
use sqlx::{PgPool, postgres::PgPoolOptions};

/// Everything is delivered, so nothing is ever read again.
#[derive(Clone, Debug)]
pub(crate) struct NothingMissing;

impl CommitSource for NothingMissing {
    async fn read_after(&self, _: &StreamId, _: Version) -> Result<Vec<Delivery>, String> {
        Ok(Vec::new())
    }
}

pub(crate) struct Stage {
    pub(crate) pool: PgPool,
    engine: Engine<Shop, NothingMissing>,
    versions: HashMap<StreamId, u64>,
    /// What has happened and is not in the rows.
    pub(crate) waiting: Vec<Delivery>,
    pub(crate) database: TestDatabase,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        witness::watch();
        let database = test_database().await.unwrap();
        let pool = PgPoolOptions::new().max_connections(4).connect(&database.url).await.unwrap();
        MIGRATOR.run(&pool).await.unwrap();
        let engine = Engine::new(pool.clone(), Shop, NothingMissing);
        let (versions, waiting) = (HashMap::new(), Vec::new());
        Self { pool, engine, versions, waiting, database }
    }

    /// One event in a commit of its own; it is not in the rows before [`Stage::project`].
    pub(crate) fn happens<E: Event>(
        &mut self,
        stream: &StreamId,
        recorded_at: Timestamp,
        event: impl Into<E>,
    ) -> Version {
        self.commit(stream, recorded_at, vec![event.into().record()])
    }

    pub(crate) fn commit(
        &mut self,
        stream: &StreamId,
        recorded_at: Timestamp,
        events: Vec<RecordedEvent>,
    ) -> Version {
        let next = self.versions.entry(stream.clone()).or_default();
        *next += 1;
        let version = Version(*next);
        let metadata = Metadata {
            actor: "ann".to_owned(),
            command_id: format!("command {stream} {version}"),
            correlation_id: "request 1".to_owned(),
            ..Metadata::default()
        };
        let commit = Commit { stream: stream.clone(), version, recorded_at, events, metadata };
        self.waiting.push(Delivery::Commit(commit));
        version
    }

    /// Brings all that happened into the rows.
    pub(crate) async fn project(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting).into_iter().peekable();
        while waiting.peek().is_some() {
            let batch: Vec<_> = waiting.by_ref().take(1000).collect();
            let report = self.engine.apply(batch).await.unwrap();
            assert_eq!(report.quarantined, 0, "{report:?}");
        }
    }

    /// Brings what happened into the rows, where some of it does not go.
    pub(crate) async fn project_what_can_be(&mut self) {
        self.engine.apply(std::mem::take(&mut self.waiting)).await.unwrap();
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Takes half of what was sold of a product out of its count and leaves it to be added, as large
/// batches do; in all it stays the same.
pub(crate) async fn leave_waiting(pool: &PgPool, sku: &str) {
    let sql = "with half as (\
             update product_sales s set units = old.units / 2 from product_sales old \
             where s.sku = $1 and old.sku = s.sku returning s.sku, old.units - s.units as units) \
         insert into product_sales_waiting select array[sku, sku], array[units + 7, -7] from half";
    sqlx::query(sql).bind(sku).execute(pool).await.unwrap();
}
