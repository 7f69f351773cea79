//! A function's answer as a response, and the gateway's own.

use axum::Json;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderName, HeaderValue, Response as HttpResponse, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// An error of the gateway itself. API Gateway answers `{"message": ...}`; the members of RFC 9457
/// stand beside that here, so that a client finds the same in every error.
pub(super) fn problem(status: StatusCode, message: &str) -> impl IntoResponse + use<> {
    let body = json!({ "type": "about:blank", "title": message, "status": status.as_u16(), "message": message });
    (status, [(CONTENT_TYPE, "application/problem+json")], Json(body))
}

/// The response that payload format 2.0 describes. An answer without a status is all body, and
/// `multiValueHeaders` is not looked at: on AWS only format 1.0 has it.
pub(super) fn response(answer: Value) -> Response {
    let Some(status) = answer.get("statusCode") else {
        return Json(answer).into_response();
    };
    build(status, &answer).unwrap_or_else(|| {
        tracing::error!("a function's answer is no response: {answer}");
        problem(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
    })
}

fn build(status: &Value, answer: &Value) -> Option<Response> {
    let text = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    let is_base64 = answer.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false);
    let body = if is_base64 { STANDARD.decode(text).ok()? } else { text.as_bytes().to_vec() };

    let status = StatusCode::from_u16(status.as_u64()?.try_into().ok()?).ok()?;
    let mut response = HttpResponse::builder().status(status).body(Body::from(body)).ok()?;
    let headers = response.headers_mut();
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        headers.insert(
            HeaderName::from_bytes(name.as_bytes()).ok()?,
            HeaderValue::from_str(&value).ok()?,
        );
    }
    for cookie in answer.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    Some(response)
}
