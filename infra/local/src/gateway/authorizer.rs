//! The JWT authorizer: a good token, and one of the route's scopes.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::answer::problem;
use crate::issuer::Issuer;
use crate::template::Route;

/// Why a request goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no token, or not a good one.
    Unauthorized,
    /// The token has none of the route's scopes.
    Forbidden,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthorized => {
                ([(WWW_AUTHENTICATE, "Bearer")], problem(StatusCode::UNAUTHORIZED, "Unauthorized"))
                    .into_response()
            }
            Self::Forbidden => problem(StatusCode::FORBIDDEN, "Forbidden").into_response(),
        }
    }
}

/// The claims of the bearer, if the route needs any.
pub(crate) fn authorize(
    issuer: &Issuer,
    route: &Route,
    headers: &HeaderMap,
) -> Result<Option<Map<String, Value>>, Refusal> {
    if !route.needs_token {
        return Ok(None);
    }
    let header =
        headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // As API Gateway does, take a token with or without the word before it.
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => header,
    };
    let claims = issuer.claims(token).ok_or(Refusal::Unauthorized)?;
    let mut granted =
        claims.get("scope").and_then(Value::as_str).unwrap_or_default().split_whitespace();
    if route.scopes.is_empty()
        || granted.any(|scope| route.scopes.iter().any(|wanted| wanted == scope))
    {
        Ok(Some(claims))
    } else {
        Err(Refusal::Forbidden)
    }
}
