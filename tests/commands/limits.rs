//! What is too much, and how that is said.

use anyhow::ensure;
use journeys::{Desk, Fault, Order, Wire};
use serde_json::{Value, json};

type Outcome = anyhow::Result<()>;

async fn shop() -> anyhow::Result<(Wire, Desk, String)> {
    let wire = Wire::lay().await?;
    let desk = Desk::open(&wire.endpoint());
    let ann = desk.customer("ann").await?;
    Ok((wire, desk, ann))
}

/// 98 products, the cart and the order are the 100 items of one transaction.
#[tokio::test]
async fn a_cart_takes_98_products_and_all_of_them_are_checked_out_and_cancelled() -> Outcome {
    let (_wire, desk, ann) = shop().await?;
    let cart = desk.cart(&ann, &[]).await?;
    let items = format!("/carts/{cart}/items");
    for number in 0..99 {
        desk.stocked(&format!("P{number}"), 1).await?;
        let item = Order::post(&items, &json!({"sku": format!("P{number}"), "quantity": 1}));
        let said = desk.send(&item).await?;
        if number < 98 {
            said.expect(200)?;
        } else {
            let refused = said.refused(422, "cart-full")?;
            let detail = refused.body["detail"].as_str().unwrap_or_default();
            ensure!(detail.contains("98"), "it names the limit: {detail}");
        }
    }
    let checkout = Order::post(&format!("/carts/{cart}/checkout"), &json!(null));
    let placed = desk.send(&checkout).await?.expect(201)?;
    let order = placed.body["order_id"].as_str().unwrap_or_default();
    let cancel = Order::post(&format!("/orders/{order}/cancel"), &json!({"reason": "all of it"}));
    desk.send(&cancel).await?.expect(200)?;
    Ok(())
}

fn import(reference: &str, customer: &str, lines: &[Value]) -> Order {
    let order = json!({
        "reference": reference, "customer_id": customer, "lines": lines,
        "placed_at": "2020-02-02T02:02:02Z",
    });
    Order::post("/orders/import", &order)
}

fn line(sku: &str, cents: i64) -> Value {
    json!({"sku": sku, "quantity": 1, "unit_price_cents": cents})
}

/// The longest list of lines that fits a body fits an item too: 400 KB hold 256 KiB.
#[tokio::test]
async fn an_import_as_long_as_a_body_can_be_is_accepted_and_a_longer_one_is_413() -> Outcome {
    let (_wire, desk, ann) = shop().await?;
    let most = 256 * 1024;
    let one = line("A", 1).to_string().len() + 1;
    let around = import("LONG-1", &ann, &[]).event()["body"].as_str().map_or(0, str::len);
    let count = (most - around) / one;
    let lines = vec![line("A", 1); count];
    desk.send(&import("LONG-1", &ann, &lines)).await?.expect(201)?;
    let lines = vec![line("A", 1); count + 1];
    desk.send(&import("LONG-2", &ann, &lines)).await?.refused(413, "body-too-large")?;
    Ok(())
}

#[tokio::test]
async fn a_total_beyond_64_bits_is_refused_by_name() -> Outcome {
    let (_wire, desk, ann) = shop().await?;
    let lines = [line("A", i64::MAX), line("B", 1)];
    desk.send(&import("R1", &ann, &lines)).await?.refused(422, "total-too-large")?;
    let gold = json!({
        "sku": "GOLD", "name": "Gold", "department": "D", "unit_price_cents": i64::MAX,
    });
    desk.send(&Order::post("/products", &gold)).await?.expect(201)?;
    let received = Order::post("/products/GOLD/stock", &json!({"received": 9}));
    desk.send(&received).await?.expect(200)?;
    let cart = desk.cart(&ann, &[]).await?;
    let item = json!({"sku": "GOLD", "quantity": 2});
    desk.send(&Order::post(&format!("/carts/{cart}/items"), &item)).await?.expect(200)?;
    let checkout = Order::post(&format!("/carts/{cart}/checkout"), &json!(null));
    desk.send(&checkout).await?.refused(422, "total-too-large")?;
    Ok(())
}

/// What DynamoDB says of an item beyond 400 KB and of a transaction beyond 4 MB.
#[tokio::test]
async fn what_an_item_or_a_transaction_cannot_hold_is_refused_by_name() -> Outcome {
    let (wire, desk, ann) = shop().await?;
    desk.stocked("TEA", 5).await?;
    let cart = desk.cart(&ann, &["TEA"]).await?;
    let oversized = |message: &str| Fault::Says {
        status: 400,
        body: json!({
            "__type": "com.amazon.coral.validate#ValidationException", "message": message,
        }),
    };
    let item = "Item size has exceeded the maximum allowed size";
    wire.next("PutItem", oversized(item));
    let order = Order::post("/products/TEA/stock", &json!({"received": 1}));
    desk.send(&order).await?.refused(422, "too-large")?;
    let transaction = "Transaction request cannot include more than 4 MB of data: the total size \
                       of its items has exceeded the maximum allowed size";
    wire.next("TransactWriteItems", oversized(transaction));
    let checkout = Order::post(&format!("/carts/{cart}/checkout"), &json!(null));
    desk.send(&checkout).await?.refused(422, "too-large")?;
    ensure!(wire.all_met());
    desk.send(&checkout).await?.expect(201)?;
    Ok(())
}
