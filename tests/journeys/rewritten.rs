//! What is done to the event table past the write side: redactions, erasures, expiry.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::ensure;
use aws_sdk_dynamodb::types::AttributeValue;
use journeys::{Answer, Shop};
use local_stack::TABLE_NAME;
use serde_json::json;
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn of_an_erased_customer_nothing_is_left_but_that_there_was_one() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 9).await?;
    let ann = staff.customer("ann").await?;
    let cart = staff.cart(&ann, &[("TEA", 2)]).await?;
    let bought = staff.post(&format!("/carts/{cart}/checkout"), json!({})).await?.expect(201)?;
    let order = bought.text("order_id")?;
    let seen = staff.get_after(&bought, &format!("/orders/{order}")).await?.expect(200)?;
    assert_eq!(seen.body["customer_name"], "ann");
    assert_eq!(staff.get("/products/TEA").await?.body["units_sold"], 2);

    for stream in [format!("customer-{ann}"), format!("order-{order}")] {
        erase(&shop, &stream).await?;
        let trail = format!("/streams/{stream}/events");
        until(&shop, &trail, |answer| answer.status == 410).await?.refused(410, "erased")?;
    }
    for path in [format!("/customers/{ann}"), format!("/orders/{order}")] {
        staff.get_after(&bought, &path).await?.refused(404, "not-found")?;
    }
    assert_eq!(staff.get("/products/TEA").await?.body["units_sold"], 0, "it counts no more");
    proved(&shop).await?;
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_event_is_redacted_wherever_it_shows() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    let ann = staff.customer("ann").await?;
    let stream = format!("customer-{ann}");
    let path = format!("/customers/{ann}");
    let moved = json!({"email": "a@example.com"});
    let moved = staff.post(&format!("{path}/email"), moved).await?.expect(200)?;
    staff.get_after(&moved, &path).await?.expect(200)?;
    let digest = json!({"claim": "(redacted)", "spelling": "(redacted)"});
    let redacted = json!({"name": "(redacted)", "email": "nobody@example.com", "digest": digest});
    let redacted = redacted.to_string();
    let redact = shop.stack.dynamodb_client().update_item().table_name(TABLE_NAME);
    redact
        .set_key(Some(place(&stream, 1)))
        .update_expression("set events[0].#data = :redacted")
        .expression_attribute_names("#data", "data")
        .expression_attribute_values(":redacted", AttributeValue::S(redacted))
        .send()
        .await?;
    let seen = until(&shop, &path, |answer| answer.body["name"] == "(redacted)").await?;
    assert_eq!(seen.body["email"], "a@example.com", "what came after it still holds");
    let trail = staff.get(&format!("/streams/{stream}/events")).await?.expect(200)?;
    assert!(!trail.body.to_string().contains("\"ann\""), "{}", trail.body);
    assert_eq!(trail.body["items"][0]["data"]["name"], "(redacted)");
    proved(&shop).await?;
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_whose_time_is_over_is_gone_and_its_order_stays() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 9).await?;
    let ann = staff.customer("ann").await?;
    let cart = staff.cart(&ann, &[("TEA", 2)]).await?;
    let bought = staff.post(&format!("/carts/{cart}/checkout"), json!({})).await?.expect(201)?;
    let order = format!("/orders/{}", bought.text("order_id")?);
    staff.get_after(&bought, &order).await?.expect(200)?;
    let stream = format!("cart-{cart}");
    // Not longer ago: DynamoDB leaves alone what expired more than five years ago.
    let yesterday = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() - 86_400;
    for version in 1..=3 {
        let age = shop.stack.dynamodb_client().update_item().table_name(TABLE_NAME);
        age.set_key(Some(place(&stream, version)))
            .condition_expression("attribute_exists(expires_at)")
            .update_expression("set expires_at = :past")
            .expression_attribute_values(":past", AttributeValue::N(yesterday.to_string()))
            .send()
            .await?;
    }
    shop.stack.drop_what_expired().await;
    let trail = format!("/streams/{stream}/events");
    until(&shop, &trail, |answer| answer.status == 410).await?.refused(410, "expired")?;
    staff.get(&format!("/carts/{cart}")).await?.refused(404, "not-found")?;
    staff.get(&order).await?.expect(200)?;
    assert_eq!(staff.get("/products/TEA").await?.body["units_sold"], 2);
    proved(&shop).await?;
    shop.stack.stop().await;
    Ok(())
}

/// The sweep finds nothing to do, and the rows are what the table says.
async fn proved(shop: &Shop) -> anyhow::Result<()> {
    let swept = shop.millrace(&["sweep"]).await?;
    let said = String::from_utf8_lossy(&swept.stdout);
    ensure!(said.contains(" 0 behind"), "{said}");
    let verified = shop.millrace(&["verify", "--all"]).await?;
    ensure!(verified.status.success(), "{verified:?}");
    Ok(())
}

/// Takes all commits of a stream out of the table, the newest first.
async fn erase(shop: &Shop, stream: &str) -> anyhow::Result<()> {
    let client = shop.stack.dynamodb_client();
    let commits = client.query().table_name(TABLE_NAME).scan_index_forward(false);
    let commits = commits
        .key_condition_expression("#stream = :stream")
        .expression_attribute_names("#stream", "stream")
        .expression_attribute_values(":stream", AttributeValue::S(stream.to_owned()))
        .send()
        .await?;
    for item in commits.items() {
        let key = ["stream", "version"].map(|name| (name.to_owned(), item[name].clone()));
        let delete = client.delete_item().table_name(TABLE_NAME);
        delete.set_key(Some(HashMap::from(key))).send().await?;
    }
    Ok(())
}

fn place(stream: &str, version: u64) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("stream".to_owned(), AttributeValue::S(stream.to_owned())),
        ("version".to_owned(), AttributeValue::N(version.to_string())),
    ])
}

/// Asks until the answer is as it should be: no token names what is done past the write side.
async fn until(shop: &Shop, path: &str, so: impl Fn(&Answer) -> bool) -> anyhow::Result<Answer> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = shop.staff.get(path).await?;
        if so(&answer) {
            return Ok(answer);
        }
        ensure!(Instant::now() < deadline, "{path} stays {} {}", answer.status, answer.body);
    }
}
