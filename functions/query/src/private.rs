//! Who may keep an answer, and who need not get it again.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// For one thing: the caller's own cache may keep it, and asks each time whether it still holds.
pub(crate) const VALIDATED: &str = "private, no-cache";

/// For all else that is about somebody: nobody keeps it.
const NOT_KEPT: &str = "private, no-store";

/// What an answer depends on besides its address. A cache that is asked with another token, or
/// with another wish, has another answer.
const VARIES: &str = "Accept, Accept-Encoding, Authorization";

/// Says who may keep an answer. Nearly every answer is about somebody, and what a token may see
/// changes.
pub(crate) async fn keep_private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(NOT_KEPT));
    headers.insert(header::VARY, HeaderValue::from_static(VARIES));
    response
}

/// `If-None-Match` (RFC 9110, 13.1.2): whoever has this very answer does not get it again.
pub(crate) async fn spare_the_known(request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let known = known_tags(request.headers());
    let response = next.run(request).await;
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let again = tag.and_then(|tag| known.iter().find(|known| names(known, tag)).cloned());
    match again {
        Some(known) if reads && response.status() == StatusCode::OK => {
            not_modified(&response, &known)
        }
        Some(_) | None => response,
    }
}

/// The answer without its body; its tag is the one that the caller knows, as that one stands for
/// the bytes that the caller has.
fn not_modified(response: &Response, known: &str) -> Response {
    let mut spared = StatusCode::NOT_MODIFIED.into_response();
    let headers = spared.headers_mut();
    if let Some(cached) = response.headers().get(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, cached.clone());
    }
    let tag = if known == "*" {
        response.headers().get(header::ETAG).cloned()
    } else {
        known.parse().ok()
    };
    headers.extend(tag.map(|tag| (header::ETAG, tag)));
    spared
}

/// Tags are compared weakly: `W/` does not matter.
fn known_tags(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag).to_owned()).collect()
}

/// Whether a tag that a caller knows stands for the thing as `current` does, in whatever coding
/// its bytes came.
fn names(known: &str, current: &str) -> bool {
    let bare = |tag: &str| {
        let tag = tag.strip_prefix('"')?.strip_suffix('"')?;
        let coded = CODINGS.iter().find_map(|coding| tag.strip_suffix(coding)?.strip_suffix('-'));
        Some(coded.unwrap_or(tag).to_owned())
    };
    known == "*" || (bare(known).is_some() && bare(known) == bare(current))
}

/// The codings that answers are compressed with.
const CODINGS: [&str; 2] = ["gzip", "zstd"];

/// A strong tag stands for the very bytes (RFC 9110, 8.8.3.3), so compressed bytes have a tag of
/// their own: `"3-0f"` becomes `"3-0f-gzip"`.
pub(crate) async fn tag_the_coding(mut response: Response) -> Response {
    let headers = response.headers();
    let coding = headers.get(header::CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let coded = tag.zip(coding).and_then(|(tag, coding)| {
        let bare = tag.strip_suffix('"')?;
        HeaderValue::try_from(format!("{bare}-{coding}\"")).ok()
    });
    if let Some(coded) = coded {
        response.headers_mut().insert(header::ETAG, coded);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_the_same_thing_in_every_coding() {
        for known in ["\"3-0f\"", "\"3-0f-gzip\"", "\"3-0f-zstd\"", "*"] {
            assert!(names(known, "\"3-0f\""), "{known}");
        }
        for known in ["\"3\"", "\"3-0e\"", "\"2-0f\"", "\"3-0f-br\"", "3-0f", "\"", ""] {
            assert!(!names(known, "\"3-0f\""), "{known}");
        }
    }

    #[test]
    fn several_tags_may_be_known_and_a_weak_one_is_as_good() {
        let value = HeaderValue::from_static("\"1-a\", W/\"2-b\"");
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]);
        assert_eq!(known_tags(&headers), ["\"1-a\"", "\"2-b\""]);
    }
}
