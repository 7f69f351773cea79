use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use axum::http::Method;
use futures::FutureExt;
use serde_json::{Value, json};

use super::*;
use crate::issuer::{DAY, Grant};
use crate::template::{RouteKey, Template};

/// A gateway with our routes, whose functions answer with the event they got.
struct Echo {
    gateway: Gateway,
    api: Arc<Api>,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Echo {
    async fn start() -> Self {
        witness::watch();
        let template = Template::read(
            &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml"),
        )
        .expect("ours is valid");
        let echo: Function = Arc::new(|event| {
            async move { Ok(json!({"statusCode": 200, "headers": {"etag": "\"1\""}, "cookies": ["a=1", "b=2"], "body": event.to_string()})) }.boxed()
        });
        let broken: Function = Arc::new(|_| async { Err(anyhow::anyhow!("out of order")) }.boxed());
        let functions = HashMap::from([
            ("command".to_owned(), Arc::clone(&echo)),
            ("query".to_owned(), echo),
            ("projector".to_owned(), broken),
        ]);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let issuer = Issuer::open(folder.path()).expect("a key is made");
        let mut routes = template.routes;
        routes.push(Route {
            key: RouteKey::On { method: Some(Method::GET), path: "/broken".to_owned() },
            function: "projector".to_owned(),
            scopes: Vec::new(),
            needs_token: false,
        });
        let api = Arc::new(Api::new(routes, functions, issuer));
        let listeners = Gateway::bind(0).await.expect("a port is free");
        let gateway = Gateway::serve(listeners, Arc::clone(&api)).expect("it serves");
        Self { gateway, api, http: reqwest::Client::new(), _folder: folder }
    }

    fn request(&self, method: Method, path: &str, scope: &str) -> reqwest::RequestBuilder {
        let grant = Grant { scope, customer_id: Some("c1"), subject: "c1", lifetime: DAY };
        let token = self.api.issuer().token(grant).expect("the scope is known");
        self.http
            .request(method, format!("http://{}{path}", self.gateway.address()))
            .bearer_auth(token)
    }

    async fn status(&self, method: Method, path: &str, scope: &str) -> u16 {
        self.request(method, path, scope).send().await.expect("it answers").status().as_u16()
    }
}

#[tokio::test]
async fn a_route_is_open_to_its_scopes_only() {
    let echo = Echo::start().await;
    for (method, path, allowed) in [
        (Method::POST, "/orders/import", vec!["import"]),
        (Method::POST, "/products", vec!["staff", "import"]),
        (Method::POST, "/carts/c/checkout", vec!["shop", "staff"]),
        (Method::POST, "/orders/o/ship", vec!["staff"]),
        (Method::GET, "/orders", vec!["shop", "staff", "analyst"]),
        (Method::GET, "/reports/sales", vec!["analyst"]),
        (Method::GET, "/projection", vec!["staff", "analyst"]),
        (Method::GET, "/no/such/thing", vec!["shop", "staff", "analyst", "import"]),
    ] {
        for scope in crate::issuer::SCOPES {
            let expected = if allowed.contains(&scope) { 200 } else { 403 };
            assert_eq!(
                echo.status(method.clone(), path, scope).await,
                expected,
                "{method} {path} with {scope}"
            );
        }
    }
    assert_eq!(
        echo.status(Method::POST, "/orders/import", "staff import").await,
        200,
        "any one scope is enough"
    );
}

#[tokio::test]
async fn without_a_good_token_there_is_no_way_in() {
    let echo = Echo::start().await;
    let url = format!("http://{}/orders", echo.gateway.address());
    for authorization in [None, Some("Bearer nonsense"), Some("Basic dXNlcjpwdw==")] {
        let mut request = echo.http.get(&url);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let answer = request.send().await.expect("it answers");
        assert_eq!(answer.status(), 401, "{authorization:?}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(answer.json::<Value>().await.expect("it is JSON")["status"], 401);
    }
}

#[tokio::test]
async fn a_function_gets_the_event_that_api_gateway_would_send() {
    let echo = Echo::start().await;
    let answer = echo
        .request(Method::PUT, "/carts/c%201/items/s1?q=a+b&q=%C3%A4&limit=2", "shop")
        .header("X-Twice", "one")
        .header("X-Twice", "two")
        .header("cookie", "a=1; b=2")
        .json(&json!({"quantity": 2}))
        .send()
        .await
        .expect("it answers");
    assert_eq!(answer.headers()["etag"], "\"1\"");
    assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);

    let event: Value = answer.json().await.expect("it is JSON");
    assert_eq!(event["routeKey"], "PUT /carts/{id}/items/{sku}");
    assert_eq!(
        (&event["rawPath"], &event["rawQueryString"]),
        (&json!("/carts/c 1/items/s1"), &json!("q=a+b&q=%C3%A4&limit=2"))
    );
    assert_eq!(event["queryStringParameters"], json!({"q": "a b,ä", "limit": "2"}));
    assert_eq!(event["pathParameters"], json!({"id": "c 1", "sku": "s1"}));
    assert_eq!(event["headers"]["x-twice"], "one,two");
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("{\"quantity\":2}"), &json!(false))
    );
    let jwt = &event["requestContext"]["authorizer"]["jwt"];
    assert_eq!(
        (&jwt["claims"]["customer_id"], &jwt["claims"]["scope"], &jwt["scopes"]),
        (&json!("c1"), &json!("shop"), &json!(["shop", "staff"]))
    );
    assert!(jwt["claims"]["exp"].is_string(), "all claims are strings");

    let typed: ApiGatewayV2httpRequest =
        serde_json::from_value(event).expect("it has the shape of the events crate");
    assert_eq!(typed.request_context.http.method, Method::PUT);
    assert_eq!(typed.path_parameters["id"], "c 1");
}

