//! Errors as RFC 9457, "Problem Details for HTTP APIs".

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal, as the caller gets to see it.
///
/// As a response it is empty and carries itself along; [`with_problems`](crate::with_problems)
/// writes the body, where it is known what was asked for. As an error it breaks off a body that
/// is being streamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, thiserror::Error)]
#[error("{kind}: {detail}")]
#[schema(description = "A refusal, as RFC 9457 has it.")]
pub struct Problem {
    /// What is wrong, for programs: the name of a rule.
    #[serde(rename = "type")]
    #[schema(example = "out-of-stock")]
    pub kind: &'static str,
    /// What is wrong, for people, the same every time.
    pub title: &'static str,
    #[serde(serialize_with = "number")]
    /// The HTTP status.
    #[schema(value_type = u16)]
    pub status: StatusCode,
    /// What is wrong this time, and what to do. Missing where API Gateway itself refuses.
    #[schema(required = false)]
    pub detail: String,
    /// The path that was asked for. Missing where API Gateway itself refuses.
    #[schema(required = false)]
    pub instance: String,
    /// Where in the body it is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// When to try again, in seconds.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

/// Something wrong with one field of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with a name, a title and a detail.
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let (detail, instance, errors) = (detail.into(), String::new(), Vec::new());
        Self { kind, title, status, detail, instance, errors, retry_after: None }
    }

    /// 400: the request itself is wrong, whatever the state of the shop.
    pub fn bad_request(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, kind, "The request is malformed", detail)
    }

    /// 400 for a query parameter.
    pub fn bad_parameter(name: &str, detail: impl std::fmt::Display) -> Self {
        Self::bad_request("bad-parameter", format!("`{name}` {detail}"))
    }

    /// 404: there is no such thing, or none that the caller may see.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            "Nothing is here, or nothing that this token may see.",
        )
    }

    /// 403: the token does not allow it.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The token does not allow this", detail)
    }

    /// 503: a store is away; nothing was half-done.
    #[must_use]
    pub fn unavailable() -> Self {
        let detail = "A store does not answer. Nothing was half-done: send the request again.";
        let title = "The service is not available";
        let unavailable = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title, detail);
        unavailable.retry_after(2)
    }

    /// 500: our fault, whatever it is.
    #[must_use]
    pub fn internal() -> Self {
        let detail = "This is our fault. It is logged under the request's id.";
        let (status, title) = (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        Self::new(status, "internal-error", title, detail)
    }

    /// The same, with a word on when to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same, naming what is wrong in the body.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// For a status that some layer answered without a word.
    pub(crate) fn plain(status: StatusCode) -> Self {
        let (kind, detail) = match status {
            StatusCode::NOT_FOUND => return Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method-not-allowed", "The header `Allow` lists what can be done here.")
            }
            StatusCode::INTERNAL_SERVER_ERROR => return Self::internal(),
            _ => ("about:blank", ""),
        };
        Self::new(status, kind, status.canonical_reason().unwrap_or("Error"), detail)
    }

    /// The response with its body.
    pub(crate) fn render(self) -> Response {
        let body = serde_json::to_vec(&self).expect("a problem has string keys only");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
