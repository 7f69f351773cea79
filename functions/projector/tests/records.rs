//! What single records do, and what the projector tells of it.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, ensure};
use aws_lambda_events::event::dynamodb::Event;
use aws_sdk_dynamodb::Client;
use dynamodb::TABLE;
use event_store::EventStore;
use local_postgres::TestDatabase;
use projector::{Input, Output, Projector};
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use telemetry::Telemetry;

#[path = "any_delivery/dynamodb.rs"]
mod dynamodb;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Mill {
    dynamodb: Client,
    projector: Projector,
    pool: PgPool,
    paper: Paper,
    _database: TestDatabase,
}

impl Mill {
    async fn new() -> anyhow::Result<Self> {
        witness::watch();
        let dynamodb = dynamodb::serve().await?;
        let keys = personal_data::testing::keys(dynamodb.clone());
        let store = EventStore::new(dynamodb.clone(), TABLE).with_keys(keys);
        let database = local_postgres::test_database().await?;
        let pool = PgPoolOptions::new().max_connections(4).connect(&database.url).await?;
        ordering_views::MIGRATOR.run(&pool).await?;
        let paper = Paper::default();
        let projector = Projector::new(pool.clone(), store)
            .measured_by(Telemetry::new("projector", paper.clone()));
        Ok(Self { dynamodb, projector, pool, paper, _database: database })
    }

    async fn invoke(&self, input: Value) -> anyhow::Result<Output> {
        let input: Input = serde_json::from_value(input)?;
        self.projector.invoke(input).await.map_err(|error| anyhow::anyhow!("{error}"))
    }

    async fn deliver(&self, records: Vec<Value>) -> anyhow::Result<()> {
        let event: Event = serde_json::from_value(json!({ "Records": records }))?;
        let answer = self.projector.handle(event).await;
        let answer = answer.map_err(|error| anyhow::anyhow!("{error}"))?;
        ensure!(answer.batch_item_failures.is_empty(), "{answer:?}");
        Ok(())
    }

    /// Puts the item that a record tells of into the table.
    async fn put(&self, record: &Value) -> anyhow::Result<()> {
        let image: serde_dynamo::Item =
            serde_json::from_value(record["dynamodb"]["NewImage"].clone())?;
        let put = self.dynamodb.put_item().table_name(TABLE).set_item(Some(image.into()));
        put.send().await?;
        Ok(())
    }

    /// The records of the beats that are in the table.
    async fn beats(&self) -> anyhow::Result<Vec<Value>> {
        let items = self.dynamodb.scan().table_name(TABLE).send().await?.items.unwrap_or_default();
        let records = items.into_iter().map(|item| {
            let image = serde_json::to_value(serde_dynamo::Item::from(item))?;
            let keys = json!({ "stream": image["stream"], "version": image["version"] });
            anyhow::Ok(json!({
                "eventID": "1", "eventName": "MODIFY", "awsRegion": "eu-central-1",
                "dynamodb": { "Keys": keys, "NewImage": image, "SequenceNumber": "1", "SizeBytes": 1 },
            }))
        });
        records.collect()
    }

    /// The lines that were written so far, each checked against CloudWatch's specification.
    fn lines(&self) -> anyhow::Result<Vec<Value>> {
        let bytes = self.paper.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| valid(serde_json::from_slice(line)?)).collect()
    }

    /// All values of a metric so far, with these dimensions.
    fn values(&self, metric: &str, view: Option<&str>) -> anyhow::Result<Vec<f64>> {
        let lines = self.lines()?;
        let of_view = lines.iter().filter(|line| line.get("View").and_then(Value::as_str) == view);
        let values = of_view.filter_map(|line| line.get(metric)).flat_map(|value| match value {
            Value::Array(values) => values.clone(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => vec![value.clone()],
        });
        values.map(|value| value.as_f64().context("a value is a number")).collect()
    }
}

