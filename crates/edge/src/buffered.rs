//! What API Gateway takes of an answer: all of it at once, and no more than Lambda hands on.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures::StreamExt;
use tracing::{error, warn};

use crate::Problem;

/// The most bytes of an answer as it stands in the function's JSON: Lambda ends a buffered answer
/// at 6 MiB, and the headers need room beside it.
/// ("Lambda quotas" in its guide: 6 MB each for request and response, synchronous.)
pub const MOST_ANSWER_BYTES: usize = 6 * 1024 * 1024 - 64 * 1024;

/// Headers of a body that is not sent after all.
const OF_THE_BODY: [HeaderName; 8] = [
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_TYPE,
    header::ETAG,
    header::LINK,
];

/// Gathers a streamed answer. One that Lambda would not hand on is not gathered to its end, and
/// one that breaks off is answered with the reason, as nothing of it has left yet.
pub(crate) async fn gather(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let (mut parts, body) = next.run(request).await.into_parts();
    let mut problem = match whole(body, &parts.headers).await {
        Ok(bytes) => return Response::from_parts(parts, Body::from(bytes)),
        Err(problem) => problem,
    };
    warn!(problem = problem.kind, "an answer was given up");
    problem.instance = path;
    let mut rendered = problem.render();
    OF_THE_BODY.iter().for_each(|name| drop(parts.headers.remove(name)));
    parts.headers.extend(std::mem::take(rendered.headers_mut()));
    *rendered.headers_mut() = parts.headers;
    rendered
}

async fn whole(body: Body, headers: &HeaderMap) -> Result<Bytes, Problem> {
    let encoded = encoding(headers);
    let (mut gathered, mut bytes) = (Vec::new(), 0);
    let (mut counted, mut size) = (0, 0);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(broken_off)?;
        bytes += chunk.len();
        gathered.push(chunk);
        // Most answers are small, however they are written.
        if bytes * MOST_OF_A_BYTE > MOST_ANSWER_BYTES {
            size += gathered[counted..].iter().map(|chunk| encoded(chunk)).sum::<usize>();
            counted = gathered.len();
        }
        if size > MOST_ANSWER_BYTES {
            return Err(too_large());
        }
    }
    Ok(if gathered.len() == 1 { gathered.remove(0) } else { gathered.concat().into() })
}

/// The most bytes that one becomes: `\u0001`.
const MOST_OF_A_BYTE: usize = 6;

/// How many bytes become of some in the function's JSON.
///
/// As `lambda_http` has it: what is compressed or no text is written as base64, the rest as a
/// JSON string.
fn encoding(headers: &HeaderMap) -> fn(&[u8]) -> usize {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or("text").split(';').next().unwrap_or_default().trim();
    let is_text = essence.starts_with("text")
        || essence == "application/json"
        || ["+json", "+xml"].iter().any(|suffix| essence.ends_with(suffix));
    if is_text && !headers.contains_key(header::CONTENT_ENCODING) { in_quotes } else { in_base64 }
}

fn in_quotes(bytes: &[u8]) -> usize {
    let written = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        0x20.. => 1,
    };
    bytes.iter().map(written).sum()
}

fn in_base64(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "export-too-large",
        "The answer is larger than this API can hand out at once",
        "It would have more than 6 MB. Ask for pages: add `limit=100` and follow the header `Link` \
         with rel=\"next\" to the last one. Or narrow the filter; or send `Accept-Encoding: zstd` \
         or `gzip`, as it is the compressed answer that is measured.",
    )
}

/// The problem that a body broke off with, however deep it lies.
fn broken_off(error: axum::Error) -> Problem {
    let error = error.into_inner();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
    while let Some(this) = cause {
        if let Some(problem) = this.downcast_ref::<Problem>() {
            return problem.clone();
        }
        cause = this.source();
    }
    error!(%error, "an answer broke off");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn size_of(media_type: &'static str, bytes: &[u8]) -> usize {
        let media_type = HeaderValue::from_static(media_type);
        encoding(&HeaderMap::from_iter([(header::CONTENT_TYPE, media_type)]))(bytes)
    }

    #[test]
    fn an_answer_is_measured_as_it_stands_in_the_functions_json() {
        let text = "a \"quoted\" line\r\n\u{1}ü";
        let quoted = serde_json::to_string(text).unwrap().len() - 2;
        for media_type in ["text/csv; charset=utf-8", "application/json", "image/svg+xml"] {
            assert_eq!(size_of(media_type, text.as_bytes()), quoted, "{media_type}");
        }
        assert_eq!(size_of("application/x-ndjson", b"1234"), 8);
    }

    #[test]
    fn a_compressed_answer_is_measured_in_base64() {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv")),
            (header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        ];
        assert_eq!(encoding(&HeaderMap::from_iter(headers))(b"123"), 4);
    }

    #[tokio::test]
    async fn an_endless_answer_is_given_up() {
        let chunk = || Ok::<_, Problem>(Bytes::from(vec![b'x'; 1024 * 1024]));
        let endless = Body::from_stream(futures::stream::repeat_with(chunk));
        let refused = whole(endless, &HeaderMap::new()).await.unwrap_err();
        assert_eq!(refused.kind, "export-too-large");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_says_why() {
        let chunks = [Ok(Bytes::from("begun")), Err(Problem::unavailable())];
        let body = Body::from_stream(futures::stream::iter(chunks));
        assert_eq!(whole(body, &HeaderMap::new()).await, Err(Problem::unavailable()));
    }
}
