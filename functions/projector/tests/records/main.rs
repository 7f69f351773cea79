//! What single records do, and what the projector tells of it.

#[path = "../any_delivery/dynamodb.rs"]
mod dynamodb;
mod erased;
mod mill;
mod poison;

use mill::Mill;
use projector::Output;
use serde_json::{Value, json};

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
async fn what_was_never_delivered_is_read_from_the_table_and_counted() -> anyhow::Result<()> {
    let mill = Mill::new().await?;
    for record in [added(), received(2), received(3)] {
        mill.put(&record).await?;
    }
    mill.deliver(vec![received(3)]).await?;
    assert_eq!(mill.values("Heals", None)?, [1.0], "one stream was read");
    assert_eq!(mill.values("Applied", None)?, [3.0]);
    mill.deliver(vec![received(2)]).await?;
    assert_eq!(mill.values("Heals", None)?, [1.0, 0.0]);
    assert_eq!(mill.values("Duplicates", None)?, [0.0, 1.0]);
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
    mill.deliver(mill.rewritten().await?).await?;
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
