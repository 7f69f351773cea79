//! What the answers look like.

use serde_json::{Value, json};

use crate::{
    caller::{ANALYST, STAFF, shopper},
    stage::{Stage, cart_of, customer, order},
};

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// In the order of the contract; `serde_json` sorts what it reads, so both are sorted here.
fn contract(words: &str) -> Vec<&str> {
    let mut words: Vec<_> = words.split(", ").collect();
    words.sort_unstable();
    words
}

const ORDER: &str = "id, reference, status, customer_id, customer_name, lines, total_cents, \
     refund_cents, currency, placed_at, paid_at, shipped_at, delivered_at, cancelled_at, carrier, \
     tracking_number, version";
const LINE: &str = "line_no, sku, product_name, department, quantity, returned_quantity, \
     unit_price_cents, total_cents";

#[tokio::test]
async fn every_thing_has_the_fields_of_the_contract() {
    let stage = Stage::set().await;
    let one = async |path: String| stage.get(&path, STAFF).answer().await.ok();

    let found = one(format!("/orders/{}", order("order 0"))).await;
    assert_eq!(fields(&found), contract(&format!("{ORDER}, timeline")));
    assert_eq!(fields(&found["lines"][0]), contract(LINE));
    assert_eq!(fields(&found["timeline"][0]), contract("type, version, at, data"));
    assert_eq!(found["placed_at"], "2017-01-31T12:00:00Z");
    assert_eq!(found["customer_name"], "ann");
    assert_eq!(found["timeline"][0]["data"]["reference"], "order 0");

    let list = one("/orders".to_owned()).await;
    assert_eq!(fields(&list), ["items", "next_cursor"]);
    assert_eq!(fields(&list["items"][0]), contract(ORDER));

    let found = one(format!("/customers/{}", customer("ann"))).await;
    let expected = "id, reference, name, email, registered_at, order_count, lifetime_value_cents, \
         first_order_at, last_order_at, version";
    assert_eq!(fields(&found), contract(expected));
    assert_eq!((&found["order_count"], &found["lifetime_value_cents"]), (&json!(3), &json!(600)));

    let found = one("/products/A".to_owned()).await;
    let expected = "sku, name, department, category, brand, unit_price_cents, stock, units_sold, \
         discontinued, version";
    assert_eq!(fields(&found), contract(expected));
    assert_eq!(found["units_sold"], 10);

    let found = one(format!("/carts/{}", cart_of("ann"))).await;
    let expected = "id, customer_id, status, lines, total_cents, order_id, version";
    assert_eq!(fields(&found), contract(expected));
    let expected = "sku, product_name, quantity, unit_price_cents, total_cents";
    assert_eq!(fields(&found["lines"][0]), contract(expected));
    assert_eq!(found["total_cents"], 300);
}

#[tokio::test]
async fn events_progress_and_reports_have_the_fields_of_the_contract() {
    let stage = Stage::set().await;
    let one = async |path: String| stage.get(&path, ANALYST).answer().await.ok();

    let found = one(format!("/streams/{}/events", cart_of("ann").stream())).await;
    let expected = "stream, version, index, type, schema_version, at, recorded_at, actor, \
         command_id, correlation_id, causation_id, data";
    assert_eq!(fields(&found["items"][0]), contract(expected));
    assert_eq!(found["items"][1]["type"], "ItemQuantitySet");
    assert_eq!(found["items"][1]["data"], json!({ "sku": "A", "quantity": 2 }));

    let found = one("/projection".to_owned()).await;
    assert_eq!(fields(&found), contract("views, newest_commit_at, caught_up"));
    let expected = "name, last_applied_at, lag_ms, parked_streams, quarantined_commits";
    assert_eq!(fields(&found["views"][0]), contract(expected));

    let found = one("/reports/sales?from=2017-01-01&to=2018-01-01&by=month".to_owned()).await;
    let row = json!({
        "bucket": "2017-01", "orders": 4, "units": 10, "gross_cents": 1000,
        "refund_cents": 0, "net_cents": 1000,
    });
    assert_eq!(found, json!({ "items": [row], "next_cursor": null }));
}

