//! A product that goods have come in for very often.

use anyhow::{Context, ensure};
use event_store::EventStore;
use ordering::{Product, Sku};
use serde_json::{Value, json};

use crate::{Desk, Order, TABLE, Table};

/// How many of the movements are of today, at most; the others are of long ago.
const TODAY: u64 = 1_200;

/// DynamoDB's limit on one batch.
const BATCH: usize = 25;

/// Makes a product whose stream ends at version `last`: each of its commits is one movement, but
/// for the first. A long one has a snapshot, as if commands had come one by one.
///
/// # Errors
/// When the shop or the table refuses.
pub async fn product_moved_often(
    desk: &Desk,
    table: &Table,
    sku: &str,
    last: u64,
) -> anyhow::Result<()> {
    desk.stocked(sku, 1).await?;
    let path = format!("/products/{sku}/stock");
    let pattern = Order::post(&path, &json!({"received": 1})).once(&format!("{sku}, the pattern"));
    desk.send(&pattern).await?.expect(200)?;
    repeat_the_third(table, sku, last).await?;
    // nobody waits for it, so it has the SDK's own patience
    let patient = EventStore::new(table.client(), TABLE);
    let sku: Sku = sku.parse().map_err(|_| anyhow::anyhow!("no sku"))?;
    let folded = patient.load::<Product>(&sku.stream()).await?;
    ensure!(folded.version.0 == last, "{:?} instead of {last}", folded.version);
    Ok(())
}

/// Fills the stream of a product up to version `last`, with commits like its third.
async fn repeat_the_third(table: &Table, sku: &str, last: u64) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    let key = json!({"stream": {"S": format!("product-{sku}")}, "version": {"N": "3"}});
    let found = json!({"TableName": TABLE, "Key": key});
    let pattern = dynamodb(&http, table, "GetItem", &found).await?["Item"].clone();
    ensure!(pattern.is_object(), "the third commit is there");
    let versions: Vec<u64> = (4..=last).collect();
    for batch in versions.chunks(BATCH) {
        let put = |version: &u64| json!({"PutRequest": {"Item": at(&pattern, *version, last)}});
        let puts: Vec<Value> = batch.iter().map(put).collect();
        dynamodb(&http, table, "BatchWriteItem", &json!({"RequestItems": {TABLE: puts}})).await?;
    }
    Ok(())
}

/// The commit at another version, of another request.
fn at(pattern: &Value, version: u64, last: u64) -> Value {
    let mut item = pattern.clone();
    item["version"]["N"] = json!(version.to_string());
    if version + TODAY <= last {
        item["recorded_at"]["S"] = json!("2026-01-02T03:04:05Z");
    }
    item["metadata"]["M"]["command_id"]["S"] = json!(format!("command-{version}"));
    item["metadata"]["M"]["request"]["M"]["key"]["S"] = json!(format!("{version:032x}"));
    item
}

/// Calls DynamoDB without the SDK, in JSON as it has it on the wire.
///
/// # Errors
/// When it says no.
pub async fn dynamodb(
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
