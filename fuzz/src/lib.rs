//! What strangers can send, and what must hold of it whatever it is. Each function takes any bytes
//! and panics where something does not hold; `make fuzz` looks for such bytes, and
//! `tests/corpora.rs` runs the corpora through them with every `make test`.

use std::fmt::Debug;

use aws_lambda_events::event::dynamodb::EventRecord;
use axum::{body::Body as Bytes, extract::FromRequest, http::Request};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use edge::{Body, ConsistencyToken};
use event_store::{Change, TraceParent};
use futures::FutureExt;
use ordering::{
    CartEvent, CustomerEvent, EmailClaimEvent, Event, NewCustomer, OrderCancelled, OrderEvent,
    OrderShipped, Payment, ProductAdded, ProductEvent, RecordedEvent, StreamId,
};
use ordering_views::CursorKey;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// An event as the table has it, as JSON: what is read is written in a form that is read as the
/// same, in its current version.
pub fn events(data: &[u8]) {
    let Ok(recorded) = serde_json::from_slice::<RecordedEvent>(data) else { return };
    event::<ProductEvent>(&recorded);
    event::<CustomerEvent>(&recorded);
    event::<EmailClaimEvent>(&recorded);
    event::<CartEvent>(&recorded);
    event::<OrderEvent>(&recorded);
}

fn event<E: Event + Debug + PartialEq>(recorded: &RecordedEvent) {
    let Ok(event) = E::read(recorded) else { return };
    let again = event.record();
    assert_eq!(
        E::KINDS.iter().find(|(name, _)| *name == again.name).map(|kind| kind.1),
        Some(again.schema_version)
    );
    assert_eq!(E::read(&again).as_ref(), Ok(&event));
}

/// A record of the table's stream, as Lambda hands it over: what it says is about the stream that
/// its key names, and nothing else. Or a line of an export.
pub fn records(data: &[u8]) {
    if let Ok(line) = std::str::from_utf8(data) {
        drop(event_store::exported(line));
    }
    let Ok(record) = serde_json::from_slice::<EventRecord>(data) else { return };
    let key = serde_json::to_value(&record.change.keys).expect("a key has a JSON form");
    let (stream, version) = (&key["stream"]["S"], &key["version"]["N"]);
    match Change::read(record) {
        Ok(Change::Committed(commit)) => {
            assert_eq!(*stream, *commit.stream.as_str());
            assert_eq!(
                version.as_str().and_then(|version| version.parse().ok()),
                Some(commit.version.0)
            );
        }
        Ok(Change::Unreadable(commit, _)) => assert_eq!(*stream, *commit.stream.as_str()),
        Ok(Change::Rewritten(of) | Change::Removed { stream: of, .. }) => {
            assert_eq!(*stream, *of.as_str());
        }
        Ok(Change::Beat(_) | Change::Other) | Err(_) => {}
    }
}

/// A paging cursor: what nobody signed opens nothing, and what was signed leads to its place.
pub fn cursors(data: &[u8]) {
    let key = CursorKey::new(&[7; 32]);
    let text = String::from_utf8_lossy(data);
    assert!(key.open::<Value>(&"orders", &text).is_err(), "nobody signed it");
    if text.len() > 1_000 {
        return; // no place is that long, and a cursor beyond the limit is refused
    }
    let (list, place) = (("orders", &*text), (&*text, data.len()));
    let cursor = key.seal(&list, &place);
    let opened = key.open::<(String, usize)>(&list, &cursor);
    assert_eq!(opened, Ok((text.to_string(), data.len())));
    assert!(key.open::<(String, usize)>(&"another list", &cursor).is_err());
}

/// A consistency token, a trace, a stream's name. A token is checked for damage before it is read, so
/// the same bytes are tried with the right check before them.
pub fn tokens(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    token(&text);
    token(&URL_SAFE_NO_PAD.encode([&Sha256::digest(data)[..4], data].concat()));
    if let Ok(trace) = text.parse::<TraceParent>() {
        assert_eq!(trace.to_string().parse::<TraceParent>().ok(), Some(trace));
    }
    if let Ok(stream) = text.parse::<StreamId>() {
        assert_eq!(format!("{}-{}", stream.category(), stream.id()), *text);
    }
}

fn token(text: &str) {
    if let Ok(token) = text.parse::<ConsistencyToken>() {
        assert_eq!(token.to_string().parse().as_ref(), Ok(&token));
    }
}

/// A request's body, as a few commands take it.
pub fn bodies(data: &[u8]) {
    body::<NewCustomer>(data);
    body::<ProductAdded>(data);
    body::<Payment>(data);
    body::<OrderShipped>(data);
    body::<OrderCancelled>(data);
}

/// Whatever was sent: taken only if it is an object, and refused only by 400 or 413.
fn body<T: serde::de::DeserializeOwned>(data: &[u8]) {
    let request = Request::post("/").header("content-type", "application/json");
    let request = request.body(Bytes::from(data.to_vec())).expect("it is a request");
    let taken = Body::<T>::from_request(request, &()).now_or_never();
    match taken.expect("a body in memory is not waited for") {
        Ok(body) => {
            assert_eq!(body.bytes, data);
            let json = serde_json::from_slice::<Value>(data);
            assert!(data.is_empty() || json.is_ok_and(|json| json.is_object()));
        }
        Err(problem) => assert!([400, 413].contains(&problem.status.as_u16())),
    }
}
