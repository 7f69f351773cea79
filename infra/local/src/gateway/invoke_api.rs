//! Lambda's invoke API, for `cargo lambda invoke` and `aws lambda invoke --endpoint-url`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Api;
use super::answer::problem;
use crate::functions;

/// Invokes a function with the body as its event, without any authorizer.
///
/// A failed function is answered with 500, as `cargo lambda watch` does: `cargo lambda invoke`
/// takes Lambda's own 200 for success and leaves with status 0.
pub(super) async fn invoke(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // Browsers say where a request comes from: a web page has no business here.
    if headers.contains_key(ORIGIN) {
        return problem(StatusCode::FORBIDDEN, "Forbidden").into_response();
    }
    let Some(function) = api.functions.get(&name) else {
        return error(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            &format!("Function not found: {name}"),
        );
    };
    let event: Value = match serde_json::from_slice(&body) {
        Ok(event) => event,
        Err(mistake) => {
            return error(
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                &format!("Could not parse request body into json: {mistake}"),
            );
        }
    };
    match functions::invoke(function, event).await {
        Ok(answer) => Json(answer).into_response(),
        Err(failure) => (
            [("x-amz-function-error", "Unhandled")],
            error(StatusCode::INTERNAL_SERVER_ERROR, "Unhandled", &failure.to_string()),
        )
            .into_response(),
    }
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, Json(json!({ "errorType": kind, "errorMessage": message }))).into_response()
}
