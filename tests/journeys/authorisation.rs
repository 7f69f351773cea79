//! Who may do what: every route by every scope, foreign things, and tokens that are none.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use journeys::{Caller, Shop};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use local_stack::{AUDIENCE, ISSUER, SCOPES, template::Template};
use reqwest::Method;
use serde_json::{Value, json};

/// A row of the contract: a route, who may use it, and a body that fits.
struct Rule {
    method: &'static str,
    route: &'static str,
    scopes: &'static [&'static str],
    body: Value,
}

/// The scopes of `api.md`, written down here a second time, by hand.
fn rules() -> Vec<Rule> {
    let rule = |method, route, scopes, body| Rule { method, route, scopes, body };
    let (stock, shop) = (&["staff", "import"][..], &["shop", "staff"][..]);
    let (staff, analyst) = (&["staff"][..], &["analyst"][..]);
    let (lists, all) = (&["shop", "staff", "analyst"][..], &SCOPES[..]);
    let item = json!({"sku": "TEA", "quantity": 1});
    let back = json!({"lines": [item], "reason": "r"});
    let paid = json!({"payment_reference": "p", "amount_cents": 1});
    let parcel = json!({"carrier": "c", "tracking_number": "t"});
    vec![
        rule("POST", "/products", stock, json!({})),
        rule("POST", "/products/{sku}/price", stock, json!({"unit_price_cents": 1})),
        rule("POST", "/products/{sku}/stock", stock, json!({"received": 1})),
        rule("POST", "/products/{sku}/discontinue", stock, json!({})),
        rule("POST", "/customers", stock, json!({})),
        rule(
            "POST",
            "/customers/{customer}/email",
            &["shop", "staff", "import"],
            json!({"email": "new@example.com"}),
        ),
        rule("POST", "/carts", shop, json!({"customer_id": "{customer}"})),
        rule("POST", "/carts/{cart}/items", shop, item.clone()),
        rule("PUT", "/carts/{cart}/items/{sku}", shop, json!({"quantity": 1})),
        rule("DELETE", "/carts/{cart}/items/{sku}", shop, json!({})),
        rule("POST", "/carts/{cart}/checkout", shop, json!({})),
        rule("POST", "/orders/import", &["import"], json!({})),
        rule("POST", "/orders/{order}/pay", shop, paid),
        rule("POST", "/orders/{order}/ship", staff, parcel),
        rule("POST", "/orders/{order}/deliver", staff, json!({})),
        rule("POST", "/orders/{order}/cancel", shop, json!({"reason": "r"})),
        rule("POST", "/orders/{order}/return", shop, back),
        rule("GET", "/orders", lists, json!(null)),
        rule("GET", "/orders/{order}", lists, json!(null)),
        rule("GET", "/customers/{customer}", all, json!(null)),
        rule("GET", "/customers/{customer}/orders", lists, json!(null)),
        rule("GET", "/products", all, json!(null)),
        rule("GET", "/products/{sku}", all, json!(null)),
        rule("GET", "/carts/{cart}", shop, json!(null)),
        rule("GET", "/streams/order-{order}/events", lists, json!(null)),
        rule("GET", "/projection", &["staff", "analyst"], json!(null)),
        rule("GET", "/reports/sales", analyst, json!(null)),
        // the last one, as it leaves nobody to ask about
        rule("POST", "/customers/{customer}/erase", staff, json!({})),
    ]
}

/// Routes that need no token: the contract itself, and its page.
const PUBLIC: [&str; 3] = ["/openapi.json", "/docs", "/docs/{file}"];

/// Ann's things.
struct Hers {
    customer: String,
    cart: String,
    order: String,
}

impl Hers {
    async fn make(shop: &Shop) -> anyhow::Result<Self> {
        let staff = &shop.staff;
        staff.stocked("TEA", 100, 50).await?;
        let customer = staff.customer("ann").await?;
        let bought = staff.cart(&customer, &[("TEA", 1)]).await?;
        let placed = staff.post(&format!("/carts/{bought}/checkout"), json!({})).await?;
        let placed = placed.expect(201)?;
        let order = placed.text("order_id")?;
        let cart = staff.cart(&customer, &[("TEA", 1)]).await?;
        staff.get_after(&placed, &format!("/orders/{order}")).await?.expect(200)?;
        Ok(Self { customer, cart, order })
    }

    fn fill(&self, text: &str) -> String {
        let text = text.replace("{customer}", &self.customer).replace("{cart}", &self.cart);
        text.replace("{order}", &self.order).replace("{sku}", "TEA")
    }
}

