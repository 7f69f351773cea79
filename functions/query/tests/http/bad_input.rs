//! Whatever is typed: a problem that names it, and never a 500.

use crate::{
    caller::{ANALYST, Caller, STAFF},
    stage::{Stage, customer},
};

pub(crate) const BOTH: Caller<'_> =
    Caller { subject: "all", scope: "staff analyst", customer: None };

#[tokio::test]
async fn a_bad_parameter_is_named() {
    let stage = Stage::set().await;
    let long = format!("/orders?department={}", "x".repeat(201));
    for (path, name) in [
        ("/orders?limit=0", "limit"),
        ("/orders?limit=101", "limit"),
        ("/orders?limit=ten", "limit"),
        ("/orders?limit=", "limit"),
        ("/orders?limit=5&limit=5", "limit"),
        ("/orders?status=lost", "status"),
        ("/orders?status=placed&status=", "status"),
        ("/orders?sort=name", "sort"),
        ("/orders?sort=placed_at,id", "sort"),
        ("/orders?customer_id=ann", "customer_id"),
        ("/orders?sku=a%20b", "sku"),
        ("/orders?sku=%00", "sku"),
        ("/orders?department=%00", "department"),
        ("/orders?department=", "department"),
        ("/orders?placed_from=yesterday", "placed_from"),
        ("/orders?placed_to=2017-02-30", "placed_to"),
        ("/orders?placed_to=%2B99999-01-01T00:00:00Z", "placed_to"),
        ("/orders?min_total_cents=9223372036854775808", "min_total_cents"),
        ("/orders?max_total_cents=1.5", "max_total_cents"),
        ("/products?in_stock=yes", "in_stock"),
        ("/products?category=%1F", "category"),
        ("/products?sort=-name", "sort"),
        ("/products?min_price_cents=", "min_price_cents"),
        ("/reports/sales?by=year", "by"),
        ("/reports/sales?from=2017", "from"),
        ("/reports/top-products?limit=101", "limit"),
        ("/reports/top-customers?to=never", "to"),
        ("/reports/bought-together", "sku"),
        ("/reports/bought-together?sku=a%20b", "sku"),
        ("/reports/fulfilment?from=2017-13-01", "from"),
        ("/reports/stock?below=-1", "below"),
        ("/streams/product-A/events?limit=-1", "limit"),
        (&long, "department"),
    ] {
        let answer = stage.get(path, BOTH).answer().await;
        assert_eq!(answer.problem(400), "bad-parameter", "{path}");
        assert!(answer.body["detail"].as_str().unwrap().contains(name), "{path} {}", answer.body);
    }
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_by_name() {
    let stage = Stage::set().await;
    let ann = customer("ann");
    for path in [
        "/orders?colour=red".to_owned(),
        "/orders?Status=paid".to_owned(),
        "/products?colour=red".to_owned(),
        "/products/A?colour=red".to_owned(),
        "/projection?colour=red".to_owned(),
        "/reports/sales?colour=red".to_owned(),
        "/reports/top-products?by=day".to_owned(),
        "/reports/top-customers?cursor=x".to_owned(),
        "/reports/bought-together?sku=A&from=2017-01-01".to_owned(),
        "/reports/retention?from=2017-01-01".to_owned(),
        "/reports/fulfilment?limit=1".to_owned(),
        "/reports/stock?to=2017-01-01".to_owned(),
        "/streams/product-A/events?colour=red".to_owned(),
        format!("/customers/{ann}?colour=red"),
        format!("/customers/{ann}/orders?customer_id={ann}"),
    ] {
        let answer = stage.get(&path, BOTH).answer().await;
        assert_eq!(answer.problem(400), "unknown-parameter", "{path}");
    }
}

#[tokio::test]
async fn extremes_are_answered() {
    let stage = Stage::set().await;
    // More is no URL for API Gateway.
    let words: Vec<_> = (0..1_500).map(|place| format!("w{place}")).collect();
    let words = format!("q={}", words.join("+"));
    for query in [
        &words,
        "min_total_cents=-9223372036854775808&max_total_cents=9223372036854775807",
        "placed_from=0000-01-01&placed_to=9999-12-31T23:59:60Z",
        "q=%00&limit=100",
        "q=%F0%9F%8C%B6+%ff%fe",
        "q='%3A*%20%7C%20!a%26(",
        "q=",
        "department=%25",
        "department=%F0%9F%8C%B6%27%3B--",
        "sku=__",
        // As no browser, but some client may send it.
        "q=a b\t\"<jalapeño>\"",
    ] {
        let answer = stage.get(&format!("/orders?{query}"), STAFF).answer().await;
        assert_eq!(answer.status, 200, "{query} {}", answer.body);
    }
    for period in ["from=0000-01-01", "to=9999-12-31", "from=2017-01-01&to=2027-01-09"] {
        let report = format!("/reports/sales?{period}&by=week");
        assert_eq!(stage.get(&report, ANALYST).answer().await.status, 200, "{period}");
    }
    for report in ["sales", "top-products", "top-customers", "fulfilment"] {
        let too_long = format!("/reports/{report}?from=2017-01-01&to=2027-01-10");
        let answer = stage.get(&too_long, ANALYST).answer().await;
        assert_eq!(answer.problem(422), "period-too-long", "{report}");
    }
}

#[tokio::test]
async fn a_request_without_claims_is_unauthorized() {
    let stage = Stage::empty().await;
    let request = axum::http::Request::get("/orders").body(axum::body::Body::empty()).unwrap();
    let pool = stage.pool.clone();
    let router = query::router(query::Queries::new(pool, vec![7; 32]));
    let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(answer.status(), 401);
}
