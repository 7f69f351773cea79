//! What cannot be applied, as the table's stream brings it.

use anyhow::ensure;
use ordering::OrderId;
use serde_json::{Value, json};

use crate::{added, mill::Mill, record};

const LONG_AGO: &str = "-262000-01-01T00:00:00Z";

/// The first commit of an order that was bought elsewhere.
fn imported() -> Value {
    let order = json!({
        "reference": "77", "customer_id": OrderId::imported("somebody"), "status": "delivered",
        "placed_at": "2017-01-31T12:00:00Z", "total_cents": 349, "currency": "USD",
        "lines": [{ "sku": "TEA", "quantity": 1, "unit_price_cents": 349 }],
    });
    let mut record = record("INSERT", 1, "OrderImported", &order);
    let stream = json!({ "S": OrderId::imported("77").stream().to_string() });
    record["dynamodb"]["Keys"]["stream"] = stream.clone();
    record["dynamodb"]["NewImage"]["stream"] = stream;
    record
}

/// The same with another event.
fn with_event(change: impl Fn(&mut Value)) -> Value {
    let mut record = imported();
    change(&mut record["dynamodb"]["NewImage"]["events"]["L"][0]["M"]);
    record
}

/// The same with something else in its payload.
fn with_payload(field: &str, value: Value) -> Value {
    with_event(|event| {
        let text = event["data"]["S"].as_str().unwrap_or_default();
        let mut data: Value = serde_json::from_str(text).unwrap_or_default();
        data[field] = value.clone();
        event["data"]["S"] = json!(data.to_string());
    })
}

#[tokio::test]
async fn each_kind_of_poison_parks_its_stream_and_the_others_go_through() -> anyhow::Result<()> {
    let with_a_nul = |mut record: Value| {
        record["dynamodb"]["NewImage"]["metadata"]["M"]["actor"]["S"] = json!("a\0nn");
        record
    };
    for (poison, complaint) in [
        (with_event(|event| event["type"]["S"] = json!("OrderRiddled")), "OrderRiddled"),
        (with_event(|event| event["schema_version"]["N"] = json!("9")), "version"),
        (with_event(|event| event["data"]["S"] = json!("{")), "EOF"),
        (with_payload("total_cents", json!("much")), "expected i64"),
        (with_payload("placed_at", json!("2017-02-30T12:00:00Z")), "input is out of range"),
        // Chrono's first year is before Postgres's.
        (
            with_event(|event| event["occurred_at"] = json!({ "S": LONG_AGO })),
            "timestamp out of range",
        ),
        (with_a_nul(imported()), "0x00"),
    ] {
        let mill = Mill::new().await?;
        let mut next = record("INSERT", 2, "OrderCancelled", &json!({ "reason": "late" }));
        next["dynamodb"]["Keys"]["stream"] = poison["dynamodb"]["Keys"]["stream"].clone();
        next["dynamodb"]["NewImage"]["stream"] = poison["dynamodb"]["Keys"]["stream"].clone();
        mill.put(&poison).await?;
        mill.put(&next).await?;
        mill.deliver(vec![poison, added(), next]).await?;

        let quarantined: Vec<(i64, String)> =
            sqlx::query_as("select version, error from quarantine").fetch_all(&mill.pool).await?;
        let [(1, error)] = quarantined.as_slice() else {
            anyhow::bail!("{complaint}: {quarantined:?}")
        };
        ensure!(error.contains(complaint), "{complaint}: {error}");
        let rows: (i64, i64, i64) = sqlx::query_as(
            "select (select count(*) from order_history), (select count(*) from product), \
             (select count(*) from position where parked)",
        )
        .fetch_one(&mill.pool)
        .await?;
        ensure!(rows == (0, 1, 1), "{complaint}: {rows:?}");
        ensure!(mill.values("Quarantined", None)? == [1.0], "{complaint}");
    }
    Ok(())
}