async fn ask(caller: &Caller, rule: &Rule, hers: &Hers) -> anyhow::Result<journeys::Answer> {
    let method: Method = rule.method.parse()?;
    let mut request = caller.request(method, &hers.fill(rule.route));
    if !rule.body.is_null() {
        let body: Value = serde_json::from_str(&hers.fill(&rule.body.to_string()))?;
        request = request.json(&body);
    }
    Caller::send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_open_to_its_scopes_and_to_nobody_else() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let hers = Hers::make(&shop).await?;
    let bob = shop.staff.customer("bob").await?;
    for rule in rules() {
        for scope in SCOPES {
            let token = shop.stack.token(scope, (scope == "shop").then_some(bob.as_str()))?;
            let answer = ask(&Caller::new(shop.stack.url(), token), &rule, &hers).await?;
            let (asked, status) =
                (format!("{} {} as {scope}", rule.method, rule.route), answer.status);
            if rule.scopes.contains(&scope) {
                ensure!(!matches!(status, 401 | 403 | 500..), "{asked}: {status} {}", answer.body);
            } else {
                ensure!(status == 403, "{asked}: {status} instead of 403");
            }
            let names_hers = rule.route.contains("{customer}")
                || rule.route.contains("{cart}")
                || rule.route.contains("{order}");
            if scope == "shop" && rule.scopes.contains(&scope) && names_hers {
                ensure!(status == 404, "{asked}: {status} instead of 404 for Ann's things");
            }
        }
        let nobody = Caller::new(shop.stack.url(), String::new());
        let answer = ask(&nobody, &rule, &hers).await?;
        ensure!(answer.status == 401, "{} {} without a token", rule.method, rule.route);
    }
    let somebody = shop.stack.token("shop", None)?;
    let answer = Caller::new(shop.stack.url(), somebody).get("/orders").await?;
    ensure!(answer.status == 403, "a shopper who is no customer: {}", answer.status);
    shop.stack.stop().await;
    Ok(())
}

#[test]
fn every_route_of_the_template_is_in_the_contract() -> anyhow::Result<()> {
    let known: BTreeSet<String> =
        rules().iter().map(|rule| format!("{} {}", rule.method, nameless(rule.route))).collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    for route in Template::read(&page)?.routes {
        let key = route.key.to_string();
        let (method, path) = key.split_once(' ').unwrap_or(("", &key));
        if PUBLIC.contains(&path) || key == "$default" {
            continue;
        }
        if path.starts_with("/reports/") {
            ensure!(route.scopes == ["analyst"], "{key}: reports are for analysts");
            continue;
        }
        ensure!(known.contains(&format!("{method} {}", nameless(path))), "{key} is in no rule");
    }
    Ok(())
}

/// The route whatever its variables are called.
fn nameless(route: &str) -> String {
    let segments =
        route.split('/').map(|segment| if segment.contains('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// A token that is good but for what `change` says.
fn token(key: &EncodingKey, change: &Value) -> anyhow::Result<String> {
    let now = chrono::Utc::now().timestamp();
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "sam", "scope": "staff import analyst",
        "iat": now, "nbf": now, "exp": now + 60,
    });
    for (name, value) in change.as_object().context("claims are an object")? {
        claims[name] = value.clone();
    }
    Ok(encode(&Header::new(Algorithm::RS256), &claims, key)?)
}

/// The claims of a good token under another header, unsigned.
fn unsigned(good: &str, algorithm: &str) -> anyhow::Result<String> {
    let claims = good.split('.').nth(1).context("a token has claims")?;
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": algorithm, "typ": "JWT"}).to_string());
    Ok(format!("{header}.{claims}."))
}

fn signing_key(shop: &Shop) -> anyhow::Result<EncodingKey> {
    let key = std::fs::read(shop.stack.data_dir().join("issuer.pk8"))?;
    let text = base64::engine::general_purpose::STANDARD.encode(key);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    Ok(EncodingKey::from_rsa_pem(pem.as_bytes())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_the_issuers_or_not_for_now_opens_nothing() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let other_shop = Shop::open().await?;
    let (key, other_key) = (signing_key(&shop)?, signing_key(&other_shop)?);
    let good = token(&key, &json!({}))?;
    let now = chrono::Utc::now().timestamp();
    let tampered = {
        let (head, signature) = good.rsplit_once('.').context("a token has a signature")?;
        let claims = URL_SAFE_NO_PAD.encode(json!({"sub": "eve", "scope": "staff"}).to_string());
        format!("{}.{claims}.{signature}", head.split('.').next().unwrap_or_default())
    };
    let bad = [
        ("expired", token(&key, &json!({"exp": now - 1}))?),
        ("not yet good", token(&key, &json!({"nbf": now + 600}))?),
        ("of another issuer", token(&key, &json!({"iss": "https://elsewhere.example"}))?),
        ("for another audience", token(&key, &json!({"aud": "elsewhere"}))?),
        ("without an audience", token(&key, &json!({"aud": null}))?),
        ("without an end", token(&key, &json!({"exp": null}))?),
        ("of another key", token(&other_key, &json!({}))?),
        ("alg none", unsigned(&good, "none")?),
        ("alg None", unsigned(&good, "None")?),
        ("alg HS256", unsigned(&good, "HS256")?),
        ("tampered with", tampered),
        ("no token", "not.a.token".to_owned()),
    ];
    for (kind, token) in bad {
        let caller = Caller::new(shop.stack.url(), token);
        let asked = caller.get("/products").await?;
        ensure!(asked.status == 401, "GET with a token {kind}: {}", asked.status);
        let sent = caller.post("/products", json!({})).await?;
        ensure!(sent.status == 401, "POST with a token {kind}: {}", sent.status);
    }
    let caller = Caller::new(shop.stack.url(), good);
    caller.get("/products").await?.expect(200)?;
    shop.stack.stop().await;
    other_shop.stack.stop().await;
    Ok(())
}
