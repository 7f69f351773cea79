//! A real event table, a real Postgres, and the projector between them.

use std::collections::BTreeMap;

use anyhow::ensure;
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use event_store::{Commit, EventStore};
use local_postgres::TestDatabase;
use ordering_views::{Shop, Verifier};
use projector::{Projector, TableSource};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};

const TABLE: &str = "any-delivery";

/// What a delivery must not change. `position` keeps when a row became visible; that may differ.
const TABLES: [&str; 11] = [
    "product",
    "product_sales",
    "customer",
    "cart",
    "cart_line",
    "order_history",
    "order_line",
    "order_timeline",
    "order_refund",
    "audit_trail",
    "(select stream, applied, parked, recorded_at from position)",
];

pub struct World {
    projector: Projector,
    verifier: Verifier<Shop, TableSource>,
    pool: PgPool,
    records: Vec<EventRecord>,
    _database: TestDatabase,
}

impl World {
    /// The commits are in the table, and nothing was delivered yet.
    pub async fn with(commits: &[Commit]) -> anyhow::Result<Self> {
        let store = EventStore::new(dynamodb().await?, TABLE);
        for commit in commits {
            store.append(std::slice::from_ref(commit)).await?;
        }
        let database = local_postgres::test_database().await?;
        let pool = PgPoolOptions::new().max_connections(4).connect(&database.url).await?;
        ordering_views::MIGRATOR.run(&pool).await?;
        let verifier = Verifier::new(pool.clone(), Shop, TableSource::new(store.clone()));
        let projector = Projector::new(pool.clone(), store);
        let records = (1..).zip(commits).map(|(place, commit)| record(place, commit)).collect();
        Ok(Self { projector, verifier, pool, records, _database: database })
    }

    /// The records of the table's stream.
    pub fn records(&self) -> Vec<EventRecord> {
        self.records.clone()
    }

    /// The newest record of each stream.
    pub fn last_of_each_stream(&self) -> Vec<EventRecord> {
        let mut last = BTreeMap::new();
        for record in &self.records {
            last.insert(format!("{:?}", record.change.keys.get("stream")), record.clone());
        }
        last.into_values().collect()
    }

    /// One invocation.
    pub async fn deliver(&self, records: Vec<EventRecord>) -> anyhow::Result<()> {
        let mut event = Event::default();
        event.records = records;
        let answer = self.projector.handle(event).await;
        let answer = answer.map_err(|error| anyhow::anyhow!(error.to_string()))?;
        ensure!(answer.batch_item_failures.is_empty(), "{answer:?}");
        Ok(())
    }

    /// The invocations of one shard, one after the other.
    pub async fn deliver_in_batches(
        &self,
        records: Vec<EventRecord>,
        size: usize,
    ) -> anyhow::Result<()> {
        for batch in records.chunks(size) {
            self.deliver(batch.to_vec()).await?;
        }
        Ok(())
    }

    /// Every row of every table, as JSON in a fixed order.
    pub async fn rows(&self) -> anyhow::Result<String> {
        let mut rows = String::new();
        for table in TABLES {
            let sql = format!(
                "select coalesce(string_agg(r, E'\\n' order by r), '') \
                 from (select to_jsonb(t)::text as r from {table} t) rows"
            );
            let found: String =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pool).await?;
            rows.push_str(&format!("{table}\n{found}\n"));
        }
        Ok(rows)
    }

    /// The rows are those of the events in the table, by the verifier's account.
    pub async fn verify(&self) -> anyhow::Result<()> {
        let mut run = self.verifier.all().await?;
        while let Some(checked) = run.next().await? {
            ensure!(checked.agrees(), "{:?} {:?}", checked.differences, checked.unfolded);
        }
        Ok(())
    }

    /// Back to before the first delivery.
    pub async fn forget_the_rows(&self) -> anyhow::Result<()> {
        let tables = TABLES[..10].join(", ");
        let sql = format!("truncate {tables}, position, quarantine");
        sqlx::query(AssertSqlSafe(sql)).execute(&self.pool).await?;
        Ok(())
    }
}

async fn dynamodb() -> anyhow::Result<Client> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let database = dynoxide::Database::memory()?;
    database.create_table(serde_json::from_value(serde_json::json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [
            {"AttributeName": "stream", "KeyType": "HASH"},
            {"AttributeName": "version", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "stream", "AttributeType": "S"},
            {"AttributeName": "version", "AttributeType": "N"},
        ],
    }))?)?;
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .endpoint_url(endpoint)
        .build();
    Ok(Client::from_conf(config))
}

/// The record that the table's stream has of a commit.
fn record(place: u64, commit: &Commit) -> EventRecord {
    let mut item: serde_dynamo::Item =
        serde_dynamo::to_item(commit).expect("a commit makes an item");
    let kind = serde_dynamo::AttributeValue::S("commit".to_owned());
    item.inner_mut().insert("kind".to_owned(), kind);
    let key = |name: &str| (name.to_owned(), item[name].clone());
    let mut record = EventRecord::default();
    "INSERT".clone_into(&mut record.event_name);
    record.change.keys = [key("stream"), key("version")]
        .into_iter()
        .collect::<std::collections::HashMap<_, _>>()
        .into();
    record.change.sequence_number = Some(place.to_string());
    record.change.new_image = item;
    record
}
