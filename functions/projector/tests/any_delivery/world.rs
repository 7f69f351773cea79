//! A real event table, a real Postgres, and the projector between them.

use std::collections::{BTreeMap, HashMap};

use anyhow::ensure;
use aws_lambda_events::event::dynamodb::{Event, EventRecord, UserIdentity};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use event_store::{Commit, EventStore};
use local_postgres::TestDatabase;
use ordering_views::{Shop, Verifier};
use projector::{Projector, TableSource};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};

use crate::{
    dynamodb::{self, TABLE},
    later::Later,
};

const TABLES: [&str; 11] = [
    "product",
    "product_sales",
    "product_sales_waiting",
    "customer",
    "cart",
    "cart_line",
    "order_history",
    "order_line",
    "order_timeline",
    "order_refund",
    "audit_trail",
];

/// What a delivery must not change. What is counted may wait to be added. `position` keeps when a row
/// became visible, and of a removed stream how far it once was; that may differ.
const SAME: [&str; 2] = [
    "(select sku, sum(units) from (select sku, units from product_sales union all \
      select unnest(keys), unnest(counts) from product_sales_waiting) counted \
      group by sku having sum(units) <> 0)",
    "(select stream, case when removal is null then applied end as applied, parked, recorded_at, \
      removal from position)",
];

pub struct World {
    projector: Projector,
    verifier: Verifier<Shop, TableSource>,
    pool: PgPool,
    appended: Vec<EventRecord>,
    later: Vec<EventRecord>,
    _database: TestDatabase,
}

impl World {
    /// The commits are in the table, what was to be done to them later is done, and nothing was
    /// delivered yet.
    pub async fn with(commits: &[Commit], later: &[Later]) -> anyhow::Result<Self> {
        let client = dynamodb::serve().await?;
        let keys = personal_data::testing::keys(client.clone());
        let store = EventStore::new(client.clone(), TABLE).with_keys(keys);
        for commit in commits {
            store.append(std::slice::from_ref(commit)).await?;
        }
        for later in later {
            carry_out(&client, later).await?;
        }
        witness::watch();
        let database = local_postgres::test_database().await?;
        let pool = PgPoolOptions::new().max_connections(4).connect(&database.url).await?;
        ordering_views::MIGRATOR.run(&pool).await?;
        let projector = Projector::new(pool.clone(), store.clone());
        let verifier = Verifier::new(pool.clone(), Shop, TableSource::new(store));
        let mut places = 1..;
        let mut numbered = |mut record: EventRecord| {
            record.change.sequence_number = places.next().map(|place: u64| place.to_string());
            record
        };
        let appended = commits.iter().map(|commit| numbered(appended(commit))).collect();
        let later = later.iter().flat_map(records_of).map(numbered).collect();
        Ok(Self { projector, verifier, pool, appended, later, _database: database })
    }

    /// The records of the table's stream.
    pub fn records(&self) -> Vec<EventRecord> {
        self.appended.iter().chain(&self.later).cloned().collect()
    }

    /// The newest record of each stream, and of what was done later all: nothing else tells of it.
    pub fn last_of_each_stream(&self) -> Vec<EventRecord> {
        let mut last = BTreeMap::new();
        for record in &self.appended {
            last.insert(format!("{:?}", record.change.keys.get("stream")), record.clone());
        }
        last.into_values().chain(self.later.iter().cloned()).collect()
    }

    /// The rows are what the table says, however they came to be.
    pub async fn verify(&self) -> anyhow::Result<()> {
        let mut run = self.verifier.all().await?;
        while let Some(checked) = run.next().await? {
            let well = checked.agrees() && checked.absent_streams == 0;
            ensure!(well, "{:?} {:?}", checked.differences, checked.unfolded);
            ensure!(checked.lagging_streams + checked.parked_streams == 0, "{checked:?}");
        }
        Ok(())
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
        let whole = TABLES.into_iter().filter(|table| !table.starts_with("product_sales"));
        for table in whole.chain(SAME) {
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

    /// Back to before the first delivery.
    pub async fn forget_the_rows(&self) -> anyhow::Result<()> {
        let tables = TABLES.join(", ");
        let sql = format!("truncate {tables}, position, quarantine");
        sqlx::query(AssertSqlSafe(sql)).execute(&self.pool).await?;
        Ok(())
    }
}

/// Does to the table what is done past the write side.
async fn carry_out(client: &Client, later: &Later) -> anyhow::Result<()> {
    match later {
        Later::Rewritten(commit) => {
            let mut item: HashMap<_, _> = serde_dynamo::to_item(commit)?;
            item.insert("kind".to_owned(), AttributeValue::S("commit".to_owned()));
            client.put_item().table_name(TABLE).set_item(Some(item)).send().await?;
        }
        Later::Removed { gone, .. } => {
            for commit in gone {
                let delete = client.delete_item().table_name(TABLE);
                delete
                    .key("stream", AttributeValue::S(commit.stream.to_string()))
                    .key("version", AttributeValue::N(commit.version.to_string()))
                    .send()
                    .await?;
            }
        }
    }
    Ok(())
}

/// The records that the table's stream has of a change.
fn records_of(later: &Later) -> Vec<EventRecord> {
    match later {
        Later::Rewritten(commit) => vec![rewritten(commit)],
        Later::Removed { gone, expired } => {
            gone.iter().map(|commit| removed(commit, *expired)).collect()
        }
    }
}

fn rewritten(commit: &Commit) -> EventRecord {
    let mut record = appended(commit);
    "MODIFY".clone_into(&mut record.event_name);
    record
}

fn removed(commit: &Commit, expired: bool) -> EventRecord {
    let mut record = appended(commit);
    "REMOVE".clone_into(&mut record.event_name);
    record.change.old_image = std::mem::take(&mut record.change.new_image);
    if expired {
        let mut by = UserIdentity::default();
        "dynamodb.amazonaws.com".clone_into(&mut by.principal_id);
        record.user_identity = Some(by);
    }
    record
}

/// The record that the table's stream has of a commit.
fn appended(commit: &Commit) -> EventRecord {
    let mut item: serde_dynamo::Item =
        serde_dynamo::to_item(commit).expect("a commit makes an item");
    let kind = serde_dynamo::AttributeValue::S("commit".to_owned());
    item.inner_mut().insert("kind".to_owned(), kind);
    let key = |name: &str| (name.to_owned(), item[name].clone());
    let mut record = EventRecord::default();
    "INSERT".clone_into(&mut record.event_name);
    record.change.keys =
        [key("stream"), key("version")].into_iter().collect::<HashMap<_, _>>().into();
    record.change.new_image = item;
    record
}
