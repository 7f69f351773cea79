//! What a customer and the staff do on a good day.

use journeys::{Answer, Caller, Shop};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_paid_shipped_delivered_and_partly_returned() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    let (tea, jam) = (staff.stocked("TEA", 250, 9).await?, staff.stocked("JAM", 399, 9).await?);
    let ann = staff.customer("ann").await?;
    let shopper = shop.shopper(&ann)?;
    let cart = shopper.cart(&ann, &[(&tea, 2), (&jam, 1)]).await?;

    let placed = shopper.post(&format!("/carts/{cart}/checkout"), json!({})).await?.expect(201)?;
    let order = placed.text("order_id")?;
    assert_eq!(placed.header("location")?, format!("/orders/{order}"));
    let path = format!("/orders/{order}");
    let seen = shopper.get_after(&placed, &path).await?.expect(200)?.body;
    assert_eq!((&seen["status"], &seen["total_cents"]), (&json!("placed"), &json!(899)));
    assert_eq!(seen["customer_name"], "ann");
    assert_eq!(seen["lines"].as_array().map(Vec::len), Some(2));
    let stock = shopper.get_after(&placed, "/products/TEA").await?.expect(200)?.body;
    assert_eq!((&stock["stock"], &stock["units_sold"]), (&json!(7), &json!(2)));

    let less = json!({"payment_reference": "card-1", "amount_cents": 898});
    shopper.post(&format!("{path}/pay"), less).await?.refused(422, "amount-differs")?;
    let payment = json!({"payment_reference": "card-1", "amount_cents": 899});
    shopper.post(&format!("{path}/pay"), payment).await?.expect(200)?;
    let parcel = json!({"carrier": "Hermes", "tracking_number": "H-1"});
    staff.post(&format!("{path}/ship"), parcel).await?.expect(200)?;
    let late = json!({"reason": "late"});
    shopper.post(&format!("{path}/cancel"), late).await?.refused(422, "already-shipped")?;
    staff.post(&format!("{path}/deliver"), json!({})).await?.expect(200)?;
    let back = json!({"lines": [{"sku": "TEA", "quantity": 1}], "reason": "stale"});
    let returned = shopper.post(&format!("{path}/return"), back).await?.expect(200)?;

    let seen = shopper.get_after(&returned, &path).await?.expect(200)?;
    assert_eq!(version(&seen)?, version(&returned)?);
    assert_eq!(seen.body["refund_cents"], 250);
    let timeline = seen.body["timeline"].as_array().cloned().unwrap_or_default();
    let types: Vec<_> = timeline.iter().map(|event| event["type"].as_str()).collect();
    let expected = ["OrderPlaced", "OrderPaid", "OrderShipped", "OrderDelivered", "ItemsReturned"];
    assert_eq!(types, expected.map(Some));
    let customer = shopper.get(&format!("/customers/{ann}")).await?.expect(200)?.body;
    assert_eq!(
        (&customer["order_count"], &customer["lifetime_value_cents"]),
        (&json!(1), &json!(649))
    );
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_order_gives_its_stock_back_once() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 3).await?;
    let ann = staff.customer("ann").await?;
    let cart = staff.cart(&ann, &[("TEA", 3)]).await?;
    let placed = staff.post(&format!("/carts/{cart}/checkout"), json!({})).await?.expect(201)?;
    let cancel = format!("/orders/{}/cancel", placed.text("order_id")?);
    let first = staff.post(&cancel, json!({"reason": "late"})).await?.expect(200)?;
    let second = staff.post(&cancel, json!({"reason": "late"})).await?.expect(200)?;
    assert_eq!(first.body["version"], second.body["version"]);
    let tea = staff.get_after(&first, "/products/TEA").await?.expect(200)?.body;
    assert_eq!((&tea["stock"], &tea["units_sold"]), (&json!(3), &json!(0)));
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_has_one_effect_and_gets_the_first_answer() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 9).await?;
    let ann = json!({"name": "ann", "email": "ann@example.com"});
    let first = staff.post_once("k-1", "/customers", ann.clone()).await?.expect(201)?;
    let again = staff.post_once("k-1", "/customers", ann.clone()).await?.expect(201)?;
    assert_eq!(first.body, again.body);
    for header in ["etag", "location", "consistency-token"] {
        assert_eq!(first.header(header)?, again.header(header)?);
    }
    assert_eq!(again.header("idempotency-replayed")?, "true");
    let other = json!({"name": "bob", "email": "bob@example.com"});
    let reused = staff.post_once("k-1", "/customers", other).await?;
    reused.refused(422, "idempotency-key-reused")?;
    staff.post("/customers", ann).await?.refused(409, "email-taken")?;

    let cart = staff.cart(&first.id()?, &[("TEA", 2)]).await?;
    let checkout = format!("/carts/{cart}/checkout");
    let attempts = (0..8).map(|_| staff.post_once("k-2", &checkout, json!({})));
    for answer in futures::future::try_join_all(attempts).await? {
        answer.expect(201)?;
    }
    let price = |cents: i64| json!({"unit_price_cents": cents});
    staff.post_once("k-3", "/products/TEA/price", price(250)).await?.expect(200)?;
    staff.post("/products/TEA/price", price(300)).await?.expect(200)?;
    staff.post_once("k-3", "/products/TEA/price", price(250)).await?.expect(200)?;
    let tea = staff.post_once("k-2", &checkout, json!({})).await?.expect(201)?;
    let tea = staff.get_after(&tea, "/products/TEA").await?.expect(200)?.body;
    assert_eq!(tea["stock"], 7);
    let last = staff.post("/products/TEA/stock", json!({"received": 1})).await?.expect(200)?;
    let tea = staff.get_after(&last, "/products/TEA").await?.expect(200)?;
    assert_eq!(tea.body["unit_price_cents"], 300, "a late retry of no change changes nothing");
    assert_eq!(version(&tea)?, version(&last)?);
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_given_up_is_free_again() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    let ann = staff.customer("ann").await?;
    let moved = json!({"email": "ANN@new.example.com"});
    let moved = staff.post(&format!("/customers/{ann}/email"), moved).await?.expect(200)?;
    let seen = staff.get_after(&moved, &format!("/customers/{ann}")).await?.expect(200)?.body;
    assert_eq!(seen["email"], "ANN@new.example.com");
    let taken = json!({"name": "bob", "email": "ann@NEW.example.com"});
    staff.post("/customers", taken).await?.refused(409, "email-taken")?;
    staff.customer("ann").await?;
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_is_not_there() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 9).await?;
    let (ann, bob) = (staff.customer("ann").await?, staff.customer("bob").await?);
    let (cart, other) = (staff.cart(&ann, &[("TEA", 1)]).await?, shop.shopper(&bob)?);
    let checkout = format!("/carts/{cart}/checkout");
    other.post(&checkout, json!({})).await?.refused(404, "not-found")?;
    other.post("/carts", json!({"customer_id": ann})).await?.refused(404, "not-found")?;
    let placed = staff.post(&checkout, json!({})).await?.expect(201)?;
    let order = format!("/orders/{}", placed.text("order_id")?);
    for path in [&order, &format!("/carts/{cart}"), &format!("/customers/{ann}")] {
        staff.get_after(&placed, path).await?.expect(200)?;
        other.get(path).await?.refused(404, "not-found")?;
    }
    let probe = other.request(reqwest::Method::POST, &format!("/carts/{cart}/items"));
    let probe = probe.header("if-match", "\"99\"").json(&json!({"sku": "TEA", "quantity": 1}));
    Caller::send(probe).await?.refused(404, "not-found")?;
    let payment = json!({"payment_reference": "card-1", "amount_cents": 250});
    other.post(&format!("{order}/pay"), payment).await?.refused(404, "not-found")?;
    other.post(&format!("{order}/deliver"), json!({})).await?.expect(403)?;
    other.get("/reports/sales?from=2026-01-01&to=2027-01-01&by=day").await?.expect(403)?;
    shop.stack.stop().await;
    Ok(())
}

/// The version in an entity tag; a query's has a digest of the answer behind it.
fn version(answer: &Answer) -> anyhow::Result<String> {
    let tag = answer.header("etag")?.trim_matches('"').to_owned();
    Ok(tag.split_once('-').map_or(tag.clone(), |(version, _)| version.to_owned()))
}
