//! A product that goods have come in for a hundred thousand times.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use event_store::EventStore;
use journeys::{Desk, Order, TABLE, Table, Wire};
use ordering::{Product, Sku};
use serde_json::{Value, json};

const LONG: u64 = 100_000;
const SHORT: u64 = 10;

/// How many of the movements are of today; the others are of long ago.
const TODAY: u64 = 1_200;

/// DynamoDB's limit on one batch.
const BATCH: usize = 25;

/// How often a command is timed; the fastest counts, as the machine has other things to do.
const ROUNDS: u32 = 25;

#[tokio::test(flavor = "multi_thread")]
async fn a_product_with_100_000_movements_takes_a_command_like_one_with_10() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let wire = Wire::over(Table::in_file(&folder.path().join("dynamodb.sqlite")).await?).await?;
    let desk = Desk::open(&wire.endpoint());
    for (sku, movements) in [("LONG", LONG), ("SHORT", SHORT)] {
        desk.stocked(sku, 1).await?;
        move_stock(&desk, &wire.table, sku, movements).await?;
    }
    // no snapshot is there yet: the first load folds all of it, and leaves one
    let sku: Sku = "LONG".parse().map_err(|_| anyhow::anyhow!("no sku"))?;
    // nobody waits for it, so it has the SDK's own patience
    let patient = EventStore::new(wire.table.client(), TABLE);
    let folded = patient.load::<Product>(&sku.stream()).await?;
    ensure!(folded.version.0 == LONG);

    let (mut warm, mut cold) = ([Duration::MAX; 2], [Duration::MAX; 2]);
    let desk = Desk::open(&wire.endpoint());
    for round in 0..ROUNDS {
        for (place, sku) in ["LONG", "SHORT"].into_iter().enumerate() {
            let key = format!("round {round}");
            cold[place] = cold[place].min(timed(&Desk::open(&wire.endpoint()), sku, &key).await?);
            timed(&desk, sku, &format!("catch up {key}")).await?;
            warm[place] = warm[place].min(timed(&desk, sku, &format!("warm {key}")).await?);
        }
        if round == 0 {
            // the pages of requests that nobody left, as nobody sent these commands, are made now
            cold[0] = Duration::MAX;
        }
    }
    println!("long and short: warm {warm:?}, cold {cold:?}");
    ensure!(warm[0] < warm[1].mul_f64(1.5), "warm: {warm:?}");
    // a round trip to this engine takes less time than decoding what it brings, on AWS it does not:
    // so what counts is that the number of calls and of commits is bounded
    wire.calls();
    timed(&Desk::open(&wire.endpoint()), "LONG", "counted").await?;
    let calls: Vec<String> = wire.calls().into_iter().map(|call| call.operation).collect();
    let expected = ["Query", "GetItem", "Query", "PutItem"];
    ensure!(calls == expected, "newest, snapshot, pages, and the put: {calls:?}");
    Ok(())
}

/// How long a delivery takes that is sent to `desk`.
async fn timed(desk: &Desk, sku: &str, key: &str) -> anyhow::Result<Duration> {
    let path = format!("/products/{sku}/stock");
    let order = Order::post(&path, &json!({"received": 1})).once(&format!("{sku} {key}"));
    let start = Instant::now();
    desk.send(&order).await?.expect(200)?;
    Ok(start.elapsed())
}

/// Fills the stream of a product up to version `last`, with commits like its own last one.
async fn move_stock(desk: &Desk, table: &Table, sku: &str, last: u64) -> anyhow::Result<()> {
    timed(desk, sku, "the pattern").await?;
    let http = reqwest::Client::new();
    let key = json!({"stream": {"S": format!("product-{sku}")}, "version": {"N": "3"}});
    let found = json!({"TableName": TABLE, "Key": key});
    let pattern = call(&http, table, "GetItem", &found).await?["Item"].clone();
    ensure!(pattern.is_object(), "the third commit is there");
    let versions: Vec<u64> = (4..=last).collect();
    for batch in versions.chunks(BATCH) {
        let puts: Vec<Value> = batch
            .iter()
            .map(|version| json!({"PutRequest": {"Item": at(&pattern, *version)}}))
            .collect();
        call(&http, table, "BatchWriteItem", &json!({"RequestItems": {TABLE: puts}})).await?;
    }
    Ok(())
}

/// The commit at another version, of another request.
fn at(pattern: &Value, version: u64) -> Value {
    let mut item = pattern.clone();
    item["version"]["N"] = json!(version.to_string());
    if version <= LONG - TODAY {
        item["recorded_at"]["S"] = json!("2026-01-02T03:04:05Z");
    }
    item["metadata"]["M"]["command_id"]["S"] = json!(format!("command-{version}"));
    item["metadata"]["M"]["request"]["M"]["key"]["S"] = json!(format!("{version:032x}"));
    item
}

async fn call(
    http: &reqwest::Client,
    table: &Table,
    operation: &str,
    body: &Value,
) -> anyhow::Result<Value> {
    let request = http
        .post(&table.endpoint)
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
        .header("x-amz-date", "20260101T000000Z");
    let answer = request.json(body).send().await?;
    let status = answer.status();
    let said: Value = answer.json().await.context("no JSON")?;
    ensure!(status.is_success(), "{operation}: {said}");
    Ok(said)
}
