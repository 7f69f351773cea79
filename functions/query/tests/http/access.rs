//! Who may see what.

use crate::{
    caller::{ANALYST, Caller, IMPORT, STAFF, shopper},
    stage::{Stage, cart_of, customer, order},
};

#[tokio::test]
async fn somebody_elses_things_are_not_there() {
    let stage = Stage::set().await;
    let mine = [
        format!("/orders/{}", order("order 0")),
        format!("/customers/{}", customer("ann")),
        format!("/customers/{}/orders", customer("ann")),
        format!("/carts/{}", cart_of("ann")),
        format!("/orders?customer_id={}", customer("ann")),
        format!("/streams/{}/events", customer("ann").stream()),
        format!("/streams/{}/events", cart_of("ann").stream()),
        format!("/streams/{}/events", order("order 0").stream()),
    ];
    for path in mine {
        assert_eq!(stage.get(&path, shopper("ann")).answer().await.status, 200, "{path}");
        assert_eq!(stage.get(&path, STAFF).answer().await.status, 200, "{path}");
        let analyst = if path.starts_with("/carts") { 403 } else { 200 };
        assert_eq!(stage.get(&path, ANALYST).answer().await.status, analyst, "{path}");
        let refused = stage.get(&path, shopper("bob")).answer().await;
        assert_eq!(refused.problem(404), "not-found", "{path}");
    }
}

#[tokio::test]
async fn a_customer_lists_their_own_orders_and_no_others() {
    let stage = Stage::set().await;
    let bobs = stage.get("/orders", shopper("bob")).answer().await.ids();
    assert_eq!(bobs, [order("order 3").to_string()]);
    let all = stage.get("/orders", STAFF).answer().await.ids();
    assert_eq!(all.len(), 4);
}

#[tokio::test]
async fn a_scope_that_does_not_allow_it_is_told_so() {
    let stage = Stage::set().await;
    let nobody = Caller { subject: "x", scope: "", customer: None };
    let nameless = Caller { subject: "x", scope: "shop", customer: None };
    let ann = format!("/customers/{}", customer("ann"));
    let ann = ann.as_str();
    let product_stream = "/streams/product-A/events";
    for (path, caller, status) in [
        ("/reports/sales", STAFF, 403),
        ("/reports/sales", shopper("ann"), 403),
        ("/reports/sales", ANALYST, 200),
        ("/reports/top-products", STAFF, 403),
        ("/reports/top-customers", STAFF, 403),
        ("/reports/bought-together?sku=A", STAFF, 403),
        ("/reports/retention", STAFF, 403),
        ("/reports/fulfilment", STAFF, 403),
        ("/reports/stock", STAFF, 403),
        ("/projection", shopper("ann"), 403),
        ("/projection", IMPORT, 403),
        ("/projection", STAFF, 200),
        ("/products", IMPORT, 200),
        ("/products/A", nameless, 200),
        ("/products", nobody, 403),
        ("/orders", nobody, 403),
        ("/orders", nameless, 403),
        ("/orders", IMPORT, 403),
        (ann, IMPORT, 200),
        (ann, nameless, 403),
        (product_stream, STAFF, 200),
        (product_stream, IMPORT, 403),
        (product_stream, shopper("ann"), 404),
    ] {
        let answer = stage.get(path, caller).answer().await;
        assert_eq!(answer.status, status, "{path} {caller:?}");
    }
}

#[tokio::test]
async fn a_stream_of_another_kind_or_without_events_is_not_there() {
    let stage = Stage::set().await;
    let claim = ordering::Email::try_from("ann@example.com".to_owned()).unwrap().claim_stream();
    let shouted = order("order 0").stream().to_string().to_uppercase().replace("ORDER", "order");
    for stream in [
        claim.to_string(),
        order("no such order").stream().to_string(),
        "product-NONE".to_owned(),
        "order-1".to_owned(),
        "position-1".to_owned(),
        "order".to_owned(),
        shouted,
    ] {
        let answer = stage.get(&format!("/streams/{stream}/events"), STAFF).answer().await;
        assert_eq!(answer.problem(404), "not-found", "{stream}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_what_cannot_be_done_is_not_allowed() {
    let stage = Stage::set().await;
    let nobody = customer("nobody");
    for path in [
        "/".to_owned(),
        "/nowhere".to_owned(),
        "/orders/1".to_owned(),
        format!("/orders/{}", order("nothing")),
        format!("/customers/{nobody}"),
        format!("/customers/{nobody}/orders"),
        "/products/NONE".to_owned(),
        "/products/a%20b".to_owned(),
        "/products/%00".to_owned(),
        "/products/a b\0ü%\\".to_owned(),
        "/products/A#b".to_owned(),
    ] {
        let answer = stage.get(&path, STAFF).answer().await;
        assert_eq!(answer.problem(404), "not-found", "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = stage.get("/products/A", STAFF).by(method).answer().await;
        assert_eq!(answer.problem(405), "method-not-allowed");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}

#[tokio::test]
async fn the_function_itself_can_only_read() {
    let stage = Stage::set().await;
    let pool = query::connect(&stage.database.url).unwrap();
    let refused = sqlx::query("delete from product").execute(&pool).await.unwrap_err();
    // read_only_sql_transaction
    let code = refused.as_database_error().and_then(|error| error.code());
    assert_eq!(code.as_deref(), Some("25006"));
    let timeout: String =
        sqlx::query_scalar("show statement_timeout").fetch_one(&pool).await.unwrap();
    assert_eq!(timeout, "5s");
}