#[tokio::test]
async fn a_body_that_is_no_text_comes_as_base64() {
    let echo = Echo::start().await;
    let answer = echo
        .request(Method::POST, "/products", "staff")
        .body(vec![0_u8, 255])
        .send()
        .await
        .expect("it answers");
    let event: Value = answer.json().await.expect("it is JSON");
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("AP8="), &json!(true)));
}

#[tokio::test]
async fn a_body_over_ten_megabytes_never_reaches_a_function() {
    let echo = Echo::start().await;
    let answer = echo
        .request(Method::POST, "/products", "staff")
        .body(vec![b' '; BODY_LIMIT + 1])
        .send()
        .await
        .expect("it answers");
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn headers_over_ten_kilobytes_never_reach_a_function() {
    let echo = Echo::start().await;
    let request = echo.request(Method::GET, "/products", "staff");
    let answer = request
        .header("consistency-token", "x".repeat(HEAD_LIMIT))
        .send()
        .await
        .expect("it answers");
    assert_eq!(answer.status(), 431);
}

#[tokio::test]
async fn a_function_that_fails_is_an_internal_error_to_the_client_and_itself_to_the_invoker() {
    let echo = Echo::start().await;
    assert_eq!(echo.status(Method::GET, "/broken", "shop").await, 500);

    let invocations = |name: &str| {
        format!("http://{}/2015-03-31/functions/{name}/invocations", echo.gateway.address())
    };
    let answer =
        echo.http.post(invocations("projector")).body("{}").send().await.expect("it answers");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-amz-function-error"]),
        (500, &"Unhandled".parse().expect("it is a header"))
    );
    assert_eq!(
        answer.json::<Value>().await.expect("it is JSON"),
        json!({"errorType": "Unhandled", "errorMessage": "out of order"})
    );

    let answer =
        echo.http.post(invocations("query")).body("{\"a\":1}").send().await.expect("it answers");
    assert_eq!(answer.json::<Value>().await.expect("it is JSON")["body"], "{\"a\":1}");
    assert_eq!(
        echo.http
            .post(invocations("nothing"))
            .body("{}")
            .send()
            .await
            .expect("it answers")
            .status(),
        404
    );
    let from_page =
        echo.http.post(invocations("query")).header("origin", "https://example.com").body("{}");
    assert_eq!(from_page.send().await.expect("it answers").status(), 403);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let echo = Echo::start().await;
    let port = echo.gateway.address().port();
    let refusal = Gateway::bind(port).await.expect_err("it is taken");
    assert_eq!(
        refusal.to_string(),
        format!("port {port} of 127.0.0.1 cannot be had: set PORT to another")
    );
}
