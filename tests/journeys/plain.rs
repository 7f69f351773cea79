//! Somebody who is to be forgotten and was on record before there were keys: in plain events.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::ensure;
use aws_sdk_dynamodb::types::AttributeValue;
use event_store::SNAPSHOT_AT;
use journeys::Shop;
use local_stack::TABLE_NAME;
use serde_json::{Value, json};

use crate::{
    erasure::{EMAIL, NAME, NEW_EMAIL, REFERENCE, rows_of, tells_nothing},
    operations::put_commit,
    rebuild::export,
};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_leaves_the_events_that_were_never_sealed() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    let id = a_customer_in_plain_events(&shop).await?;
    let path = format!("/customers/{id}");
    let (shown, table) = (staff.get(&path).await?.expect(200)?, table(&shop).await?);
    assert_eq!((&shown.body["name"], &shown.body["email"]), (&json!(NAME), &json!(NEW_EMAIL)));
    ensure!(table.contains(NAME) && table.contains(EMAIL), "plain, before anybody asked for it");

    let rebuilt = shop.millrace(&["rebuild"]).await?;
    ensure!(rebuilt.status.success(), "a generation before this one: {rebuilt:?}");
    let before = export(&shop.stack.dynamodb_client()).await?;
    let before = before.path().to_str().unwrap_or_default();

    let erased = staff.post(&format!("{path}/erase"), json!({})).await?.expect(200)?;
    staff.get_after(&erased, &path).await?.expect(200)?;
    leaves_no_trace(&shop, &id).await?;
    let from_before = ["rebuild", "--from", "export", before, "--accept-differences"];
    for proof in [
        &["verify", "--all"][..],
        &["rebuild"],
        &["rollback"],
        &from_before,
        &["sweep"],
        &["verify", "--all"],
    ] {
        let proved = shop.millrace(proof).await?;
        ensure!(proved.status.success(), "{proof:?}: {proved:?}");
        leaves_no_trace(&shop, &id).await?;
    }
    let successor = json!({"name": NAME, "email": NEW_EMAIL});
    staff.post("/customers", successor).await?.expect(201)?;
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_while_their_events_stayed_plain_is_erased_again() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let id = a_customer_in_plain_events(&shop).await?;
    put_commit(&shop, &format!("customer-{id}"), 3, "CustomerErased", "{}").await?;
    let path = format!("/customers/{id}/erase");
    shop.staff.post(&path, json!({})).await?.expect(200)?;
    tells_nothing("the event table", table(&shop).await?.as_bytes())?;
    shop.stack.stop().await;
    Ok(())
}

/// Rewrites what is on record of somebody into what it would have been in the first release, with
/// a snapshot of that time.
async fn a_customer_in_plain_events(shop: &Shop) -> anyhow::Result<String> {
    let staff = &shop.staff;
    let customer = json!({"name": NAME, "email": EMAIL, "reference": REFERENCE});
    let id = staff.post("/customers", customer.clone()).await?.expect(201)?.id()?;
    let path = format!("/customers/{id}");
    let moved = json!({"email": NEW_EMAIL});
    let sealed = staff.post(&format!("{path}/email"), moved.clone()).await?.expect(200)?;
    staff.get_after(&sealed, &path).await?.expect(200)?;
    let stream = format!("customer-{id}");
    put_commit(shop, &stream, 1, "CustomerRegistered", &customer.to_string()).await?;
    put_commit(shop, &stream, 2, "EmailChanged", &moved.to_string()).await?;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: i64| AttributeValue::N(number.to_string());
    let state = json!({"version": 2, "state": {"Registered": {"email": NEW_EMAIL}}});
    let snapshot = shop.stack.dynamodb_client().put_item().table_name(TABLE_NAME);
    snapshot
        .item("stream", text(&stream))
        .item("version", number(SNAPSHOT_AT))
        .item("kind", text("snapshot"))
        .item("folded_version", number(2))
        .item("shape", number(1))
        .item("folded", text(&state.to_string()))
        .send()
        .await?;
    until_plain(shop, &format!("/streams/{stream}/events")).await?;
    Ok(id)
}

/// Waits until the audit trail shows both events as they are now.
async fn until_plain(shop: &Shop, trail: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let shown = shop.staff.get(trail).await?.expect(200)?.body;
        if (0..2).all(|place| shown["items"][place]["schema_version"] == 1) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{shown}");
    }
}

/// Neither in the table, nor in any row, nor in the audit trail.
async fn leaves_no_trace(shop: &Shop, id: &str) -> anyhow::Result<()> {
    tells_nothing("the event table", table(shop).await?.as_bytes())?;
    let variables = std::fs::read_to_string(shop.stack.data_dir().join("env"))?;
    let url = variables.lines().find_map(|line| line.strip_prefix("DATABASE_URL="));
    for (table, rows) in rows_of(url.unwrap_or_default()).await? {
        tells_nothing(table, rows.as_bytes())?;
    }
    let customer = shop.staff.get(&format!("/customers/{id}")).await?.expect(200)?.body;
    let shown = ["name", "email", "reference"].map(|field| customer[field].clone());
    assert_eq!(shown, [json!("erased"), json!("erased"), Value::Null]);
    let trail = shop.staff.get(&format!("/streams/customer-{id}/events")).await?.expect(200)?.body;
    let gone = json!({"erased": true});
    let data = |place: usize| &trail["items"][place]["data"];
    assert_eq!([&data(0)["name"], &data(0)["reference"], &data(1)["email"]], [&gone; 3]);
    Ok(())
}

/// All that is in the event table.
async fn table(shop: &Shop) -> anyhow::Result<String> {
    let scan = shop.stack.dynamodb_client().scan().table_name(TABLE_NAME).send().await?;
    let items: Vec<HashMap<String, AttributeValue>> = scan.items.unwrap_or_default();
    Ok(format!("{items:?}"))
}
