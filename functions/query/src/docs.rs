//! The contract, for programs at `/openapi.json` and for people at `/docs`. It takes no token: it
//! says nothing about anybody, and who has no token yet reads it first.

use std::sync::Arc;

use axum::{
    extract::Path,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use edge::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, serve};

use crate::{
    answer::{Answer, put},
    format::JSON,
};

/// The document of both functions; a test holds it to them.
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

/// The page: Swagger UI, whose files come with this function. Paths are relative, so that it holds
/// under any domain and stage.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Millrace: the HTTP API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/swagger-ui-standalone-preset.js"></script>
<script src="docs/swagger-initializer.js"></script>
</body>
</html>
"#;

/// Nothing from another host, and nothing to another host.
const ONLY_FROM_HERE: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
    'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// A new deployment may change it, and until then it is the same for everybody.
const FOR_A_WHILE: &str = "public, max-age=300";

pub(crate) fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(openapi)).routes(routes!(page)).routes(routes!(file))
}

/// This contract.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "contract",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
async fn openapi() -> Response {
    with([(header::CONTENT_TYPE, JSON)], OPENAPI)
}

/// This contract, for people.
#[utoipa::path(
    get, path = "/docs", operation_id = "get_docs", tag = "contract",
    responses((status = 200, description = "A page.", body = String, content_type = "text/html")),
)]
async fn page() -> Response {
    let html = (header::CONTENT_TYPE, "text/html; charset=utf-8");
    with([html, (header::CONTENT_SECURITY_POLICY, ONLY_FROM_HERE)], PAGE)
}

/// A file of that page.
#[utoipa::path(
    get, path = "/docs/{file}", operation_id = "get_docs_file", tag = "contract",
    params(("file" = String, Path, description = "Which file.")),
    responses(
        (status = 200, description = "The file.", content_type = "text/css", body = String),
    ),
)]
async fn file(Path(file): Path<String>) -> Answer<Response> {
    let config = Arc::new(Config::new(["openapi.json"]).use_base_layout());
    let found = serve(&file, config).map_err(|_| Problem::internal())?;
    let found = found.ok_or_else(Problem::not_found)?;
    let mut response = with([], found.bytes.into_owned());
    put(&mut response, header::CONTENT_TYPE, &found.content_type);
    if found.gzpipped {
        let gzip = HeaderValue::from_static("gzip");
        response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
    }
    Ok(response)
}

fn with<const N: usize>(
    headers: [(HeaderName, &'static str); N],
    body: impl IntoResponse,
) -> Response {
    let mut response = body.into_response();
    for (name, value) in headers.into_iter().chain([(header::CACHE_CONTROL, FOR_A_WHILE)]) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
