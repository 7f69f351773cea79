//! A query that takes too long is given up, and says what to ask for instead.

use std::time::{Duration, Instant};

use edge::Handler;
use query::Queries;
use sqlx::postgres::PgPoolOptions;

use crate::{
    bad_input::BOTH,
    caller::Asked,
    stage::{Stage, cart_of, customer, order},
};

/// Every query of the API, asked for so that it is answered.
pub(crate) fn every_query() -> Vec<String> {
    let (ann, order, cart) = (customer("ann"), order("order 0"), cart_of("ann"));
    let named = [
        format!("/orders/{order}"),
        format!("/customers/{ann}"),
        format!("/customers/{ann}/orders"),
        format!("/carts/{cart}"),
        format!("/streams/{}/events", order.stream()),
    ];
    let fixed = [
        "/orders",
        "/products",
        "/products/A",
        "/projection",
        "/reports/sales",
        "/reports/top-products",
        "/reports/top-customers",
        "/reports/bought-together?sku=A",
        "/reports/retention",
        "/reports/fulfilment",
        "/reports/stock",
    ];
    named.into_iter().chain(fixed.map(str::to_owned)).collect()
}

/// The parameter that the problem names, where there is one to narrow by.
fn narrows(path: &str) -> &str {
    match path.split('?').next().unwrap_or_default() {
        "/orders" => "placed_from",
        "/products" => "department",
        "/reports/bought-together" => "sku",
        "/reports/sales"
        | "/reports/top-products"
        | "/reports/top-customers"
        | "/reports/fulfilment" => "from",
        path if path.starts_with("/customers/") && path.ends_with("/orders") => "placed_from",
        _ => "again",
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_given_up_and_says_what_to_narrow() {
    let stage = Stage::set().await;
    let soon = PgPoolOptions::new().max_connections(2).after_connect(|connection, _| {
        Box::pin(async move {
            let soon = sqlx::raw_sql("set statement_timeout = '100ms'");
            soon.execute(connection).await.map(|_| ())
        })
    });
    let soon = soon.connect(&stage.database.url).await.unwrap();
    let handler = Handler::new(query::router(Queries::new(soon, vec![7; 32])));
    // Nobody gets at a table that somebody else has to themselves.
    let mut held = stage.pool.begin().await.unwrap();
    let tables = "lock table order_history, order_line, order_refund, product, customer, cart, \
         audit_trail, position, quarantine in access exclusive mode";
    sqlx::raw_sql(tables).execute(&mut *held).await.unwrap();
    for path in every_query() {
        let started = Instant::now();
        let answer = Asked::get(&handler, &path, BOTH).answer().await;
        assert_eq!(answer.problem(503), "query-too-slow", "{path}");
        assert!(answer.header("retry-after").is_some(), "{path}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(narrows(&path)), "{path}: {detail}");
        assert!(started.elapsed() < Duration::from_secs(5), "{path} hung");
    }
}
