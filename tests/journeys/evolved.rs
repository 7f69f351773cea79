//! An event whose shape has changed: what was stored before lies beside what is stored now.

use journeys::Shop;
use serde_json::{Value, json};

use crate::operations::put_commit;

/// As it was stored until payments named their currency.
const PAYMENT: &str = r#"{"payment_reference":"pay-1","amount_cents":250}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_from_before_is_folded_shown_and_rebuilt_like_one_of_today() -> anyhow::Result<()>
{
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 9).await?;
    let (before, today) = (order(&shop, "ann").await?, order(&shop, "bob").await?);
    put_commit(&shop, &format!("order-{before}"), 2, "OrderPaid", PAYMENT).await?;
    let pay = json!({"payment_reference": "pay-1", "amount_cents": 250});
    staff.post(&format!("/orders/{today}/pay"), pay).await?.expect(200)?;

    let mut shown = Vec::new();
    for order in [&before, &today] {
        let parcel = json!({"carrier": "UPS", "tracking_number": "1Z-1"});
        let shipped = staff.post(&format!("/orders/{order}/ship"), parcel).await?.expect(200)?;
        let read = staff.get_after(&shipped, &format!("/orders/{order}")).await?.expect(200)?;
        assert_eq!(read.body["status"], "shipped");
        shown.push(read.body);
    }
    let paid = |order: &Value| order["timeline"][1]["data"].clone();
    assert_eq!(paid(&shown[0])["currency"], "USD", "{}", shown[0]);
    assert_eq!(paid(&shown[0]), paid(&shown[1]));
    assert_eq!(stored_version(&shop, &before).await?, 1, "the trail shows what was recorded");
    assert_eq!(stored_version(&shop, &today).await?, 2);

    let rebuilt = shop.millrace(&["rebuild"]).await?;
    assert!(rebuilt.status.success(), "{rebuilt:?}");
    let verified = shop.millrace(&["verify", "--all"]).await?;
    assert!(verified.status.success(), "{verified:?}");
    for (order, shown) in [&before, &today].into_iter().zip(shown) {
        assert_eq!(staff.get(&format!("/orders/{order}")).await?.expect(200)?.body, shown);
    }
    shop.stack.stop().await;
    Ok(())
}

/// Places an order of one packet of tea.
async fn order(shop: &Shop, name: &str) -> anyhow::Result<String> {
    let staff = &shop.staff;
    let customer = staff.customer(name).await?;
    let cart = staff.cart(&customer, &[("TEA", 1)]).await?;
    let bought = staff.post(&format!("/carts/{cart}/checkout"), json!({})).await?.expect(201)?;
    Ok(bought.text("order_id")?.to_owned())
}

/// The schema version in which the payment of an order is on record.
async fn stored_version(shop: &Shop, order: &str) -> anyhow::Result<u64> {
    let trail = shop.staff.get(&format!("/streams/order-{order}/events")).await?.expect(200)?;
    Ok(trail.body["items"][1]["schema_version"].as_u64().unwrap_or_default())
}
