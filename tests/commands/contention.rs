//! A hundred clients who all want the same thing.

use std::{collections::BTreeMap, time::Instant};

use anyhow::ensure;
use futures::future::try_join_all;
use journeys::{Desk, Order, Said, Table, cold_store};
use ordering::{Product, Sku};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const CLIENTS: usize = 100;

/// How often a client who is told to try again does so. A quiet machine needs none of it.
const TRIES: usize = 12;

/// How many clients got which answer in the end.
type Outcomes = BTreeMap<String, usize>;

/// Sends all of these at once, spread over as many sandboxes that know nothing of each other.
/// Whoever is told that it is safe to send the same again does so. Nobody ever sees a 500.
async fn at_once(table: &Table, sandboxes: usize, orders: &[Order]) -> anyhow::Result<Outcomes> {
    let desks: Vec<Desk> = (0..sandboxes).map(|_| Desk::open(&table.endpoint)).collect();
    let mut clients = JoinSet::new();
    for (number, order) in orders.iter().enumerate() {
        let (desk, order) = (desks[number % sandboxes].clone(), order.clone());
        clients
            .spawn(async move { persist(&desk, &order.once(&format!("client {number}"))).await });
    }
    let mut outcomes = Outcomes::new();
    for said in clients.join_all().await {
        let said = said?;
        let kind = said.body["type"].as_str().unwrap_or("accepted");
        *outcomes.entry(format!("{} {kind}", said.status)).or_default() += 1;
    }
    Ok(outcomes)
}

async fn persist(desk: &Desk, order: &Order) -> anyhow::Result<Said> {
    let mut said = desk.send(order).await?;
    for _ in 1..TRIES {
        ensure!(said.status != 500, "{}", said.body);
        if said.header("retry-after").is_empty() {
            break;
        }
        said = desk.send(order).await?;
    }
    Ok(said)
}

fn outcomes<const N: usize>(expected: [(&str, usize); N]) -> Outcomes {
    expected.into_iter().map(|(outcome, count)| (outcome.to_owned(), count)).collect()
}

fn checkout(cart: &str) -> Order {
    Order::post(&format!("/carts/{cart}/checkout"), &Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_one_hot_product_all_count_once() -> anyhow::Result<()> {
    for sandboxes in [1, 5] {
        let table = Table::in_memory().await?;
        Desk::open(&table.endpoint).stocked("HOT", 1).await?;
        let delivery = Order::post("/products/HOT/stock", &json!({"received": 1}));
        let start = Instant::now();
        let seen = at_once(&table, sandboxes, &vec![delivery; CLIENTS]).await?;
        println!("{CLIENTS} clients in {sandboxes} sandboxes: {:?}", start.elapsed());
        assert_eq!(seen, outcomes([("200 accepted", CLIENTS)]));
        let sku: Sku = "HOT".parse().map_err(|_| anyhow::anyhow!("no sku"))?;
        let product = cold_store(&table.endpoint).load::<Product>(&sku.stream()).await?;
        ensure!(product.version.0 == 2 + CLIENTS as u64, "each once, and nothing else");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_buyers_of_thirty_pieces_thirty_get_one() -> anyhow::Result<()> {
    let table = Table::in_memory().await?;
    let desk = Desk::open(&table.endpoint);
    desk.stocked("RARE", 30).await?;
    let ann = desk.customer("ann").await?;
    let carts = try_join_all((0..CLIENTS).map(|_| desk.cart(&ann, &["RARE"]))).await?;
    let orders: Vec<Order> = carts.iter().map(|cart| checkout(cart)).collect();
    let seen = at_once(&table, 5, &orders).await?;
    assert_eq!(seen, outcomes([("201 accepted", 30), ("422 out-of-stock", CLIENTS - 30)]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cart_is_checked_out_once_whoever_asks() -> anyhow::Result<()> {
    let table = Table::in_memory().await?;
    let desk = Desk::open(&table.endpoint);
    desk.stocked("TEA", 1_000).await?;
    let ann = desk.customer("ann").await?;
    let cart = desk.cart(&ann, &["TEA"]).await?;
    let seen = at_once(&table, 5, &vec![checkout(&cart); CLIENTS]).await?;
    assert_eq!(seen, outcomes([("201 accepted", 1), ("200 accepted", CLIENTS - 1)]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_is_registered_once() -> anyhow::Result<()> {
    let table = Table::in_memory().await?;
    let customer = json!({"name": "Ann", "email": "ann@example.com"});
    let orders = vec![Order::post("/customers", &customer); CLIENTS];
    let seen = at_once(&table, 20, &orders).await?;
    assert_eq!(seen, outcomes([("201 accepted", 1), ("409 email-taken", CLIENTS - 1)]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sku_is_added_once() -> anyhow::Result<()> {
    let table = Table::in_memory().await?;
    let product = json!({
        "sku": "NEW", "name": "New", "department": "GROCERY", "unit_price_cents": 100,
    });
    let seen = at_once(&table, 20, &vec![Order::post("/products", &product); CLIENTS]).await?;
    assert_eq!(seen, outcomes([("201 accepted", 1), ("409 sku-taken", CLIENTS - 1)]));
    Ok(())
}

/// Whoever comes first, nobody is left with an address in the end, and nothing of it with anybody.
#[tokio::test(flavor = "multi_thread")]
async fn who_moves_while_being_erased_leaves_both_addresses() -> anyhow::Result<()> {
    let table = Table::in_memory().await?;
    let desk = Desk::open(&table.endpoint);
    for round in 0..20 {
        let (old, new) = (format!("old-{round}"), format!("new-{round}"));
        let ann = desk.customer(&old).await?;
        let email = json!({"email": format!("{new}@example.com")});
        let moves = Order::post(&format!("/customers/{ann}/email"), &email);
        let erase = Order::post(&format!("/customers/{ann}/erase"), &Value::Null);
        let [one, other] = [Desk::open(&table.endpoint), Desk::open(&table.endpoint)];
        let (moved, erased) = tokio::join!(persist(&one, &moves), persist(&other, &erase));
        erased?.expect(200)?;
        let moved = moved?;
        ensure!(moved.status == 200 || moved.body["type"] == "customer-erased", "{moved:?}");
        for address in [old, new] {
            Desk::open(&table.endpoint).customer(&address).await?;
        }
    }
    Ok(())
}
