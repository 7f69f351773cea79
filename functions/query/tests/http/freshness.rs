//! Consistency tokens over HTTP.

use std::time::{Duration, Instant};

use decider::RecordedEvent;
use edge::ConsistencyToken;
use ordering_views::{StreamId, Version};

use crate::{
    caller::{Asked, STAFF},
    stage::{Stage, order},
};

fn token(stream: StreamId, version: u64) -> ConsistencyToken {
    ConsistencyToken { writes: vec![(stream, Version(version))] }
}

#[tokio::test]
async fn a_query_with_a_token_sees_that_write() {
    let mut stage = Stage::set().await;
    let version = stage.order("ann", "just now", 5).await;
    let write = token(order("just now").stream(), version.0);
    let path = format!("/orders/{}", order("just now"));
    let answer = stage.get(&path, STAFF).waiting(&write, 0).answer().await;
    assert_eq!(answer.ok()["reference"], "just now");
}

#[tokio::test]
async fn a_query_waits_for_a_write_that_is_on_its_way() {
    let mut stage = Stage::set().await;
    let write = token(order("soon").stream(), 1);
    let path = format!("/orders/{}", order("soon"));
    let handler = stage.handler.clone();
    let asked = Asked::get(&handler, &path, STAFF).waiting(&write, 20);
    let (answer, _) = tokio::join!(asked.answer(), stage.order("ann", "soon", 5));
    assert_eq!(answer.ok()["reference"], "soon");
}

#[tokio::test]
async fn a_query_that_would_be_older_than_asked_for_is_not_answered() {
    let stage = Stage::set().await;
    let never = token(order("never").stream(), 1);
    for path in ["/orders", "/products", "/products/A", "/projection"] {
        let started = Instant::now();
        let answer = stage.get(path, STAFF).waiting(&never, 1).answer().await;
        assert_eq!(answer.problem(503), "projection-lagging", "{path}");
        assert!(answer.header("retry-after").is_some());
        assert!(answer.header("projection-lag-ms").is_some());
        assert!(started.elapsed() >= Duration::from_secs(1));
    }
}

#[tokio::test]
async fn every_query_waits_for_the_write_that_its_token_names() {
    let stage = Stage::set().await;
    let never = token(order("never").stream(), 1);
    for path in crate::protection::every_query() {
        let at_once = stage.get(&path, crate::bad_input::BOTH).waiting(&never, 0).answer().await;
        assert_eq!(at_once.problem(503), "projection-lagging", "{path}");
    }
}

#[tokio::test]
async fn a_parked_stream_is_not_waited_for() {
    let mut stage = Stage::set().await;
    let riddle = RecordedEvent {
        name: "Riddle".to_owned(),
        schema_version: 1,
        data: "{}".to_owned(),
        ..RecordedEvent::default()
    };
    let version = stage.commit(&order("order 0").stream(), riddle).await;
    let (parked, started) = (token(order("order 0").stream(), version.0), Instant::now());
    let answer = stage.get("/orders", STAFF).waiting(&parked, 20).answer().await;
    assert_eq!(answer.problem(503), "projection-lagging");
    assert!(answer.body["detail"].as_str().unwrap().contains("parked"));
    assert!(started.elapsed() < Duration::from_secs(10));
    let progress = stage.get("/projection", STAFF).answer().await.ok();
    assert_eq!(progress["caught_up"], false);
}

#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    let stage = Stage::set().await;
    let good = token(order("order 0").stream(), 1).to_string();
    for bad in ["x", "", "Zm9v", &good[1..], &format!("{good},x")] {
        let answer = stage.get("/orders", STAFF).with("consistency-token", bad).answer().await;
        assert_eq!(answer.problem(400), "bad-token", "{bad:?}");
    }
    let twice = format!("{good}, {good}");
    let answer = stage.get("/orders", STAFF).with("consistency-token", &twice).answer().await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_database_that_is_away_is_a_503_that_says_when_to_come_back() {
    let pool = query::connect("postgres://nobody@127.0.0.1:1/none").unwrap();
    let handler = edge::Handler::new(query::router(query::Queries::new(pool, vec![7; 32])));
    let answer = Asked::get(&handler, "/orders", STAFF).answer().await;
    assert_eq!(answer.problem(503), "unavailable");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.header("projection-lag-ms"), None);
}
