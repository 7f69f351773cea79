//! What must be refused, with nothing written and never a 500.

use anyhow::Context;
use aws_sdk_dynamodb::types::AttributeValue;
use journeys::{Caller, Shop};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_body_is_refused_and_nothing_is_written() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 9).await?;
    let ann = staff.customer("ann").await?;
    let cart = staff.cart(&ann, &[("TEA", 1)]).await?;
    let (items, tea) = (format!("/carts/{cart}/items"), "/products/TEA/stock");
    let before = commits(&shop).await?;

    let product = |field: &str, value: Value| {
        let mut product = json!({
            "sku": "JAM", "name": "Jam", "department": "GROCERY", "unit_price_cents": 1,
        });
        product[field] = value;
        product.to_string()
    };
    let cases = [
        ("/products", "{\"sku\": ".to_owned(), "not-json", ""),
        ("/products", "[]".to_owned(), "bad-body", ""),
        ("/products", r#"["JAM", "Jam", "GROCERY", null, null, 1]"#.to_owned(), "bad-body", ""),
        ("/products", product("sku", json!("..")), "bad-body", "/sku"),
        ("/products", String::new(), "bad-body", ""),
        ("/products", product("unit_price_cents", json!("1")), "bad-body", "/unit_price_cents"),
        ("/products", product("unit_price_cents", json!(-1)), "bad-body", "/unit_price_cents"),
        ("/products", product("unit_price_cents", json!(1.5)), "bad-body", "/unit_price_cents"),
        ("/products", product("unit_price_cents", json!(1e30)), "bad-body", "/unit_price_cents"),
        (
            "/products",
            product("unit_price_cents", json!(u64::MAX)),
            "bad-body",
            "/unit_price_cents",
        ),
        ("/products", product("sku", json!("a b")), "bad-body", "/sku"),
        ("/products", product("name", json!("")), "bad-body", "/name"),
        ("/products", product("name", json!("a\u{0}b")), "bad-body", "/name"),
        ("/products", product("color", json!("red")), "bad-body", "/color"),
        (tea, r#"{"received": 0}"#.to_owned(), "bad-body", "/received"),
        (tea, r#"{"received": -3}"#.to_owned(), "bad-body", "/received"),
        (tea, r#"{"counted": -1}"#.to_owned(), "bad-body", "/counted"),
        (tea, r#"{"received": 1, "counted": 1}"#.to_owned(), "bad-body", ""),
        (&items, r#"{"sku": "TEA", "quantity": 0}"#.to_owned(), "bad-body", "/quantity"),
        (&items, r#"{"sku": "TEA", "quantity": -1}"#.to_owned(), "bad-body", "/quantity"),
        ("/customers", r#"{"name": "x", "email": "no"}"#.to_owned(), "bad-body", "/email"),
        ("/carts", r#"{"customer_id": "no"}"#.to_owned(), "bad-body", "/customer_id"),
    ];
    for (path, body, kind, pointer) in cases {
        let refused = send(staff, path, &body).await.with_context(|| format!("{path} {body}"))?;
        let problem = refused.refused(400, kind).with_context(|| format!("{path} {body}"))?.body;
        if kind == "bad-body" {
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{path} {body}: {problem}");
        }
    }
    let unknown = json!({"sku": "NONE", "quantity": 1});
    staff.post(&items, unknown).await?.refused(422, "unknown-product")?;
    let large = format!("{{\"sku\": \"{}\"}}", "x".repeat(300 * 1024));
    send(staff, "/products", &large).await?.refused(413, "body-too-large")?;
    let form = staff.request(Method::POST, "/products").body("sku=JAM");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    Caller::send(form).await?.refused(415, "not-json")?;
    assert_eq!(commits(&shop).await?, before, "nothing was written");
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_not_allowed_is_said_so() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    let absent = "0190b5a4-7b1c-7cc0-8000-000000000000";
    for path in ["/orders/nonsense", &format!("/orders/{absent}"), "/products/NONE", "/no/such"] {
        staff.get(path).await?.refused(404, "not-found")?;
    }
    for path in ["/orders/nonsense/deliver", &format!("/orders/{absent}/deliver")] {
        staff.post(path, json!({})).await?.refused(404, "not-found")?;
    }
    staff.post("/products/NONE/price", json!({"unit_price_cents": 1})).await?.expect(404)?;
    for (method, path, allowed) in [
        (Method::PATCH, "/orders", "GET, HEAD"),
        (Method::DELETE, "/products", "GET, HEAD, POST"),
        (Method::GET, "/orders/import", "POST"),
        (Method::GET, "/carts/x/checkout", "POST"),
    ] {
        let wrong = Caller::send(staff.request(method, path)).await?;
        let wrong = wrong.refused(405, "method-not-allowed").context(path)?;
        assert_eq!(wrong.header("allow")?, allowed, "{path}");
    }
    let forged = [
        "/orders?cursor=forged",
        "/orders?cursor=AAAA",
        "/orders?limit=0",
        "/orders?limit=101",
        "/orders?limit=x",
        "/orders?colour=red",
        "/orders?placed_from=yesterday",
        "/orders?customer_id=nonsense",
        "/products?cursor=%00",
        "/reports/sales?from=x&to=y&by=day",
        "/reports/sales?from=2017-01-01&to=2018-01-01&by=hour",
    ];
    for path in forged {
        let refused = staff.get(path).await?;
        assert_eq!(refused.status, 400, "{path}: {}", refused.body);
    }
    let token = staff.request(Method::GET, "/orders").header("consistency-token", "forged");
    Caller::send(token).await?.expect(400)?;
    let shopper = shop.shopper(absent)?;
    let smuggled = shopper.request(Method::POST, "/carts").header("host", "x/products#");
    let product = json!({
        "sku": "JAM", "name": "Jam", "department": "GROCERY", "unit_price_cents": 1,
    });
    Caller::send(smuggled.json(&product)).await?.refused(400, "bad-body")?;
    let nobody = Caller::new(shop.stack.url(), "forged".to_owned());
    nobody.get("/orders").await?.expect(401)?;
    let key = staff.request(Method::POST, "/carts").header("idempotency-key", "k".repeat(256));
    Caller::send(key.json(&json!({"customer_id": absent}))).await?.refused(400, "bad-header")?;
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_on_another_version_is_refused() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 9).await?;
    let priced = |version: &str| {
        let request = staff.request(Method::POST, "/products/TEA/price");
        request.header("if-match", version).json(&json!({"unit_price_cents": 300}))
    };
    Caller::send(priced("\"1\"")).await?.refused(412, "version-differs")?;
    Caller::send(priced("two")).await?.refused(400, "bad-header")?;
    let changed = Caller::send(priced("\"2\"")).await?.expect(200)?;
    assert_eq!(changed.header("etag")?, "\"3\"");
    shop.stack.stop().await;
    Ok(())
}

async fn send(staff: &Caller, path: &str, body: &str) -> anyhow::Result<journeys::Answer> {
    let request = staff.request(Method::POST, path).header("content-type", "application/json");
    Caller::send(request.body(body.to_owned())).await
}

/// How many commits the event table has; beats come and go beside them.
async fn commits(shop: &Shop) -> anyhow::Result<i32> {
    let scan = shop.stack.dynamodb_client().scan().table_name(local_stack::TABLE_NAME);
    let scan = scan.filter_expression("kind = :commit");
    let commit = AttributeValue::S("commit".to_owned());
    Ok(scan.expression_attribute_values(":commit", commit).send().await?.count())
}
