//! Lists and reports as rows.

use std::collections::BTreeSet;

use ordering::{CustomerEvent, CustomerRegistered, NewCustomer};
use serde_json::Value;

use crate::{
    caller::{ANALYST, STAFF, shopper},
    stage::{Stage, cart_of, customer},
};

const CSV: &str = "text/csv";
const NDJSON: &str = "application/x-ndjson";

fn table(text: &str) -> Vec<Vec<String>> {
    assert!(text.ends_with("\r\n"), "{text:?}");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

#[tokio::test]
async fn orders_come_as_a_row_a_line_with_all_of_their_order() {
    let mut stage = Stage::set().await;
    stage.paid_order_of(&["A", "B"]).await;
    let answer = stage.get("/orders", STAFF).with("accept", CSV).answer().await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"orders.csv\""));
    let rows = table(answer.text());
    let column = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
    assert_eq!(rows.len(), 1 + 4 + 2);
    let (first, second) = (&rows[1], &rows[2]);
    for same in ["id", "status", "customer_name", "total_cents", "placed_at"] {
        assert_eq!(first[column(same)], second[column(same)], "{same}");
    }
    let of = |row: &[String], name: &str| row[column(name)].clone();
    assert_eq!((of(first, "line_no"), of(first, "product_name")), ("1".into(), "JALAPEÑO".into()));
    assert_eq!((of(second, "line_no"), of(second, "sku")), ("2".into(), "B".into()));
    assert_eq!(
        (of(first, "total_cents"), of(first, "line_total_cents")),
        ("200".into(), "100".into())
    );
    assert_eq!(of(&rows[3], "placed_at"), "2017-01-31T12:00:00Z");
    assert_eq!(of(&rows[3], "paid_at"), "");
}

#[tokio::test]
async fn without_a_limit_rows_are_all_that_there_are() {
    let mut stage = Stage::empty().await;
    stage.many_orders(1_234).await;
    let answer = stage.get("/orders?sort=total_cents", STAFF).with("accept", NDJSON).answer().await;
    assert_eq!(answer.header("content-type"), Some(NDJSON));
    let orders: Vec<Value> =
        answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let totals: Vec<i64> = orders.iter().map(|it| it["total_cents"].as_i64().unwrap()).collect();
    assert!(totals.is_sorted());
    let ids: BTreeSet<&str> = orders.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!((orders.len(), ids.len()), (1_234, 1_234));
    let as_json = stage.get("/orders?sort=total_cents&limit=1", STAFF).answer().await.ok();
    assert_eq!(as_json["items"][0], orders[0]);
}

#[tokio::test]
async fn with_a_limit_rows_are_a_page_with_a_link_to_the_next() {
    let stage = Stage::set().await;
    let mut next = Some("/orders?limit=3".to_owned());
    let mut sizes = Vec::new();
    while let Some(path) = next {
        let answer = stage.get(&path, STAFF).with("accept", CSV).answer().await;
        sizes.push(table(answer.text()).len() - 1);
        let link = answer.header("link");
        next = link.map(|it| it.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned());
    }
    assert_eq!(sizes, [3, 1]);
    let rest = stage.get("/orders?limit=3", STAFF).answer().await.ok();
    let rest = format!("/orders?cursor={}", rest["next_cursor"].as_str().unwrap());
    let rest = stage.get(&rest, STAFF).with("accept", CSV).answer().await;
    assert_eq!(table(rest.text()).len() - 1, 1);
}

