//! A request as the event that an HTTP API gives to a function: payload format 2.0.
//!
//! Source: "Create AWS Lambda proxy integrations for HTTP APIs" in the API Gateway guide.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::routing::Found;

/// Bodies of these types come as text, all others as base64.
const TEXTS: [&str; 5] = [
    "text/",
    "application/json",
    "application/javascript",
    "application/xml",
    "application/problem+json",
];

/// A request that was read to its end.
pub(crate) struct Incoming<'a> {
    pub(crate) parts: &'a Parts,
    /// As [`decoded_path`] gave it.
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) peer: SocketAddr,
}

/// The path as an HTTP API hands it on: percent-decoded, and cut where a `?` was hidden in it.
/// (REST APIs and function URLs leave it encoded.)
pub(crate) fn decoded_path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    decoded.split('?').next().unwrap_or_default().to_owned()
}

/// Builds the event for a route; `claims` are those of the authorizer.
pub(crate) fn build(
    request: &Incoming<'_>,
    found: &Found<'_>,
    claims: Option<&Map<String, Value>>,
) -> Value {
    let parts = request.parts;
    let now = Utc::now();
    let route_key = found.route.key.to_string();
    let domain = header(&parts.headers, &HOST).unwrap_or("localhost");
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers(parts, request.peer),
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.split('.').next(),
            "http": {
                "method": parts.method.as_str(),
                "path": request.path,
                "protocol": if parts.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
                "sourceIp": request.peer.ip().to_string(),
                "userAgent": header(&parts.headers, &USER_AGENT).unwrap_or_default(),
            },
            "requestId": Uuid::new_v4(),
            "routeKey": route_key,
            "stage": "$default",
            "time": now.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.timestamp_millis(),
        },
        "isBase64Encoded": false,
    });
    if let Some(claims) = claims {
        event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": as_strings(claims), "scopes": scopes(&found.route.scopes) } });
    }
    let cookies: Vec<&str> = parts
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split("; "))
        .collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    let parameters = query_parameters(parts.uri.query().unwrap_or_default());
    if !parameters.is_empty() {
        event["queryStringParameters"] = json!(parameters);
    }
    if !found.variables.is_empty() {
        event["pathParameters"] = json!(found.variables);
    }
    if !request.body.is_empty() {
        let (body, is_base64) = body(&parts.headers, request.body);
        event["body"] = Value::String(body);
        event["isBase64Encoded"] = Value::Bool(is_base64);
    }
    event
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Names in lower case, repeated ones joined by commas, cookies apart, and what the load balancer
/// in front of API Gateway adds.
fn headers(parts: &Parts, peer: SocketAddr) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|earlier| *earlier = format!("{earlier},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    joined.insert("x-forwarded-for".to_owned(), peer.ip().to_string());
    joined.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    joined
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        joined
            .entry(name.into_owned())
            .and_modify(|earlier| *earlier = format!("{earlier},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    joined
}

/// Claims reach a function as strings, whatever they were; lists as `[a b]`.
fn as_strings(claims: &Map<String, Value>) -> BTreeMap<&str, String> {
    let one = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let list = |items: &Vec<Value>| items.iter().map(one).collect::<Vec<_>>().join(" ");
    let text = |value: &Value| match value.as_array() {
        Some(items) => format!("[{}]", list(items)),
        None => one(value),
    };
    claims.iter().map(|(name, value)| (name.as_str(), text(value))).collect()
}

/// The scopes are the route's, not the token's.
fn scopes(of_route: &[String]) -> Value {
    if of_route.is_empty() { Value::Null } else { json!(of_route) }
}

fn body(headers: &HeaderMap, body: &[u8]) -> (String, bool) {
    let is_text = header(headers, &CONTENT_TYPE)
        .is_some_and(|kind| TEXTS.iter().any(|text| kind.starts_with(text)));
    match std::str::from_utf8(body) {
        Ok(text) if is_text && !headers.contains_key(CONTENT_ENCODING) => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}
