//! What each command costs, as DynamoDB bills it, beside what `docs/costs.md` says.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, ensure};
use journeys::{Call, Desk, Order, Wire};
use serde_json::json;

/// How many commands a mean is taken over: a page of requests is written once.
const MANY: u32 = 500;

/// The calls of one command, and the units that they consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bill {
    calls: f64,
    write_units: f64,
    read_units: f64,
}

impl Bill {
    fn of(calls: &[Call]) -> Self {
        let units = |reads: bool| {
            let of_kind = calls.iter().filter(|call| is_read(call) == reads);
            of_kind.map(|call| call.units).fold(0.0, std::ops::Add::add)
        };
        let count = calls.iter().map(|_| 1.0).sum();
        Self { calls: count, write_units: units(false), read_units: units(true) }
    }

    /// Whether this is not more than `stated`.
    fn is_within(&self, stated: &Self) -> bool {
        self.calls <= stated.calls
            && self.write_units <= stated.write_units
            && self.read_units <= stated.read_units
    }
}

fn is_read(call: &Call) -> bool {
    ["GetItem", "Query", "Scan"].contains(&call.operation.as_str())
}

/// The rows of the table that `docs/costs.md` begins with.
fn stated() -> anyhow::Result<BTreeMap<String, Bill>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/costs.md");
    let page = std::fs::read_to_string(page)?;
    let rows = page.lines().skip_while(|line| !line.starts_with("| command | calls |")).skip(2);
    let mut bills = BTreeMap::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, calls, write_units, read_units] = cells[..] else { continue };
        let (write_units, read_units) = (write_units.parse()?, read_units.parse()?);
        let bill = Bill { calls: calls.parse()?, write_units, read_units };
        bills.insert(name.to_owned(), bill);
    }
    Ok(bills)
}

/// A shop, and the bill of every command that was sent to it.
struct Till {
    wire: Wire,
    desk: Desk,
    bills: BTreeMap<String, Bill>,
}

impl Till {
    async fn ring(&mut self, name: &str, order: Order) -> anyhow::Result<serde_json::Value> {
        self.wire.calls();
        let said = self.desk.send(&order.once(name)).await?;
        ensure!(matches!(said.status, 200 | 201), "{name}: {}", said.body);
        self.bills.insert(name.to_owned(), Bill::of(&self.wire.calls()));
        Ok(said.body)
    }

    async fn post(
        &mut self,
        name: &str,
        path: &str,
        body: serde_json::Value,
    ) -> anyhow::Result<serde_json::Value> {
        self.ring(name, Order::post(path, &body)).await
    }

    /// Forgets everything, as a new sandbox has it.
    fn go_cold(&mut self) {
        self.desk = Desk::open(&self.wire.endpoint());
    }
}

#[tokio::test]
async fn no_command_costs_more_than_the_page_says() -> anyhow::Result<()> {
    let wire = Wire::lay().await?;
    let desk = Desk::open(&wire.endpoint());
    let mut till = Till { wire, desk, bills: BTreeMap::new() };
    products(&mut till).await?;
    let order = shopping(&mut till).await?;
    after_sales(&mut till, &order).await?;
    cold(&mut till).await?;
    let stated = stated()?;
    let measured: Vec<String> = till.bills.iter().map(row).collect();
    println!("{}", measured.join("\n"));
    for (name, bill) in &till.bills {
        let stated = stated.get(name).with_context(|| format!("docs/costs.md has no {name}"))?;
        ensure!(bill.is_within(stated), "{name} costs {bill:?}, the page says {stated:?}");
    }
    ensure!(stated.len() == till.bills.len(), "the page names what there is, and no more");
    Ok(())
}

fn row((name, bill): (&String, &Bill)) -> String {
    format!("| {name} | {} | {} | {} |", bill.calls, bill.write_units, bill.read_units)
}

async fn products(till: &mut Till) -> anyhow::Result<()> {
    for number in 0..10 {
        till.desk.stocked(&format!("P{number}"), 1_000).await?;
    }
    let product = json!({
        "sku": "TEA", "name": "A tea with a name of a usual length", "department": "BEVERAGES",
        "category": "TEA", "brand": "National", "unit_price_cents": 1_299,
    });
    till.post("add a product", "/products", product).await?;
    let price = json!({"unit_price_cents": 1_199});
    till.post("change a price", "/products/TEA/price", price).await?;
    till.post("book stock", "/products/TEA/stock", json!({"received": 100})).await?;
    Ok(())
}

