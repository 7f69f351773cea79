//! A JSON body, taken at its word.

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};
use serde_path_to_error::{Path, Segment};

use crate::{FieldError, Problem};

/// The largest body, in bytes.
pub const MOST_BYTES: usize = 256 * 1024;

/// A body that is JSON and has the shape of `T`, together with the bytes that it came as.
///
/// No body at all counts as `{}`, of whatever type: commands without particulars need none.
#[derive(Clone, Debug)]
pub struct Body<T> {
    /// What it says.
    pub value: T,
    /// How it was written.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.map(|value| value.to_str().unwrap_or_default().to_owned());
        let bytes = to_bytes(request.into_body(), MOST_BYTES).await.map_err(|_| {
            let (title, status) = ("The body is too large", StatusCode::PAYLOAD_TOO_LARGE);
            Problem::new(status, "body-too-large", title, "A body is at most 256 KiB.")
        })?;
        if bytes.is_empty() {
            let value = parse(b"{}")?;
            return Ok(Self { value, bytes });
        }
        if !content_type.is_some_and(|written| is_json(&written)) {
            let (title, status) = ("The body is not JSON", StatusCode::UNSUPPORTED_MEDIA_TYPE);
            let detail = "Send `Content-Type: application/json`.";
            return Err(Problem::new(status, "not-json", title, detail));
        }
        let value = parse(&bytes)?;
        Ok(Self { value, bytes })
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let value = serde_json::from_slice(bytes).map_err(|error| wrong(&error, String::new()))?;
    if let Some(pointer) = not_an_object(&value) {
        let detail = "expected an object".to_owned();
        return Err(bad_body(vec![FieldError { pointer, detail }]));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        wrong(&error.into_inner(), pointer)
    })?;
    json.end().map_err(|error| wrong(&error, String::new()))?;
    Ok(value)
}

fn wrong(error: &serde_json::Error, pointer: String) -> Problem {
    match error.classify() {
        Category::Data => {
            let detail = error.to_string();
            let detail = detail.split(" at line ").next().unwrap_or_default().to_owned();
            bad_body(vec![FieldError { pointer, detail }])
        }
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::bad_request("not-json", format!("The body is not JSON: {error}."))
        }
    }
}

fn bad_body(errors: Vec<FieldError>) -> Problem {
    Problem::bad_request("bad-body", "The body is JSON, but not what is expected here.")
        .with_errors(errors)
}

/// serde takes a list for a struct, field by field; this API does not. A body is an object, and
/// so is whatever its lists hold.
fn not_an_object(body: &Value) -> Option<String> {
    let Value::Object(fields) = body else { return Some(String::new()) };
    fields.iter().find_map(|(name, value)| {
        let entries = value.as_array()?;
        let place = entries.iter().position(|entry| !entry.is_object())?;
        Some(format!("/{name}/{place}"))
    })
}

/// RFC 6901: `/lines/0/quantity`.
fn pointer(path: &Path) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}