/// A line as "Specification: Embedded metric format" in the CloudWatch guide has it.
fn valid(line: Value) -> anyhow::Result<Value> {
    ensure!(line["_aws"]["Timestamp"].is_u64(), "no time: {line}");
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().context("no directives")?;
    for directive in directives {
        ensure!(directive["Namespace"] == "Millrace", "{directive}");
        for set in directive["Dimensions"].as_array().context("no dimensions")? {
            for name in set.as_array().context("a set is a list")? {
                let name = name.as_str().context("a dimension is a name")?;
                ensure!(line[name].is_string(), "{name} has no value: {line}");
            }
        }
        let metrics = directive["Metrics"].as_array().context("no metrics")?;
        ensure!((1..=100).contains(&metrics.len()), "{line}");
        for metric in metrics {
            let name = metric["Name"].as_str().context("a metric has a name")?;
            ensure!(["Count", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap_or("")));
            let value = &line[name];
            let numbers = value
                .as_array()
                .is_some_and(|values| values.len() <= 100 && values.iter().all(Value::is_number));
            ensure!(value.is_number() || numbers, "{name}: {line}");
        }
    }
    Ok(line)
}

/// A record of a commit of a product.
fn record(name: &str, version: u64, event: &str, data: &Value) -> Value {
    let image = json!({
        "stream": {"S": "product-TEA"}, "version": {"N": version.to_string()},
        "kind": {"S": "commit"}, "recorded_at": {"S": "2026-11-01T12:00:00Z"},
        "events": {"L": [{"M": {
            "type": {"S": event}, "schema_version": {"N": "1"}, "data": {"S": data.to_string()},
        }}]},
        "metadata": {"M": {
            "actor": {"S": "ann"}, "command_id": {"S": "1"}, "correlation_id": {"S": "1"},
        }},
    });
    let keys = json!({ "stream": image["stream"], "version": image["version"] });
    let which = if name == "REMOVE" { "OldImage" } else { "NewImage" };
    json!({
        "eventID": "1", "eventName": name, "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_793_534_400.0, "Keys": keys, which: image,
            "SequenceNumber": version.to_string(), "SizeBytes": 1,
        },
    })
}

fn added() -> Value {
    let data = json!({
        "sku": "TEA", "name": "Tea", "department": "GROCERY", "unit_price_cents": 349,
    });
    record("INSERT", 1, "ProductAdded", &data)
}

fn received(version: u64) -> Value {
    record("INSERT", version, "StockReceived", &json!({ "quantity": 1 }))
}

#[tokio::test]
async fn a_batch_is_told_in_figures() -> anyhow::Result<()> {
    let mill = Mill::new().await?;
    let batch: Vec<Value> = std::iter::once(added()).chain((2..=150).map(received)).collect();
    mill.deliver(batch).await?;
    mill.deliver(vec![received(2), record("INSERT", 151, "Riddle", &json!({}))]).await?;
    assert_eq!(mill.values("BatchSize", None)?, [150.0, 2.0]);
    assert_eq!(mill.values("Applied", None)?, [150.0, 0.0]);
    assert_eq!(mill.values("Duplicates", None)?, [0.0, 1.0]);
    assert_eq!(mill.values("Quarantined", None)?, [0.0, 1.0]);
    assert_eq!(mill.values("Heals", None)?, [0.0, 0.0]);
    for view in ["products", "audit_trail"] {
        assert_eq!(mill.values("CommitToVisible", Some(view))?.len(), 150, "{view}");
    }
    assert_eq!(mill.values("CommitToVisible", Some("orders"))?, [] as [f64; 0]);
    Ok(())
}

#[tokio::test]
async fn a_batch_that_has_to_come_again_is_counted() -> anyhow::Result<()> {
    let mill = Mill::new().await?;
    mill.deliver(vec![added()]).await?;
    assert!(mill.values("FailedBatches", None)?.is_empty());
    mill.pool.close().await;
    assert!(mill.deliver(vec![received(2)]).await.is_err(), "it is named as what failed");
    assert_eq!(mill.values("FailedBatches", None)?, [1.0]);
    Ok(())
}

