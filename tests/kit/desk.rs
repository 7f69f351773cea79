//! The command function at its own door: API Gateway's events in, its answers out.

use anyhow::{Context, ensure};
use command::Commands;
use edge::Handler;
use event_store::EventStore;
use serde_json::{Map, Value, json};

use crate::{cold_store, private};

/// A command function in this process, as in a sandbox of its own.
#[derive(Clone)]
pub struct Desk {
    handler: Handler,
}

/// A request as API Gateway passes it on, with the claims of somebody who may do anything.
#[derive(Clone, Debug)]
pub struct Order(Value);

/// What the function answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The HTTP status.
    pub status: u64,
    /// The headers.
    pub headers: Map<String, Value>,
    /// The body; `null` if it is not JSON.
    pub body: Value,
}

impl Order {
    /// A command, with a body or `null`.
    #[must_use]
    pub fn new(method: &str, path: &str, body: &Value) -> Self {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": { "content-type": "application/json" },
            "requestContext": {
                "http": {
                    "method": method, "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "test",
                },
                "requestId": "r1", "stage": "$default", "routeKey": "$default",
                "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
                "authorizer": { "jwt": {
                    "claims": { "sub": "sam", "scope": "staff import" }, "scopes": [],
                } },
            },
            "isBase64Encoded": false,
        });
        if !body.is_null() {
            event["body"] = json!(body.to_string());
        }
        Self(event)
    }

    /// A `POST`.
    #[must_use]
    pub fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path, body)
    }

    /// The same under an idempotency key.
    #[must_use]
    pub fn once(self, key: &str) -> Self {
        self.with("idempotency-key", key)
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, header: &str, value: &str) -> Self {
        self.0["headers"][header] = json!(value);
        self
    }

    /// The same from somebody else, who may do anything too.
    #[must_use]
    pub fn from(mut self, subject: &str) -> Self {
        self.0["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = json!(subject);
        self
    }

    /// The same from somebody whose token has these scopes, in words, and speaks for that customer.
    #[must_use]
    pub fn with_token(mut self, scope: &str, customer: &str) -> Self {
        let claims = &mut self.0["requestContext"]["authorizer"]["jwt"]["claims"];
        *claims = json!({ "sub": "somebody", "scope": scope, "customer_id": customer });
        self
    }

    /// The same past whatever checks tokens.
    #[must_use]
    pub fn without_token(mut self) -> Self {
        self.0["requestContext"]["authorizer"] = Value::Null;
        self
    }

    /// A request that is an event already.
    pub(crate) fn of(event: Value) -> Self {
        Self(event)
    }

    /// No log may hold what is personal in it.
    pub(crate) fn note(&self) {
        let path = self.0["rawPath"].as_str().unwrap_or_default();
        let key = self.0["headers"]["idempotency-key"].as_str();
        private::note_command(path, key, self.0["body"].as_str().map(str::as_bytes));
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> Value {
        self.0.clone()
    }
}

impl Said {
    /// Reads what a function answered API Gateway.
    ///
    /// # Errors
    /// When it is no such answer.
    pub fn read(answer: &Value) -> anyhow::Result<Self> {
        let status = answer["statusCode"].as_u64().with_context(|| answer.to_string())?;
        let headers = answer["headers"].as_object().cloned().unwrap_or_default();
        let body = answer["body"].as_str().unwrap_or_default();
        Ok(Self { status, headers, body: serde_json::from_str(body).unwrap_or_default() })
    }

    /// This, if it has that status.
    ///
    /// # Errors
    /// With all of it, if not.
    pub fn expect(self, status: u64) -> anyhow::Result<Self> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.body);
        Ok(self)
    }

    /// This, if it is a problem of that status and type.
    ///
    /// # Errors
    /// With all of it, if not.
    pub fn refused(self, status: u64, kind: &str) -> anyhow::Result<Self> {
        let said = self.expect(status)?;
        ensure!(said.body["type"] == kind, "not {kind}: {}", said.body);
        Ok(said)
    }

    /// The id of the thing that the command was about.
    ///
    /// # Errors
    /// When there is none.
    pub fn id(&self) -> anyhow::Result<String> {
        let id = self.body["id"].as_str().with_context(|| self.body.to_string())?;
        Ok(id.to_owned())
    }

    /// A header, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// This without what says that it was remembered, and whether that was said.
    #[must_use]
    pub fn as_first(mut self) -> (Self, bool) {
        let replayed = self.headers.remove("idempotency-replayed").is_some();
        (self, replayed)
    }
}

impl Desk {
    /// A function that remembers nothing yet, on the table at that endpoint.
    #[must_use]
    pub fn open(endpoint: &str) -> Self {
        Self::on(cold_store(endpoint))
    }

    /// A function on that store.
    #[must_use]
    pub fn on(store: EventStore) -> Self {
        witness::watch();
        Self { handler: Handler::new(command::router(Commands::new(store))) }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When the function fails, which it never should.
    pub async fn send(&self, order: &Order) -> anyhow::Result<Said> {
        order.note();
        let answer = self.handler.handle(order.event()).await;
        Said::read(&answer.map_err(|error| anyhow::anyhow!("{error}"))?)
    }

    /// Puts a product on the shelf.
    ///
    /// # Errors
    /// When the shop refuses.
    pub async fn stocked(&self, sku: &str, stock: u32) -> anyhow::Result<()> {
        let product = json!({
            "sku": sku, "name": sku, "department": "GROCERY", "unit_price_cents": 100,
        });
        self.send(&Order::post("/products", &product)).await?.expect(201)?;
        let path = format!("/products/{sku}/stock");
        self.send(&Order::post(&path, &json!({"received": stock}))).await?.expect(200)?;
        Ok(())
    }

    /// Registers a customer; gives their id.
    ///
    /// # Errors
    /// When the shop refuses.
    pub async fn customer(&self, name: &str) -> anyhow::Result<String> {
        let customer = json!({"name": name, "email": format!("{name}@example.com")});
        self.send(&Order::post("/customers", &customer)).await?.expect(201)?.id()
    }

    /// Opens a cart with one piece each of these in it; gives its id.
    ///
    /// # Errors
    /// When the shop refuses.
    pub async fn cart(&self, customer: &str, skus: &[&str]) -> anyhow::Result<String> {
        let cart = json!({"customer_id": customer});
        let cart = self.send(&Order::post("/carts", &cart)).await?.expect(201)?.id()?;
        for sku in skus {
            let item = json!({"sku": sku, "quantity": 1});
            let path = format!("/carts/{cart}/items");
            self.send(&Order::post(&path, &item)).await?.expect(200)?;
        }
        Ok(cart)
    }
}
