//! Cursors over HTTP.

use std::collections::BTreeSet;

use crate::{
    caller::{STAFF, shopper},
    stage::{Stage, cart_of, customer},
};

/// Follows the links of a list to its end; gives how many pages it had, and its items.
async fn follow(stage: &Stage, first: &str) -> (usize, Vec<serde_json::Value>) {
    let (mut pages, mut items, mut next) = (0, Vec::new(), Some(first.to_owned()));
    while let Some(path) = next {
        let answer = stage.get(&path, STAFF).answer().await;
        next = answer.header("link").map(|link| {
            link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
        });
        let body = answer.ok();
        assert_eq!(body["next_cursor"].is_string(), next.is_some());
        items.extend(body["items"].as_array().unwrap().iter().cloned());
        pages += 1;
    }
    (pages, items)
}

#[tokio::test]
async fn the_links_of_a_list_lead_through_all_of_it() {
    let stage = Stage::set().await;
    let events = format!("/streams/{}/events?limit=1", cart_of("ann").stream());
    let history = format!("/customers/{}/orders?limit=2&sort=total_cents", customer("ann"));
    for (first, pages, items) in [
        ("/orders?limit=1&q=jalape%C3%B1o+order&status=delivered&status=paid", 4, 4),
        ("/orders?limit=3&sort=-total_cents", 2, 4),
        ("/orders?limit=4", 1, 4),
        ("/products?limit=1&department=GROCERY", 2, 2),
        (&events, 2, 2),
        (&history, 2, 3),
    ] {
        let (seen_pages, seen) = follow(&stage, first).await;
        let each: BTreeSet<_> = seen.iter().map(ToString::to_string).collect();
        assert_eq!((seen_pages, seen.len(), each.len()), (pages, items, items), "{first}");
    }
}

#[tokio::test]
async fn a_changed_or_foreign_cursor_is_refused() {
    let stage = Stage::set().await;
    let first = stage.get("/orders?limit=1&status=delivered", STAFF).answer().await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let ok = format!("/orders?status=delivered&cursor={cursor}");
    assert_eq!(stage.get(&ok, STAFF).answer().await.ids().len(), 3);

    let mut bytes = cursor.to_owned().into_bytes();
    bytes[30] = if bytes[30] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(bytes).unwrap();
    for path in [
        format!("/orders?status=delivered&cursor={changed}"),
        format!("/orders?status=delivered&cursor={}", &cursor[1..]),
        "/orders?status=delivered&cursor=".to_owned(),
        "/orders?cursor=%00".to_owned(),
        format!("/orders?cursor={cursor}"),
        format!("/orders?status=delivered&status=paid&cursor={cursor}"),
        format!("/orders?status=delivered&sort=placed_at&cursor={cursor}"),
        format!("/products?cursor={cursor}"),
        format!("/customers/{}/orders?status=delivered&cursor={cursor}", customer("ann")),
        format!("/streams/product-A/events?cursor={cursor}"),
    ] {
        let answer = stage.get(&path, STAFF).answer().await;
        assert_eq!(answer.problem(400), "bad-cursor", "{path}");
    }
    let other = stage.get(&ok, crate::caller::ANALYST).answer().await;
    assert_eq!(other.problem(400), "bad-cursor");
    let confined = stage.get(&ok, shopper("ann")).answer().await;
    assert_eq!(confined.problem(400), "bad-cursor");
}
