//! The events, restored to a moment before a mistake, and proved before anybody uses them:
//! `docs/operations.md`, "Restore the events", as far as one machine goes.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use journeys::Shop;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};

const RESTORED: &str = "restored-events";

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_moment_before_a_mistake_give_the_rows_of_that_moment() -> anyhow::Result<()>
{
    let shop = Shop::open().await?;
    shop.staff.stocked("TEA", 250, 10).await?;
    let ann = shop.staff.customer("ann").await?;
    let cart = shop.staff.cart(&ann, &[("TEA", 2)]).await?;
    let placed = shop.staff.post(&format!("/carts/{cart}/checkout"), json!({})).await?;
    let order = format!("/orders/{}", placed.expect(201)?.body["order_id"].as_str().unwrap_or(""));
    restore_as_of_now(&shop).await?;
    shop.staff.post("/products/TEA/discontinue", json!({})).await?.expect(200)?;
    let cancel = format!("{order}/cancel");
    let mistake = shop.staff.post(&cancel, json!({"reason": "a mistake"}));
    let mistake = mistake.await?.expect(200)?;
    let live = shop.staff.get_after(&mistake, &order).await?.expect(200)?;
    assert_eq!(live.body["status"], "cancelled");

    let rehearsal = rehearsal_database(&shop).await?;
    let there = [("EVENT_TABLE", RESTORED), ("DATABASE_URL", rehearsal.as_str())];
    let rebuilt = shop.millrace_with(&there, &["rebuild"]).await?;
    let said = String::from_utf8_lossy(&rebuilt.stdout);
    assert!(rebuilt.status.success() && said.contains("copied 9 commits"), "{rebuilt:?}");
    let verified = shop.millrace_with(&there, &["verify", "--all"]).await?;
    assert!(verified.status.success(), "{verified:?}");

    let mut rows = PgConnection::connect(&rehearsal).await?;
    let (status, discontinued, stock): (String, bool, i64) =
        sqlx::query_as("select status, discontinued, stock from order_history, product")
            .fetch_one(&mut rows)
            .await?;
    assert_eq!((status.as_str(), discontinued, stock), ("placed", false, 8));
    shop.stack.stop().await;
    Ok(())
}

/// What a restore to this moment makes: a table with the same items, and no stream.
async fn restore_as_of_now(shop: &Shop) -> anyhow::Result<()> {
    let client = shop.stack.dynamodb_client();
    let mut table = client.create_table().table_name(RESTORED);
    for (name, kind, role) in [
        ("stream", ScalarAttributeType::S, KeyType::Hash),
        ("version", ScalarAttributeType::N, KeyType::Range),
    ] {
        let key = KeySchemaElement::builder().attribute_name(name).key_type(role).build()?;
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(kind);
        table = table.key_schema(key).attribute_definitions(attribute.build()?);
    }
    table.billing_mode(BillingMode::PayPerRequest).send().await?;
    let items = client.scan().table_name(local_stack::TABLE_NAME).consistent_read(true);
    for item in items.send().await?.items.unwrap_or_default() {
        client.put_item().table_name(RESTORED).set_item(Some(item)).send().await?;
    }
    Ok(())
}

/// An empty read model beside the live one.
async fn rehearsal_database(shop: &Shop) -> anyhow::Result<String> {
    let live = shop.stack.database_url();
    let mut owner = PgConnection::connect(&live).await?;
    owner.execute("create database rehearsal").await?;
    let rehearsal = live.replace("/millrace?", "/rehearsal?");
    let mut rehearsing = PgConnection::connect(&rehearsal).await?;
    ordering_views::MIGRATOR.run_direct(None, &mut rehearsing, false).await?;
    Ok(rehearsal)
}
