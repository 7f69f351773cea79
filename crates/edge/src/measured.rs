//! What a function that answers HTTP tells CloudWatch: how requests ended, and how long they took.

use std::time::Instant;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use telemetry::{Metric, Telemetry, Unit};

/// The header of an answer that was given before.
const REPLAYED: &str = "idempotency-replayed";

/// How a request ended. Who asks too much of a projector that is behind waits; who asks for what
/// the shop refuses is refused; only what is our fault has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It did or answered what was asked.
    Accepted,
    /// The first answer, once more.
    Replayed,
    /// Somebody else was first: 409 and 412.
    Conflict,
    /// Any other 4xx.
    Refused,
    /// A store is away, or not as fresh as was asked for: 429 and 503.
    Unavailable,
    /// Any other 5xx.
    Failed,
}

/// Counts and times each request of a router.
pub fn measured(router: Router, telemetry: Telemetry) -> Router {
    router.layer(from_fn_with_state(telemetry, measure))
}

async fn measure(State(telemetry): State<Telemetry>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let response = next.run(request).await;
    let outcome = Outcome::of(response.status(), response.headers());
    let took_ms = started.elapsed().as_secs_f64() * 1000.0;
    let metrics = [
        Metric::count("Requests", 1),
        Metric::distribution("Took", Unit::Milliseconds, vec![took_ms]),
    ];
    telemetry.record(&[("Outcome", outcome.name())], &metrics);
    response
}

impl Outcome {
    fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        match status {
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Self::Conflict,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_server_error() => Self::Failed,
            status if status.is_client_error() => Self::Refused,
            _ if headers.contains_key(REPLAYED) => Self::Replayed,
            _ => Self::Accepted,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Replayed => "replayed",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use axum::{body::Body, routing::get};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn each_request_is_counted_by_how_it_ended() {
        let paper = Paper::default();
        let router = Router::new()
            .route("/made", get(|| async { StatusCode::CREATED }))
            .route("/again", get(|| async { ([(REPLAYED, "true")], StatusCode::CREATED) }))
            .route("/race", get(|| async { StatusCode::CONFLICT }))
            .route("/lagging", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
        let router = measured(router, Telemetry::new("command", paper.clone()));
        for path in ["/made", "/again", "/race", "/nowhere", "/lagging", "/broken"] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap();
        }

        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let outcomes: Vec<_> = lines.iter().map(|line| line["Outcome"].as_str().unwrap()).collect();
        let expected = ["accepted", "replayed", "conflict", "refused", "unavailable", "failed"];
        assert_eq!(outcomes, expected);
        for line in lines {
            let described = &line["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(described["Dimensions"][0], serde_json::json!(["Service", "Outcome"]));
            assert_eq!(
                (&line["Service"], line["Requests"].as_f64()),
                (&"command".into(), Some(1.0))
            );
            assert!(
                line["Took"].as_f64().is_some_and(|ms| (0.0..10_000.0).contains(&ms)),
                "{line}"
            );
        }
    }
}
