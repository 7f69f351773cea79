//! What came in: the body, who sent it, and what makes two requests the same one.

use std::time::Duration;

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, Method},
};
use chrono::{SubsecRound, Utc};
use edge::{Body, Caller, Origin, Problem};
use event_store::{Intent, Version};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

/// For how long lost races are run again: well below API Gateway's 30 seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// A command as it was asked for.
#[derive(Debug)]
pub struct Asked<T> {
    /// The body.
    pub body: T,
    /// Who asks.
    pub caller: Caller,
    /// Who asks, for what, and how it is known again.
    pub intent: Intent,
}

impl<T> Asked<T> {
    /// What the id of a new thing is derived from, so that a retry makes the same thing; without
    /// an idempotency key there is no retry to meet, and the id is a fresh one.
    pub(crate) fn seed(&self) -> Option<&str> {
        self.intent.keyed.then_some(self.intent.key.as_str())
    }
}

impl<T, S> FromRequest<S> for Asked<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        let headers = parts.headers.clone();
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        if edge::correlation_id(&headers).is_err() {
            let detail = "`X-Correlation-Id` has 1 to 128 visible ASCII characters, none of them `\"` or `\\`.";
            return Err(Problem::bad_request("bad-header", detail));
        }
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(Problem::bad_request("unknown-parameter", "A command has no parameters."));
        }
        let request = Request::from_parts(parts, body);
        let origin = Origin::of(&request);
        let body = Body::<T>::from_request(request, state).await?;
        let key = idempotency_key(&headers)?;
        let command_id = Uuid::now_v7().to_string();
        let intent = Intent {
            actor: caller.subject.clone(),
            key: digest([key.as_deref().unwrap_or(command_id.as_bytes())]),
            keyed: key.is_some(),
            fingerprint: fingerprint(&caller, &method, &path, &body.bytes),
            correlation_id: origin.correlation_id,
            causation_id: None,
            trace: origin.trace.map(|trace| trace.to_string()),
            expected: if_match(&headers)?,
            at: Utc::now().trunc_subsecs(3),
            deadline: Instant::now() + PATIENCE,
            command_id,
        };
        Ok(Self { body: body.value, caller, intent })
    }
}

/// Two bodies that differ in white space or in the order of their fields are the same request,
/// and so are no body and an empty object.
fn fingerprint(caller: &Caller, method: &Method, path: &str, body: &[u8]) -> String {
    let body = if body.is_empty() { b"{}" } else { body };
    let canonical = serde_json::from_slice::<serde_json::Value>(body)
        .map_or_else(|_| body.to_vec(), |body| body.to_string().into_bytes());
    digest([caller.subject.as_bytes(), method.as_str().as_bytes(), path.as_bytes(), &canonical])
}

/// 128 bits of SHA-256 over the parts, each with its length, in hex.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let characters = String::from_utf8_lossy(key.as_bytes()).chars().count();
    if (1..=255).contains(&characters) {
        return Ok(Some(key.as_bytes().to_vec()));
    }
    let detail = "`Idempotency-Key` has 1 to 255 characters.";
    Err(Problem::bad_request("bad-header", detail))
}

/// RFC 9110, 13.1.1, for the entity tags that this API gives: `"<version>"` of a command, and
/// `"<version>-<digest>"` of a query. It is the version that must still hold: the digest is of an
/// answer, in which other things have a part.
fn if_match(headers: &HeaderMap) -> Result<Option<Version>, Problem> {
    let Some(tag) = headers.get("if-match") else { return Ok(None) };
    let version = tag
        .to_str()
        .ok()
        .and_then(|tag| tag.trim().strip_prefix('"')?.strip_suffix('"'))
        .and_then(version_in)
        .filter(|version| version.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|version| version.parse().ok());
    match version {
        Some(version) => Ok(Some(Version(version))),
        None => Err(Problem::bad_request(
            "bad-header",
            "`If-Match` is one entity tag as this API gives it, for example \"3\".",
        )),
    }
}

/// The version in a tag, behind which a digest and a coding may stand.
fn version_in(tag: &str) -> Option<&str> {
    let (version, rest) = tag.split_once('-').unwrap_or((tag, "0"));
    let sound = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    (rest.split('-').all(sound) && rest.split('-').count() <= 2).then_some(version)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    fn expected(tag: &'static str) -> Option<u64> {
        let headers = [(header::IF_MATCH, HeaderValue::from_static(tag))];
        if_match(&HeaderMap::from_iter(headers)).unwrap_or_default().map(|version| version.0)
    }

    #[test]
    fn the_version_of_a_tag_is_what_must_hold() {
        for tag in ["\"3\"", "\"3-0f1e2d3c4b5a6978\"", "\"3-0f1e2d3c4b5a6978-gzip\"", " \"3\" "] {
            assert_eq!(expected(tag), Some(3), "{tag}");
        }
    }

    #[test]
    fn what_is_no_tag_of_this_api_names_no_version() {
        for tag in [
            "3",
            "\"\"",
            "*",
            "W/\"3\"",
            "\"3\", \"4\"",
            "\"-3\"",
            "\"3-\"",
            "\"3--a\"",
            "\"3-a-b-c\"",
            "\"3 a\"",
        ] {
            assert_eq!(expected(tag), None, "{tag}");
        }
    }
}
