//! What may be kept of an answer, who need not get it again, and how it is compressed.

use std::io::Read;

use ordering::{CustomerEvent, Email, EmailChanged, PriceChanged, ProductEvent};

use crate::{
    caller::{Answer, STAFF, shopper},
    stage::{Stage, cart_of, customer, order, sku},
};

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap().to_owned()
}

#[tokio::test]
async fn who_has_the_answer_does_not_get_it_again() {
    let stage = Stage::set().await;
    for path in [
        format!("/carts/{}", cart_of("ann")),
        format!("/orders/{}", order("order 0")),
        format!("/customers/{}", customer("ann")),
        "/products/A".to_owned(),
    ] {
        let first = stage.get(&path, STAFF).answer().await;
        for known in [tag(&first), format!("\"x\", W/{}", tag(&first)), "*".to_owned()] {
            let again = stage.get(&path, STAFF).with("if-none-match", &known).answer().await;
            assert_eq!((again.status, again.bytes.len()), (304, 0), "{path} {known}");
            assert_eq!(again.header("etag"), first.header("etag"), "{path}");
            assert_eq!(again.header("cache-control"), first.header("cache-control"), "{path}");
            assert!(again.header("projection-lag-ms").is_some());
        }
        for known in ["\"1\"", "\"2\"", "\"\"", "nonsense"] {
            let again = stage.get(&path, STAFF).with("if-none-match", known).answer().await;
            assert_eq!(again.status, 200, "{path} {known}");
        }
    }
}

/// The names, prices and counts in an answer belong to other streams than the thing's own.
#[tokio::test]
async fn what_changed_without_the_version_is_not_hidden() {
    let mut stage = Stage::set().await;
    let (cart, ann) =
        (format!("/carts/{}", cart_of("ann")), format!("/customers/{}", customer("ann")));
    let paths = [cart.as_str(), ann.as_str(), "/products/A"];
    let mut known = Vec::new();
    for path in paths {
        known.push(tag(&stage.get(path, STAFF).answer().await));
    }
    // a price in the cart, an order of the customer, pieces sold of the product
    let price = PriceChanged { unit_price_cents: 175.try_into().unwrap() };
    stage.happens::<ProductEvent>(&sku("A").stream(), price).await;
    stage.order("ann", "order 9", 1).await;
    for (path, known) in paths.into_iter().zip(&known) {
        let again = stage.get(path, STAFF).with("if-none-match", known).answer().await;
        assert_eq!(again.status, 200, "{path}");
        let version = |tag: &str| tag.split('-').next().map(str::to_owned);
        let same_version = version(known) == version(&tag(&again));
        assert_eq!(same_version, !path.starts_with("/products"), "{path} {known}");
    }
}

#[tokio::test]
async fn a_tag_does_not_show_what_a_token_may_not_see() {
    let stage = Stage::set().await;
    let path = format!("/orders/{}", order("order 0"));
    let mine = tag(&stage.get(&path, shopper("ann")).answer().await);
    let asked = stage.get(&path, shopper("bob")).with("if-none-match", &mine);
    assert_eq!(asked.answer().await.problem(404), "not-found");
}

#[tokio::test]
async fn only_the_callers_own_cache_keeps_one_thing_and_none_keeps_a_list() {
    let mut stage = Stage::set().await;
    let moved = EmailChanged::from(Email::try_from("ann@example.org".to_owned()).unwrap());
    stage.happens::<CustomerEvent>(&customer("ann").stream(), moved).await;
    for (path, kept) in [
        ("/products/A".to_owned(), "private, no-cache"),
        (format!("/customers/{}", customer("ann")), "private, no-cache"),
        ("/orders".to_owned(), "private, no-store"),
        ("/projection".to_owned(), "private, no-store"),
        ("/products/NONE".to_owned(), "no-store"),
        ("/orders?limit=0".to_owned(), "no-store"),
    ] {
        let answer = stage.get(&path, STAFF).answer().await;
        assert_eq!(answer.header("cache-control"), Some(kept), "{path}");
    }
    let vary = stage.get("/products/A", STAFF).answer().await;
    assert_eq!(vary.header("vary"), Some("Accept, Accept-Encoding, Authorization"));
}

#[tokio::test]
async fn a_large_answer_is_compressed_for_who_takes_that() {
    let stage = Stage::set().await;
    let plain = stage.get("/orders", STAFF).answer().await;
    assert_eq!(plain.header("content-encoding"), None);
    for (accepted, coding) in [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip;q=0.5, zstd", "zstd"),
        ("br, gzip;q=0.1", "gzip"),
    ] {
        let packed = stage.get("/orders", STAFF).with("accept-encoding", accepted).answer().await;
        assert_eq!(packed.header("content-encoding"), Some(coding), "{accepted}");
        assert!(packed.bytes.len() < plain.bytes.len() / 2, "{}", packed.bytes.len());
        assert_eq!(unpacked(coding, &packed.bytes), plain.bytes, "{accepted}");
    }
    let small = stage.get("/products/A", STAFF).with("accept-encoding", "gzip").answer().await;
    assert_eq!(small.header("content-encoding"), None);
}

#[tokio::test]
async fn compressed_bytes_have_a_tag_of_their_own_and_stand_for_the_same_answer() {
    let mut stage = Stage::set().await;
    // an order that is worth compressing
    for name in ["a", "b", "c", "d"] {
        stage.order("ann", &format!("order {}", name.repeat(60)), 1).await;
    }
    let many: Vec<&str> = ["A", "B"].into_iter().cycle().take(40).collect();
    stage.paid_order_of(&many).await;
    let path = format!("/orders/{}", cart_of("bought").order());
    let plain = tag(&stage.get(&path, STAFF).answer().await);
    let packed = stage.get(&path, STAFF).with("accept-encoding", "gzip").answer().await;
    assert_eq!(tag(&packed), format!("{}-gzip\"", plain.trim_end_matches('"')));
    for known in [plain, tag(&packed)] {
        let asked = stage.get(&path, STAFF).with("accept-encoding", "gzip");
        let again = asked.with("if-none-match", &known).answer().await;
        assert_eq!((again.status, tag(&again)), (304, known));
    }
}

fn unpacked(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    match coding {
        "gzip" => drop(flate2::read::GzDecoder::new(bytes).read_to_end(&mut unpacked).unwrap()),
        _ => unpacked = zstd::decode_all(bytes).unwrap(),
    }
    unpacked
}
