//! What goes out: JSON, and the headers that follow from it.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use edge::Problem;
use serde::Serialize;

/// What a handler answers.
pub(crate) type Answer<T> = Result<T, Problem>;

/// One thing, at a version.
#[derive(Debug)]
pub(crate) struct Single<T> {
    pub(crate) thing: T,
    pub(crate) version: i64,
}

impl<T: Serialize> IntoResponse for Single<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.thing).into_response();
        put(&mut response, header::ETAG, format!("\"{}\"", self.version));
        response
    }
}

/// A page of a list, or all of one.
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
    /// Where the next page is.
    #[serde(skip)]
    pub(crate) next: Option<String>,
}

impl<T> List<T> {
    /// A list that has no second page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None, next: None }
    }
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        let mut response = Json(&self).into_response();
        if let Some(next) = self.next {
            put(&mut response, header::LINK, format!("<{next}>; rel=\"next\""));
        }
        response
    }
}

fn put(response: &mut Response, name: header::HeaderName, value: String) {
    // A path that cannot stand in a header was not routed here.
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Nearly every answer is about somebody, and what a token may see changes: no cache keeps it.
pub(crate) async fn keep_private(mut response: Response) -> Response {
    let private = HeaderValue::from_static("private, no-store");
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(private);
    response
}
