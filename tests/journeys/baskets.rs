//! The real input: 2,359 baskets of 143 households, through the HTTP API and a stream that
//! delivers twice, out of order, and crashes before and after the rows are written.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use journeys::{Answer, Caller, Shop};
use reqwest::Method;
use serde_json::{Value, json};

const AT_A_TIME: usize = 8;
const FAULTS: &str = "twice=0.1,reorder=0.1,crash-before=0.05,crash-after=0.05,seed=7";

#[tokio::test(flavor = "multi_thread")]
async fn a_quarter_of_baskets_adds_up_whatever_happens_on_the_way() -> anyhow::Result<()> {
    let shop = Shop::with_faults(FAULTS).await?;
    let staff = &shop.staff;
    let customers = register(staff).await?;
    let orders = import(staff, &customers).await?;
    assert_eq!(orders.len(), 2_359);
    for order in &orders {
        staff.get_after(order, &format!("/orders/{}", order.id()?)).await?.expect(200)?;
    }

    let year = "/reports/sales?from=2017-01-01&to=2018-01-01&by=month";
    let months = staff.get(year).await?.expect(200)?.body;
    let sum = |field: &str| -> i64 {
        let rows = months["items"].as_array().cloned().unwrap_or_default();
        rows.iter().filter_map(|row| row[field].as_i64()).sum()
    };
    assert_eq!((sum("orders"), sum("units"), sum("gross_cents")), (2_359, 28_297, 6_425_968));

    let weeks = "/reports/sales?by=week&from=2017-01-02&to=2017-03-27";
    let drawn = staff.request(Method::GET, weeks).header("accept", "image/svg+xml");
    let shown = include_str!("../../docs/sales.svg");
    assert_eq!(drawn.send().await?.text().await?, shown, "the README shows another picture");

    let largest = lines("orders").into_iter().max_by_key(|order| items(order).len());
    let largest = largest.context("there are baskets")?;
    let reference = largest["reference"].as_str().unwrap_or_default();
    let found = staff.get(&format!("/orders?q={reference}")).await?.expect(200)?.body;
    assert_eq!(items(&found["items"][0]).len(), 106, "{reference} is there, whole");
    let verified = shop.millrace(&["verify", "--all"]).await?;
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success(), "{said}");
    assert!(said.contains("the rows are what the events say"), "{said}");
    shop.stack.stop().await;
    Ok(())
}

fn lines(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/baskets");
    let text = fs::read_to_string(folder.join(file).with_extension("ndjson")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn items(order: &Value) -> Vec<Value> {
    order["lines"].as_array().cloned().unwrap_or_default()
}

async fn register(staff: &Caller) -> anyhow::Result<BTreeMap<String, String>> {
    let mut ids = BTreeMap::new();
    for customer in lines("customers") {
        let reference = customer["reference"].as_str().unwrap_or_default().to_owned();
        ids.insert(reference, staff.post("/customers", customer).await?.expect(201)?.id()?);
    }
    Ok(ids)
}

async fn import(
    staff: &Caller,
    customers: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<Answer>> {
    let imports = lines("orders").into_iter().map(|order| async move {
        let customer = &customers[order["customer"].as_str().unwrap_or_default()];
        let body = json!({
            "reference": order["reference"], "customer_id": customer,
            "placed_at": order["placed_at"], "lines": order["lines"],
        });
        staff.post("/orders/import", body).await?.expect(201)
    });
    stream::iter(imports).buffered(AT_A_TIME).try_collect().await
}
