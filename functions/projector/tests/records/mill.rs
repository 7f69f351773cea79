//! Records in, rows and metrics out.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, ensure};
use aws_lambda_events::event::dynamodb::Event;
use aws_sdk_dynamodb::Client;
use event_store::EventStore;
use local_postgres::TestDatabase;
use projector::{Input, Output, Projector};
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use telemetry::Telemetry;

use crate::dynamodb::{self, TABLE};

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

/// A projector between a real event table and a real Postgres.
pub(crate) struct Mill {
    dynamodb: Client,
    projector: Projector,
    pub(crate) pool: PgPool,
    paper: Paper,
    _database: TestDatabase,
}

impl Mill {
    pub(crate) async fn new() -> anyhow::Result<Self> {
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

    pub(crate) async fn invoke(&self, input: Value) -> anyhow::Result<Output> {
        let input: Input = serde_json::from_value(input)?;
        self.projector.invoke(input).await.map_err(|error| anyhow::anyhow!("{error}"))
    }

    pub(crate) async fn deliver(&self, records: Vec<Value>) -> anyhow::Result<()> {
        let event: Event = serde_json::from_value(json!({ "Records": records }))?;
        let answer = self.projector.handle(event).await;
        let answer = answer.map_err(|error| anyhow::anyhow!("{error}"))?;
        ensure!(answer.batch_item_failures.is_empty(), "{answer:?}");
        Ok(())
    }

    /// Puts the item that a record tells of into the table.
    pub(crate) async fn put(&self, record: &Value) -> anyhow::Result<()> {
        let image: serde_dynamo::Item =
            serde_json::from_value(record["dynamodb"]["NewImage"].clone())?;
        let put = self.dynamodb.put_item().table_name(TABLE).set_item(Some(image.into()));
        put.send().await?;
        Ok(())
    }

    /// What the command function of another process has: another store, with keys of its own.
    pub(crate) fn elsewhere(&self) -> EventStore {
        let keys = personal_data::testing::keys(self.dynamodb.clone());
        EventStore::new(self.dynamodb.clone(), TABLE).with_keys(keys)
    }

    /// The records of what is in the table, as if it had been rewritten.
    pub(crate) async fn rewritten(&self) -> anyhow::Result<Vec<Value>> {
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
    pub(crate) fn values(&self, metric: &str, view: Option<&str>) -> anyhow::Result<Vec<f64>> {
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
