//! What goes out: one thing, or a list of things as JSON.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use edge::Problem;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{format::JSON, private::VALIDATED};

/// What a handler answers.
pub(crate) type Answer<T> = Result<T, Problem>;

/// Bytes of the digest in an entity tag.
const DIGEST_BYTES: usize = 8;

/// One thing, at a version.
#[derive(Debug)]
pub(crate) struct Single<T> {
    pub(crate) thing: T,
    pub(crate) version: i64,
}

/// With the entity tag `"<version>-<digest>"`. The version is that of the thing's own stream, and
/// `If-Match` compares it; names, prices and counts of other streams are in the body, too, and
/// change without it, so the digest of the body says whether a reader has seen this.
impl<T: Serialize> IntoResponse for Single<T> {
    fn into_response(self) -> Response {
        let Ok(body) = serde_json::to_vec(&self.thing) else {
            return Problem::internal().into_response();
        };
        let digest = &Sha256::digest(&body)[..DIGEST_BYTES];
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let json = HeaderValue::from_static(JSON);
        let cached = HeaderValue::from_static(VALIDATED);
        let headers = [(header::CONTENT_TYPE, json), (header::CACHE_CONTROL, cached)];
        let mut response = (headers, body).into_response();
        put(&mut response, header::ETAG, &format!("\"{}-{digest}\"", self.version));
        response
    }
}

/// A page of a list, or all of one, as JSON.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct List<T> {
    /// What is on this page.
    pub(crate) items: Vec<T>,
    /// What to ask for the next page with; nothing on the last one.
    pub(crate) next_cursor: Option<String>,
}

impl<T: Serialize> List<T> {
    /// A list that has no second page.
    pub(crate) fn whole(items: Vec<T>) -> Response {
        Self { items, next_cursor: None }.into_response()
    }
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        // In the buffer that `axum::Json` writes into, nearly half of the time was spent.
        let Ok(body) = serde_json::to_vec(&self) else {
            return Problem::internal().into_response();
        };
        ([(header::CONTENT_TYPE, HeaderValue::from_static(JSON))], body).into_response()
    }
}

/// The header `Link` to the next page (RFC 8288).
pub(crate) fn link_to(response: &mut Response, next: Option<&str>) {
    if let Some(next) = next {
        put(response, header::LINK, &format!("<{next}>; rel=\"next\""));
    }
}

pub(crate) fn put(response: &mut Response, name: HeaderName, value: &str) {
    // A path that cannot stand in a header was not routed here.
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
