//! What the operator does at night, with `millrace`.

use std::process::Output;

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use journeys::Shop;
use serde_json::json;
use sqlx::{Connection, PgConnection};

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_changed_is_told_by_its_column() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    shop.staff.stocked("TEA", 250, 1).await?;
    let last = shop.staff.post("/products/TEA/stock", json!({"received": 1})).await?;
    shop.staff.get_after(&last, "/products/TEA").await?.expect(200)?;
    let well = shop.millrace(&["verify", "--sample", "9"]).await?;
    assert!(well.status.success(), "{well:?}");
    let mut read_model = PgConnection::connect(&shop.stack.database_url()).await?;
    sqlx::query("update product set stock = 99").execute(&mut read_model).await?;
    let wrong = shop.millrace(&["verify", "--all"]).await?;
    assert!(!wrong.status.success() && says(&wrong, "stock"), "{wrong:?}");
    assert!(says(&wrong, "TEA") && says(&wrong, "99"), "{wrong:?}");
    shop.stack.stop().await;
    Ok(())
}

/// A commit that this build cannot read: an event of a name that nobody knows.
const POISON: &str = "SomethingElse";

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_no_later_one_heals_is_found_by_a_sweep() -> anyhow::Result<()> {
    let shop = Shop::with_faults("lose=1,seed=1").await?;
    let ann = shop.staff.post("/customers", json!({"name": "ann", "email": "ann@example.com"}));
    let ann = ann.await?.expect(201)?;
    let path = format!("/customers/{}", ann.id()?);
    shop.staff.get_within(1, &ann, &path).await?.refused(503, "projection-lagging")?;
    let swept = shop.millrace(&["sweep"]).await?;
    assert!(says(&swept, "2 streams compared, 2 behind, 2 commits applied"), "{swept:?}");
    shop.staff.get_after(&ann, &path).await?.expect(200)?;
    let again = shop.millrace(&["sweep"]).await?;
    assert!(says(&again, "2 streams compared, 0 behind, 0 commits applied"), "{again:?}");
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_stream_waits_in_order_until_it_is_mended() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 1).await?;
    put_commit(&shop, "product-TEA", 3, POISON, "{}").await?;
    put_commit(&shop, "product-TEA", 4, "StockReceived", r#"{"quantity":5}"#).await?;
    staff.stocked("JAM", 399, 1).await?;
    parked(&shop, 1).await?;
    let jam = staff.post("/products/JAM/stock", json!({"received": 1})).await?.expect(200)?;
    assert_eq!(staff.get_after(&jam, "/products/JAM").await?.body["stock"], 2, "others go on");
    assert_eq!(staff.get("/products/TEA").await?.expect(200)?.body["stock"], 1);

    let status = shop.millrace(&["status"]).await?;
    assert!(!status.status.success() && says(&status, "Something is parked"), "{status:?}");
    let listed = shop.millrace(&["quarantine", "list"]).await?;
    assert!(says(&listed, "product-TEA 3: unknown event type"), "{listed:?}");
    let early = shop.millrace(&["quarantine", "redrive", "product-TEA"]).await?;
    assert!(!early.status.success() && says(&early, "parked again"), "{early:?}");

    put_commit(&shop, "product-TEA", 3, "StockReceived", r#"{"quantity":3}"#).await?;
    parked(&shop, 0).await?;
    assert_eq!(staff.get("/products/TEA").await?.expect(200)?.body["stock"], 9, "it was mended");
    let listed = shop.millrace(&["quarantine", "list", "--all"]).await?;
    assert!(says(&listed, "redriven"), "{listed:?}");
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refused_is_redriven_when_it_does_no_more() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let mut read_model = PgConnection::connect(&shop.stack.database_url()).await?;
    let refuse = "alter table product add constraint too_much check (stock < 5)";
    sqlx::query(refuse).execute(&mut read_model).await?;
    shop.staff.stocked("TEA", 250, 5).await?;
    shop.staff.post("/products/TEA/stock", json!({"received": 1})).await?.expect(200)?;
    parked(&shop, 1).await?;
    let drop = "alter table product drop constraint too_much";
    sqlx::query(drop).execute(&mut read_model).await?;
    let redriven = shop.millrace(&["quarantine", "redrive"]).await?;
    assert!(redriven.status.success() && says(&redriven, "2 commits applied"), "{redriven:?}");
    assert_eq!(shop.staff.get("/products/TEA").await?.expect(200)?.body["stock"], 6);
    parked(&shop, 0).await?;
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_commit_stays_on_the_record() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 1).await?;
    put_commit(&shop, "product-TEA", 3, POISON, "{}").await?;
    put_commit(&shop, "product-TEA", 4, "StockReceived", r#"{"quantity":5}"#).await?;
    parked(&shop, 1).await?;
    let skip = ["quarantine", "skip", "product-TEA", "--reason", "a test wrote it"];
    let skipped = shop.millrace(&skip).await?;
    assert!(skipped.status.success() && says(&skipped, "1 commits applied"), "{skipped:?}");
    let tea = staff.get("/products/TEA").await?.expect(200)?.body;
    assert_eq!((&tea["stock"], &tea["version"]), (&json!(6), &json!(4)));
    let shown = shop.millrace(&["quarantine", "show", "product-TEA"]).await?;
    assert!(says(&shown, "skipped") && says(&shown, "a test wrote it"), "{shown:?}");
    let twice = shop.millrace(&skip).await?;
    assert!(!twice.status.success(), "it is not parked any more: {twice:?}");
    shop.stack.stop().await;
    Ok(())
}

fn says(output: &Output, words: &str) -> bool {
    String::from_utf8_lossy(&output.stdout).contains(words)
}

/// Writes a commit past the write side, as a newer release or a mistake would.
pub(crate) async fn put_commit(
    shop: &Shop,
    stream: &str,
    version: u64,
    event: &str,
    data: &str,
) -> anyhow::Result<()> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let map = |pairs: &[(&str, AttributeValue)]| {
        AttributeValue::M(pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect())
    };
    let event = map(&[
        ("type", text(event)),
        ("schema_version", AttributeValue::N("1".to_owned())),
        ("data", text(data)),
    ]);
    let metadata =
        map(&[("actor", text("a test")), ("command_id", text("0")), ("correlation_id", text("0"))]);
    let put = shop.stack.dynamodb_client().put_item().table_name(local_stack::TABLE_NAME);
    put.item("stream", text(stream))
        .item("version", AttributeValue::N(version.to_string()))
        .item("kind", text("commit"))
        .item("recorded_at", text("2026-11-21T00:00:00Z"))
        .item("events", AttributeValue::L(vec![event]))
        .item("metadata", metadata)
        .send()
        .await?;
    Ok(())
}

/// Waits until so many streams are parked, by the API's own word.
async fn parked(shop: &Shop, streams: u64) -> anyhow::Result<()> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let projection = shop.staff.get("/projection").await?.expect(200)?.body;
        let views = projection["views"].as_array().context("there are views")?;
        let products = views.iter().find(|view| view["name"] == "products");
        let found = products.context("there is a view of products")?["parked_streams"].as_u64();
        if found == Some(streams) {
            assert_eq!(projection["caught_up"], streams == 0);
            return Ok(());
        }
        ensure!(tokio::time::Instant::now() < deadline, "{found:?} parked, not {streams}");
    }
}