#[tokio::test]
async fn every_report_has_the_fields_of_the_contract() {
    let mut stage = Stage::set().await;
    stage.paid_order_of(&["A", "B"]).await;
    for (path, expected) in [
        ("sales", "bucket, orders, units, gross_cents, refund_cents, net_cents"),
        ("top-products?from=2017-01-01&to=2018-01-01", "sku, product_name, units, net_cents"),
        ("top-customers?limit=1", "customer_id, customer_name, orders, net_cents"),
        ("bought-together?sku=A", "sku, product_name, orders, support, confidence, lift"),
        ("retention", "cohort, customers, months"),
        ("fulfilment", "step, orders, p50_seconds, p90_seconds, p99_seconds"),
        ("stock?below=1", "sku, product_name, stock, units_sold_28d, days_of_cover"),
    ] {
        let answer = stage.get(&format!("/reports/{path}"), ANALYST).answer().await.ok();
        assert_eq!(fields(&answer), ["items", "next_cursor"], "{path}");
        assert_eq!(answer["next_cursor"], Value::Null, "{path}");
        let Some(row) = answer["items"].get(0) else { panic!("no row in {path}") };
        assert_eq!(fields(row), contract(expected), "{path}");
    }
}

#[tokio::test]
async fn one_thing_carries_its_version_as_its_tag() {
    let stage = Stage::set().await;
    for (path, version) in [
        (format!("/carts/{}", cart_of("ann")), "\"2-"),
        (format!("/orders/{}", order("order 0")), "\"1-"),
        (format!("/customers/{}", customer("ann")), "\"1-"),
        ("/products/A".to_owned(), "\"1-"),
    ] {
        let answer = stage.get(&path, STAFF).answer().await;
        assert!(answer.header("etag").unwrap().starts_with(version), "{path} {:?}", answer.headers);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn every_answer_tells_the_lag() {
    let stage = Stage::set().await;
    for path in ["/orders", "/products/A", "/products/NONE", "/orders?limit=0", "/nowhere"] {
        let answer = stage.get(path, STAFF).answer().await;
        let lag = answer.header("projection-lag-ms").unwrap();
        assert!(lag.parse::<u64>().is_ok(), "{path} {lag}");
    }
}

#[tokio::test]
async fn an_empty_shop_answers_too() {
    let stage = Stage::empty().await;
    for path in [
        "/orders",
        "/products",
        "/reports/sales",
        "/reports/top-products",
        "/reports/top-customers",
        "/reports/bought-together?sku=A",
        "/reports/retention",
        "/reports/fulfilment",
        "/reports/stock",
    ] {
        let answer = stage.get(path, ANALYST).answer().await;
        assert_eq!(answer.header("projection-lag-ms"), Some("0"));
        assert_eq!(answer.ok(), json!({ "items": [], "next_cursor": null }), "{path}");
    }
    assert_eq!(stage.get("/projection", STAFF).answer().await.ok()["caught_up"], true);
}

#[tokio::test]
async fn filters_are_read_as_the_contract_writes_them() {
    let stage = Stage::set().await;
    let ids =
        async |query: &str| stage.get(&format!("/orders?{query}"), STAFF).answer().await.ids();
    let all = ids("").await;
    assert_eq!(all.len(), 4);
    assert_eq!(ids("status=delivered&status=paid").await, all);
    assert_eq!(ids("status=paid").await, [""; 0]);
    assert_eq!(ids("placed_from=2017-01-31&placed_to=2017-02-01").await, all);
    assert_eq!(ids("placed_from=2017-01-31T12:00:00Z").await, all);
    assert_eq!(ids("placed_to=2017-01-31T13:00:00%2B01:00").await, [""; 0]);
    assert_eq!(ids("q=JALAPE%C3%91O+ord&sku=A&department=GROCERY").await, all);
    assert_eq!(ids("min_total_cents=400").await, [order("order 3").to_string()]);
    let largest = ids("sort=-total_cents&limit=1").await;
    assert_eq!(largest, [order("order 3").to_string()]);
    assert_eq!(ids(&format!("customer_id={}", customer("bob"))).await, largest);

    let path = format!("/customers/{}/orders?sort=total_cents", customer("ann"));
    let history = stage.get(&path, shopper("ann")).answer().await.ids();
    let expected = ["order 0", "order 1", "order 2"].map(|name| order(name).to_string());
    assert_eq!(history, expected);

    let products = stage.get("/products?q=jalap&in_stock=false&sort=-units_sold", STAFF);
    let products = products.answer().await.ok();
    assert_eq!(products["items"][0]["sku"], "A");
    assert_eq!(products["items"].as_array().unwrap().len(), 1);
}