#[tokio::test]
async fn a_beat_comes_back_and_then_nothing_has_stopped() -> anyhow::Result<()> {
    let mill = Mill::new().await?;
    mill.deliver(vec![added(), record("INSERT", 2, "Riddle", &json!({}))]).await?;
    let Output::Sent { beats } = mill.invoke(json!({"task": "beat"})).await? else {
        anyhow::bail!("no beats")
    };
    assert_eq!(beats, 8);
    assert_eq!(mill.values("ProjectionStopped", None)?, [0.0]);
    assert_eq!(mill.values("Parked", None)?, [1.0]);
    let ago = "update heartbeat set sent_at = sent_at - interval '1 minute', \
               waiting_since = waiting_since - interval '1 minute'";
    sqlx::query(ago).execute(&mill.pool).await?;
    mill.invoke(json!({"task": "beat"})).await?;
    assert_eq!(mill.values("ProjectionStopped", None)?, [0.0, 1.0], "it did not come back");
    assert!(mill.values("BeatLag", None)?[1] >= 60_000.0);
    mill.deliver(mill.beats().await?).await?;
    mill.invoke(json!({"task": "beat"})).await?;
    assert_eq!(mill.values("ProjectionStopped", None)?[2], 0.0);
    assert_eq!(mill.values("BeatLag", None)?[2], 0.0);
    Ok(())
}

#[tokio::test]
async fn a_sweep_by_the_clock_heals_and_says_what_it_cost() -> anyhow::Result<()> {
    let mill = Mill::new().await?;
    mill.put(&added()).await?;
    mill.invoke(json!({"task": "beat"})).await?;
    let Output::Swept(sweep) = mill.invoke(json!({"task": "sweep"})).await? else {
        anyhow::bail!("no sweep")
    };
    assert_eq!((sweep.compared, sweep.behind, sweep.applied), (1, 1, 1), "beats are no streams");
    assert!(sweep.read_units > 0.0, "{sweep:?}");
    assert_eq!(mill.values("SweepBehind", None)?, [1.0]);
    assert!(mill.values("SweepReadUnits", None)?[0] >= 1.0);
    mill.invoke(json!({"task": "beat"})).await?;
    let applied = "select floor(extract(epoch from max(applied_at)))::float8 from position";
    let applied: f64 = sqlx::query_scalar(applied).fetch_one(&mill.pool).await?;
    assert_eq!(mill.values("Position", Some("products"))?, [applied]);
    assert!(mill.values("Position", Some("orders"))?.is_empty(), "nothing was applied there");
    Ok(())
}

#[tokio::test]
async fn an_expired_stream_is_told_from_an_erased_one() -> anyhow::Result<()> {
    for (by, word) in [(None, "erased"), (Some("dynamodb.amazonaws.com"), "expired")] {
        let mill = Mill::new().await?;
        let mut gone = record("REMOVE", 2, "StockReceived", &json!({ "quantity": 1 }));
        if let Some(by) = by {
            gone["userIdentity"] = json!({ "type": "Service", "principalId": by });
        }
        mill.deliver(vec![received(2), gone.clone(), added(), gone]).await?;
        mill.deliver(vec![added(), received(2), received(3)]).await?;
        let found: (String, i64) =
            sqlx::query_as("select removal, extract(epoch from removed_at)::bigint from position")
                .fetch_one(&mill.pool)
                .await?;
        assert_eq!(found, (word.to_owned(), 1_793_534_400));
        let rows: i64 = sqlx::query_scalar(
            "select (select count(*) from product) + (select count(*) from audit_trail)",
        )
        .fetch_one(&mill.pool)
        .await?;
        assert_eq!(rows, 0);
    }
    Ok(())
}