#[tokio::test]
async fn every_list_and_report_comes_as_rows() {
    let mut stage = Stage::set().await;
    stage.paid_order_of(&["A", "B"]).await;
    for path in [
        "/products".to_owned(),
        format!("/customers/{}/orders", customer("ann")),
        format!("/streams/{}/events", cart_of("ann").stream()),
        "/reports/sales".to_owned(),
        "/reports/top-products".to_owned(),
        "/reports/top-customers".to_owned(),
        "/reports/bought-together?sku=A".to_owned(),
        "/reports/retention".to_owned(),
        "/reports/fulfilment".to_owned(),
        "/reports/stock".to_owned(),
    ] {
        let json = stage.get(&path, ANALYST).answer().await.ok();
        let lines = stage.get(&path, ANALYST).with("accept", NDJSON).answer().await;
        let lines: Vec<Value> =
            lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(json["items"], Value::Array(lines), "{path}");
        let rows = table(stage.get(&path, ANALYST).with("accept", CSV).answer().await.text());
        let fields = json["items"][0].as_object().unwrap();
        let plain = fields.keys().filter(|name| !["lines", "months"].contains(&name.as_str()));
        for name in plain {
            assert!(rows[0].contains(name), "{path}: no {name} in {:?}", rows[0]);
        }
        assert!(rows.len() > 1, "{path}");
    }
}

#[tokio::test]
async fn a_formula_in_a_name_is_harmless() {
    let mut stage = Stage::set().await;
    let formula = "=HYPERLINK(\"http://example.com\",\"free\")";
    let registered = CustomerRegistered::from(NewCustomer {
        name: formula.to_owned().try_into().unwrap(),
        email: "eve@example.com".to_owned().try_into().unwrap(),
        reference: None,
    });
    stage.happens::<CustomerEvent>(&customer("eve").stream(), registered).await;
    stage.order("eve", "=1+1", 1).await;
    let path = format!("/orders?customer_id={}", customer("eve"));
    let rows = table(stage.get(&path, STAFF).with("accept", CSV).answer().await.text());
    let of = |name: &str| rows[1][rows[0].iter().position(|it| it == name).unwrap()].clone();
    assert_eq!(of("customer_name"), format!("'{formula}"));
    assert_eq!(of("reference"), "'=1+1");
}

#[tokio::test]
async fn rows_follow_the_same_rules_as_json() {
    let stage = Stage::set().await;
    let csv = |path: &str, caller| stage.get(path, caller).with("accept", CSV);
    let bobs = csv("/orders", shopper("bob")).answer().await;
    assert_eq!(table(bobs.text()).len(), 2);
    let anns = format!("/customers/{}/orders", customer("ann"));
    assert_eq!(csv(&anns, shopper("bob")).answer().await.problem(404), "not-found");
    let nobodys = format!("/customers/{}/orders", customer("nobody"));
    assert_eq!(csv(&nobodys, STAFF).answer().await.problem(404), "not-found");
    assert_eq!(csv("/orders?colour=red", STAFF).answer().await.problem(400), "unknown-parameter");
    let empty = csv("/orders?q=nothing", STAFF).answer().await;
    assert_eq!(table(empty.text()).len(), 1);
}

#[tokio::test]
async fn what_no_answer_comes_as_is_not_acceptable() {
    let stage = Stage::set().await;
    for (path, accept) in [
        ("/orders", "application/xml"),
        ("/orders", "text/html"),
        ("/products/A", "text/csv"),
        ("/reports/sales", "application/pdf, image/png"),
        ("/projection", "application/json;q=0"),
    ] {
        let answer = stage.get(path, ANALYST).with("accept", accept).answer().await;
        assert_eq!(answer.problem(406), "not-acceptable", "{path} {accept}");
    }
}

/// Lambda hands on 6 MB. A larger answer would be an error of the gateway's that says nothing.
#[tokio::test]
async fn an_export_that_is_too_large_names_paging() {
    let mut stage = Stage::empty().await;
    stage.many_orders(20_000).await;
    let answer = stage.get("/orders", STAFF).with("accept", NDJSON).answer().await;
    assert_eq!(answer.problem(422), "export-too-large");
    assert_eq!(answer.body["instance"], "/orders");
    assert!(answer.body["detail"].as_str().unwrap().contains("limit=100"));
    assert!(answer.header("projection-lag-ms").is_some());
    assert_eq!(answer.header("content-disposition"), None);
    // it is measured as it is sent
    let packed = stage.get("/orders", STAFF).with("accept", NDJSON).with("accept-encoding", "zstd");
    let packed = packed.answer().await;
    assert_eq!((packed.status, packed.header("content-encoding")), (200, Some("zstd")));
    let lines = zstd::decode_all(packed.bytes.as_slice()).unwrap();
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 20_000);
}
