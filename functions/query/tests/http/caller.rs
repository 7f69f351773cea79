//! Who asks, and what they get to hear.

use base64::{Engine, engine::general_purpose::STANDARD};
use edge::{ConsistencyToken, Handler};
use ordering::CustomerId;
use serde_json::{Value, json};

/// The claims of a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) subject: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) customer: Option<CustomerId>,
}

pub(crate) const STAFF: Caller<'_> = Caller { subject: "sam", scope: "staff", customer: None };
pub(crate) const ANALYST: Caller<'_> = Caller { subject: "ada", scope: "analyst", customer: None };
pub(crate) const IMPORT: Caller<'_> = Caller { subject: "imp", scope: "import", customer: None };

pub(crate) fn shopper(subject: &str) -> Caller<'_> {
    Caller { subject, scope: "shop", customer: Some(CustomerId::derived(subject)) }
}

/// A request that is about to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    handler: &'a Handler,
    event: Value,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u64,
    pub(crate) headers: Value,
    /// As it came, without the base64 of the event.
    pub(crate) bytes: Vec<u8>,
    /// What it says, if it is JSON.
    pub(crate) body: Value,
}

impl<'a> Asked<'a> {
    /// A `GET` as API Gateway passes it on.
    pub(crate) fn get(handler: &'a Handler, path_and_query: &str, caller: Caller<'_>) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        query.split('&').filter_map(|pair| pair.strip_prefix("q=")).for_each(witness::note_name);
        let mut claims = json!({ "sub": caller.subject, "scope": caller.scope });
        if let Some(customer) = caller.customer {
            claims["customer_id"] = json!(customer.to_string());
        }
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": { "host": "shop.example" },
            "requestContext": {
                "http": {
                    "method": "GET", "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "test",
                },
                "requestId": "r1", "stage": "$default", "routeKey": "$default",
                "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
                "authorizer": { "jwt": { "claims": claims, "scopes": [] } },
            },
            "isBase64Encoded": false,
        });
        Self { handler, event }
    }

    pub(crate) fn by(mut self, method: &str) -> Self {
        self.event["requestContext"]["http"]["method"] = json!(method);
        self
    }

    pub(crate) fn with(mut self, header: &str, value: &str) -> Self {
        self.event["headers"][header] = json!(value);
        self
    }

    pub(crate) fn waiting(self, token: &ConsistencyToken, seconds: u32) -> Self {
        let asked = self.with("consistency-token", &token.to_string());
        asked.with("prefer", &format!("wait={seconds}"))
    }

    pub(crate) async fn answer(self) -> Answer {
        let answer = self.handler.handle(self.event).await.unwrap();
        let text = answer["body"].as_str().unwrap_or_default();
        let bytes = match answer["isBase64Encoded"].as_bool().unwrap() {
            true => STANDARD.decode(text).unwrap(),
            false => text.as_bytes().to_vec(),
        };
        Answer {
            status: answer["statusCode"].as_u64().unwrap(),
            headers: answer["headers"].clone(),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            bytes,
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers[name].as_str()
    }

    /// The name of the problem, after a look at the rest of it.
    #[track_caller]
    pub(crate) fn problem(&self, status: u64) -> &str {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
        assert!(self.body["instance"].is_string() && self.body["detail"].is_string());
        self.body["type"].as_str().unwrap()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// The ids of a list.
    #[track_caller]
    pub(crate) fn ids(self) -> Vec<String> {
        let body = self.ok();
        let items = body["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }
}
