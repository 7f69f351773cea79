//! Wires the queries to Lambda's runtime.

use axum::{extract::Request, middleware::map_request_with_state};
use database::{Database, Sessions};
use lambda_http::Error;
use query::{Queries, cursor_key, router, sessions};
use telemetry::Telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    edge::log_to_stdout();
    let config = aws_config::load_from_env().await;
    let sessions = Database::from_environment(&config)?.sessions(sessions());
    let key = cursor_key(&edge::variable("CURSOR_KEY")?)?;
    let telemetry = Telemetry::of_function("query");
    let router = edge::measured(router(Queries::new(sessions.pool(), key)), telemetry);
    edge::serve(router.layer(map_request_with_state(sessions, renew))).await
}

async fn renew(
    axum::extract::State(sessions): axum::extract::State<Sessions>,
    request: Request,
) -> Request {
    sessions.renew().await;
    request
}
