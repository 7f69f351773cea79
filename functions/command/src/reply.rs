//! What goes out: a status, a body, and the headers that follow from them.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use edge::{ConsistencyToken, Problem};
use event_store::{Accepted, StreamId, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What a handler answers.
pub(crate) type Answer = Result<Accepted<Reply>, Problem>;

/// The answer to an accepted command, as the commit remembers it for a retry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    id: String,
    version: Version,
    /// Where the new thing is, if the command made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    more: Map<String, Value>,
    /// What a reader has to wait for to see all of it.
    writes: Vec<(StreamId, Version)>,
}

impl Reply {
    /// The thing `id` is at `version` now.
    pub(crate) fn at(id: impl ToString, version: Version) -> Self {
        let (id, location, more) = (id.to_string(), None, Map::new());
        Self { id, version, location, more, writes: Vec::new() }
    }

    /// The same, if the command made something that is found at `location`.
    pub(crate) fn made(mut self, made: bool, location: impl FnOnce() -> String) -> Self {
        self.location = made.then(location);
        self
    }

    /// The same, with one more field in the body.
    pub(crate) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.more.insert(name.to_owned(), json!(value));
        self
    }

    /// The same, for something else that the command made, now or before.
    pub(crate) fn also(mut self, stream: StreamId, version: Version) -> Self {
        self.writes.push((stream, version));
        self
    }

    /// The same, naming every stream that was written to. Email claims have no rows to wait for.
    pub(crate) fn naming<'a>(
        mut self,
        primary: &'a StreamId,
        touched: impl Iterator<Item = (&'a StreamId, Version)>,
    ) -> Self {
        let known = touched.filter(|(stream, _)| stream.category() != "email");
        for (stream, version) in known.chain([(primary, self.version)]) {
            if !self.writes.iter().any(|(named, _)| named == stream) {
                self.writes.push((stream.clone(), version));
            }
        }
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = if self.location.is_some() { StatusCode::CREATED } else { StatusCode::OK };
        let mut body = Map::from_iter([
            ("id".to_owned(), json!(self.id)),
            ("version".to_owned(), json!(self.version)),
        ]);
        body.extend(self.more);
        let mut response = (status, Json(body)).into_response();
        let token = ConsistencyToken { writes: self.writes }.to_string();
        let headers = [
            (header::ETAG, Some(format!("\"{}\"", self.version))),
            (header::LOCATION, self.location),
            (HeaderName::from_static("consistency-token"), Some(token)),
        ];
        for (name, value) in headers {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// An accepted command as a response; a replayed one says so, and is otherwise the same.
pub(crate) struct Replied(pub(crate) Accepted<Reply>);

impl IntoResponse for Replied {
    fn into_response(self) -> Response {
        let mut response = self.0.answer.into_response();
        if self.0.replayed {
            let name = HeaderName::from_static("idempotency-replayed");
            response.headers_mut().insert(name, HeaderValue::from_static("true"));
        }
        response
    }
}
