//! An export takes the memory of a page, however long the list is.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use axum::{
    body::Body,
    http::{Request, header},
};
use futures::StreamExt;
use lambda_http::request::LambdaRequest;
use local_postgres::test_database;
use ordering_views::MIGRATOR;
use query::Queries;
use serde_json::json;
use sqlx::PgPool;
use tower::ServiceExt;

/// As many as the year of baskets has, and lines of each.
const ORDERS: i32 = 155_368;
const LINES: i32 = 9;

/// What the whole process may have in memory at most, in KiB.
const MOST_KIB: u64 = 32 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_exported_in_the_memory_of_a_page() {
    witness::watch();
    let database = test_database().await.unwrap();
    let pool = PgPool::connect(&database.url).await.unwrap();
    MIGRATOR.run(&pool).await.unwrap();
    fill(&pool).await;
    let router = query::router(Queries::new(query::connect(&database.url).unwrap(), vec![7; 32]));

    // A head and a row a line of an order, or an order a line.
    for (format, expected) in [("text/csv", 1 + ORDERS * LINES), ("application/x-ndjson", ORDERS)] {
        let response = router.clone().oneshot(export(format)).await.unwrap();
        assert_eq!(response.status(), 200);
        let (mut lines, mut bytes) = (0, 0);
        let mut chunks = response.into_body().into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.unwrap();
            lines += chunk.iter().filter(|byte| **byte == b'\n').count();
            bytes += chunk.len();
        }
        let (megabytes, peak_kib) = (bytes / 1_000_000, peak_kib());
        println!("{format}: {lines} lines, {megabytes} MB, at most {peak_kib} KiB in memory");
        assert_eq!(lines, usize::try_from(expected).unwrap());
        assert!(peak_kib < MOST_KIB, "{peak_kib} KiB");
    }
}

/// `GET /orders`, as the handler makes it of API Gateway's event.
fn export(format: &str) -> Request<Body> {
    let event = json!({
        "version": "2.0", "routeKey": "GET /orders", "rawPath": "/orders", "rawQueryString": "",
        "headers": { "host": "api", "accept": format },
        "requestContext": {
            "http": {
                "method": "GET", "path": "/orders", "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "test",
            },
            "requestId": "r1", "stage": "$default", "routeKey": "GET /orders",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
            "authorizer": { "jwt": { "claims": { "sub": "ada", "scope": "analyst" }, "scopes": [] } },
        },
        "isBase64Encoded": false,
    });
    let event: LambdaRequest = serde_json::from_value(event).unwrap();
    let mut request = Request::from(event).map(|_| Body::empty());
    assert_eq!(request.headers().get(header::ACCEPT).unwrap(), format);
    *request.uri_mut() = "/orders".parse().unwrap();
    request
}

async fn fill(pool: &PgPool) {
    for sql in [
        "insert into order_history (id, reference, status, customer_id, total_cents, \
           refund_cents, currency, placed_at, words, version) \
         select gen_random_uuid(), 'basket-' || n, 'delivered', gen_random_uuid(), n, 0, 'USD', \
           timestamptz '2017-01-01Z' + n * interval '3 minutes', '', 1 \
         from generate_series(1, $1) n where $2 > 0",
        "insert into order_line (order_id, line_no, sku, quantity, returned_quantity, \
           unit_price_cents, total_cents) \
         select id, n, 'P' || n, 1, 0, 100, 100 from order_history, generate_series(1, $2) n \
         where $1 > 0",
    ] {
        sqlx::query(sql).bind(ORDERS).bind(LINES).execute(pool).await.unwrap();
    }
}

/// The most that this process has ever had in memory.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches("kB").trim().parse().unwrap()
}