/// Gives the order's path.
async fn shopping(till: &mut Till) -> anyhow::Result<String> {
    let ann = json!({"name": "Ann Example", "email": "ann.example@example.com"});
    let ann = till.post("register a customer", "/customers", ann).await?;
    let ann = ann["id"].as_str().context("no id")?.to_owned();
    let email = json!({"email": "ann@example.com"});
    till.post("change an address", &format!("/customers/{ann}/email"), email).await?;
    let cart = till.post("open a cart", "/carts", json!({"customer_id": ann})).await?;
    let cart = format!("/carts/{}", cart["id"].as_str().context("no id")?);
    let item = |sku: &str| json!({"sku": sku, "quantity": 2});
    till.post("put into a cart", &format!("{cart}/items"), item("TEA")).await?;
    let set = Order::new("PUT", &format!("{cart}/items/TEA"), &json!({"quantity": 1}));
    till.ring("set a quantity", set).await?;
    let take_out = Order::new("DELETE", &format!("{cart}/items/TEA"), &json!(null));
    till.ring("take out of a cart", take_out).await?;
    for number in 0..10 {
        let put_in = Order::post(&format!("{cart}/items"), &item(&format!("P{number}")));
        till.desk.send(&put_in).await?.expect(200)?;
    }
    let checkout = format!("{cart}/checkout");
    let placed = till.post("check out 10 lines", &checkout, json!(null)).await?;
    let old = json!({
        "reference": "R1", "customer_id": ann, "placed_at": "2020-02-02T02:02:02Z",
        "lines": [{"sku": "TEA", "quantity": 1, "unit_price_cents": 1}],
    });
    till.post("import an order", "/orders/import", old).await?;
    Ok(format!("/orders/{}", placed["order_id"].as_str().context("no order")?))
}

async fn after_sales(till: &mut Till, order: &str) -> anyhow::Result<()> {
    let paid = json!({"payment_reference": "P-2026-000001", "amount_cents": 2_000});
    till.post("pay", &format!("{order}/pay"), paid).await?;
    let parcel = json!({"carrier": "Parcels", "tracking_number": "1Z999AA10123456784"});
    till.post("ship", &format!("{order}/ship"), parcel).await?;
    till.post("deliver", &format!("{order}/deliver"), json!(null)).await?;
    let back = json!({"lines": [{"sku": "P1", "quantity": 1}], "reason": "It is broken"});
    till.post("return", &format!("{order}/return"), back).await?;
    till.post("discontinue", "/products/TEA/discontinue", json!(null)).await?;
    let bob = till.desk.customer("bob").await?;
    till.post("erase a customer", &format!("/customers/{bob}/erase"), json!(null)).await?;
    Ok(())
}

async fn cold(till: &mut Till) -> anyhow::Result<()> {
    till.go_cold();
    till.post("book stock, cold", "/products/P1/stock", json!({"received": 1})).await?;
    mean(till).await?;
    till.go_cold();
    till.post("book stock, cold, long stream", "/products/P1/stock", json!({"counted": 7})).await?;
    let cat = till.desk.customer("cat").await?;
    let skus = ["P0", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10"];
    till.desk.stocked("P10", 1_000).await?;
    let cart = till.desk.cart(&cat, &skus).await?;
    till.go_cold();
    till.post("check out 10 lines, cold", &format!("/carts/{cart}/checkout"), json!(null)).await?;
    Ok(())
}

/// A keyed command with its share of what is kept beside every twenty-fifth.
async fn mean(till: &mut Till) -> anyhow::Result<()> {
    till.wire.calls();
    for number in 0..MANY {
        let order = Order::post("/products/P1/stock", &json!({"received": 1}));
        till.desk.send(&order.once(&format!("delivery {number}"))).await?.expect(200)?;
    }
    let Bill { calls, write_units, read_units } = Bill::of(&till.wire.calls());
    let share = |sum: f64| sum / f64::from(MANY);
    let bill = Bill {
        calls: share(calls),
        write_units: share(write_units),
        read_units: share(read_units),
    };
    till.bills.insert(format!("book stock, mean of {MANY}"), bill);
    Ok(())
}
