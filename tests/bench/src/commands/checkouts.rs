//! Checkouts of ten lines.

use std::time::{Duration, Instant};

use anyhow::Context;
use journeys::{Desk, Order, Table};
use serde_json::json;

use super::{Pace, ROUNDS, bare, fastest, pace};

const LINES: usize = 10;

/// How many checkouts a round has; each needs a cart that is filled before.
const CHECKOUTS: usize = 150;

/// The fastest round of checkouts, and of bare transactions of what a checkout wrote.
pub(crate) async fn measure(table: &Table, desk: &Desk) -> anyhow::Result<(Pace, Pace)> {
    let skus: Vec<String> = (0..LINES).map(|number| format!("LINE-{number}")).collect();
    for sku in &skus {
        desk.stocked(sku, 1_000_000).await?;
    }
    let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
    let customer = desk.customer("bench").await?;
    let patterns = patterns(table, desk, (&customer, &skus)).await?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut carts = Vec::with_capacity(CHECKOUTS);
        for _ in 0..CHECKOUTS {
            carts.push(desk.cart(&customer, &skus).await?);
        }
        ours.push(pace(1, |_| check_out(desk, &carts)).await?);
        let (client, name) = (table.client(), format!("checkout-{round}"));
        let bare = |_| bare::transact(&client, &patterns, (&name, CHECKOUTS));
        floor.push(pace(1, bare).await?);
    }
    Ok((fastest(ours)?, fastest(floor)?))
}

async fn check_out(desk: &Desk, carts: &[String]) -> anyhow::Result<Vec<Duration>> {
    let mut taken = Vec::with_capacity(carts.len());
    for cart in carts {
        let order = Order::post(&format!("/carts/{cart}/checkout"), &json!(null)).once(cart);
        let start = Instant::now();
        desk.send(&order).await?.expect(201)?;
        taken.push(start.elapsed());
    }
    Ok(taken)
}

/// The twelve items that one checkout writes.
async fn patterns(
    table: &Table,
    desk: &Desk,
    (customer, skus): (&str, &[&str]),
) -> anyhow::Result<Vec<bare::Item>> {
    let cart = desk.cart(customer, skus).await?;
    let order = Order::post(&format!("/carts/{cart}/checkout"), &json!(null)).once("the pattern");
    let placed = desk.send(&order).await?.expect(201)?;
    let order = placed.body["order_id"].as_str().context("no order")?;
    let version = placed.body["version"].as_u64().context("no version")?;
    let mut items = vec![
        bare::commit(table, &format!("cart-{cart}"), version).await?,
        bare::commit(table, &format!("order-{order}"), 1).await?,
    ];
    for sku in skus {
        items.push(bare::commit(table, &format!("product-{sku}"), 3).await?);
    }
    Ok(items)
}
