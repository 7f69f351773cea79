//! More buyers than goods.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use journeys::Shop;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_buyers_of_twenty_pieces_twenty_get_one() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("RARE", 100, 20).await?;
    let ann = staff.customer("ann").await?;
    let carts = (0..50).map(|_| staff.cart(&ann, &[("RARE", 1)]));
    let carts = try_join_all(carts).await?;

    let checkouts = carts
        .iter()
        .map(|cart| async move { staff.post(&format!("/carts/{cart}/checkout"), json!({})).await });
    let answers = try_join_all(checkouts).await?;
    let mut outcomes: BTreeMap<(u16, String), u32> = BTreeMap::new();
    for answer in &answers {
        let kind = answer.body["type"].as_str().unwrap_or("placed").to_owned();
        *outcomes.entry((answer.status, kind)).or_default() += 1;
    }
    let expected = [((201, "placed".to_owned()), 20), ((422, "out-of-stock".to_owned()), 30)];
    assert_eq!(outcomes, BTreeMap::from(expected));

    for placed in answers.iter().filter(|answer| answer.status == 201) {
        let order = format!("/orders/{}", placed.text("order_id")?);
        let order = staff.get_after(placed, &order).await?.expect(200)?.body;
        assert_eq!(order["total_cents"], 100);
    }
    let rare = staff.get("/products/RARE").await?.expect(200)?.body;
    assert_eq!((&rare["stock"], &rare["units_sold"]), (&json!(0), &json!(20)));
    let orders = staff.get(&format!("/customers/{ann}/orders?limit=100")).await?.expect(200)?;
    assert_eq!(orders.body["items"].as_array().map(Vec::len), Some(20));
    shop.stack.stop().await;
    Ok(())
}
