//! Whom the command function obeys by itself, whatever stands before it: a route that the gateway
//! lets through by mistake is refused here.

use anyhow::ensure;
use journeys::{Desk, Order, Wire};
use serde_json::{Value, json};

type Outcome = anyhow::Result<()>;

const STRANGER: &str = "00000000-0000-4000-8000-000000000001";

/// Each command, and the scopes that may send it for anybody.
fn commands(ann: &str, cart: &str, order: &str) -> Vec<(Order, &'static [&'static str])> {
    let product = json!({"sku": "NEW", "name": "N", "department": "D", "unit_price_cents": 1});
    let customer = json!({"name": "Bob", "email": "bob@example.com"});
    let import = json!({
        "reference": "R1", "customer_id": ann, "placed_at": "2020-02-02T02:02:02Z",
        "lines": [{"sku": "TEA", "quantity": 1, "unit_price_cents": 1}],
    });
    let post = |path: &str, body: Value| Order::post(path, &body);
    let cart = format!("/carts/{cart}");
    let order = format!("/orders/{order}");
    let item = json!({"sku": "TEA", "quantity": 1});
    let back = json!({"lines": [{"sku": "TEA", "quantity": 1}], "reason": "r"});
    let parcel = json!({"carrier": "P", "tracking_number": "1"});
    let paid = json!({"payment_reference": "P1", "amount_cents": 1});
    vec![
        (post("/products", product), &["staff", "import"]),
        (post("/products/TEA/price", json!({"unit_price_cents": 2})), &["staff", "import"]),
        (post("/products/TEA/stock", json!({"received": 1})), &["staff", "import"]),
        (post("/products/TEA/discontinue", json!(null)), &["staff", "import"]),
        (post("/customers", customer), &["staff", "import"]),
        (
            post(&format!("/customers/{ann}/email"), json!({"email": "a@example.com"})),
            &["staff", "import"],
        ),
        (post(&format!("/customers/{ann}/erase"), json!(null)), &["staff"]),
        (post("/orders/import", import), &["import"]),
        (post("/carts", json!({"customer_id": ann})), &["staff"]),
        (post(&format!("{cart}/items"), item), &["staff"]),
        (Order::new("PUT", &format!("{cart}/items/TEA"), &json!({"quantity": 2})), &["staff"]),
        (Order::new("DELETE", &format!("{cart}/items/TEA"), &json!(null)), &["staff"]),
        (post(&format!("{cart}/checkout"), json!(null)), &["staff"]),
        (post(&format!("{order}/pay"), paid), &["staff"]),
        (post(&format!("{order}/ship"), parcel), &["staff"]),
        (post(&format!("{order}/deliver"), json!(null)), &["staff"]),
        (post(&format!("{order}/cancel"), json!({"reason": "r"})), &["staff"]),
        (post(&format!("{order}/return"), back), &["staff"]),
    ]
}

#[tokio::test]
async fn the_function_refuses_whom_the_gateway_lets_through_by_mistake() -> Outcome {
    let wire = Wire::lay().await?;
    let desk = Desk::open(&wire.endpoint());
    desk.stocked("TEA", 5).await?;
    let ann = desk.customer("ann").await?;
    let bought = desk.cart(&ann, &["TEA"]).await?;
    let checkout = Order::post(&format!("/carts/{bought}/checkout"), &json!(null));
    let placed = desk.send(&checkout).await?.expect(201)?;
    let order = placed.body["order_id"].as_str().unwrap_or_default().to_owned();
    let cart = desk.cart(&ann, &["TEA"]).await?;
    wire.calls();
    for (command, allowed) in commands(&ann, &cart, &order) {
        // a customer's own scope, here of another customer, is never enough
        let lacking = ["", "analyst", "import", "staff"].into_iter();
        for scope in lacking.filter(|scope| *scope == "shop" || !allowed.contains(scope)) {
            let said = desk.send(&command.clone().with_token(scope, STRANGER)).await?;
            let path = command.event()["rawPath"].clone();
            ensure!(
                matches!(said.status, 403 | 404),
                "{path} by {scope:?}: {} {}",
                said.status,
                said.body
            );
            ensure!(!writes(&wire), "{path} by {scope:?}");
        }
        let said = desk.send(&command.without_token()).await?;
        ensure!(said.status == 401, "{} {}", said.status, said.body);
        ensure!(wire.calls().is_empty(), "nobody is asked anything");
    }
    Ok(())
}

fn writes(wire: &Wire) -> bool {
    wire.calls()
        .iter()
        .any(|call| call.operation.contains("Put") || call.operation.contains("Write"))
}
