//! What is no more.

use edge::ConsistencyToken;
use ordering_views::{Removal, Version};

use crate::{
    caller::{STAFF, shopper},
    stage::{Stage, cart_of, customer, order},
};

#[tokio::test]
async fn the_trail_of_a_removed_stream_says_why_and_when() {
    let stage = Stage::set().await;
    stage.removed(order("order 0").stream(), Removal::Erased).await;
    stage.removed(cart_of("ann").stream(), Removal::Expired).await;
    for (stream, why) in
        [(order("order 0").stream(), "erased"), (cart_of("ann").stream(), "expired")]
    {
        let answer = stage.get(&format!("/streams/{stream}/events"), STAFF).answer().await;
        assert_eq!(answer.problem(410), why);
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains("2026-02-03T04:05:06.000Z"), "{detail}");
    }
    let path = format!("/streams/{}/events", order("order 1").stream());
    assert_eq!(stage.get(&path, STAFF).answer().await.status, 200, "of another stream");
}

#[tokio::test]
async fn a_customer_learns_nothing_of_what_is_no_more_but_of_themselves() {
    let stage = Stage::set().await;
    for stream in [order("order 0").stream(), customer("ann").stream()] {
        stage.removed(stream, Removal::Erased).await;
    }
    let events = |stream| format!("/streams/{stream}/events");
    let of_order = stage.get(&events(order("order 0").stream()), shopper("bob")).answer().await;
    assert_eq!(of_order.problem(404), "not-found");
    let own = stage.get(&events(customer("ann").stream()), shopper("ann")).answer().await;
    assert_eq!(own.problem(410), "erased");
    let others = stage.get(&events(customer("ann").stream()), shopper("bob")).answer().await;
    assert_eq!(others.problem(404), "not-found");
}

#[tokio::test]
async fn a_token_of_a_removed_stream_is_not_waited_for() {
    let stage = Stage::set().await;
    stage.removed(order("order 0").stream(), Removal::Erased).await;
    let write = ConsistencyToken { writes: vec![(order("order 0").stream(), Version(9))] };
    let path = format!("/orders/{}", order("order 0"));
    let answer = stage.get(&path, STAFF).waiting(&write, 20).answer().await;
    assert_eq!(answer.problem(404), "not-found");
}
