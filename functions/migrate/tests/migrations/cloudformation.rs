//! CloudFormation, as far as a custom resource sees it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use axum::{Router, body::Bytes};
use database::Database;
use migrate::{Migrations, Request, RequestType};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// What a presigned URL has.
const SIGNATURE: &str = "fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024";

/// Longer than any test takes.
const LIMIT: Duration = Duration::from_secs(60);

/// What was answered, and how often an answer is to be refused before it is taken.
#[derive(Clone, Debug, Default)]
struct Bucket {
    answers: Arc<Mutex<Vec<Value>>>,
    refusals: Arc<Mutex<u32>>,
}

/// Asks for a schema, and keeps the answers.
pub(crate) struct CloudFormation {
    url: String,
    bucket: Bucket,
}

impl CloudFormation {
    pub(crate) async fn start() -> Self {
        Self::refusing(0).await
    }

    /// One that takes no answer the first few times.
    pub(crate) async fn refusing(times: u32) -> Self {
        witness::watch();
        // Whoever has the URL may answer in our name.
        witness::note(SIGNATURE);
        let bucket = Bucket::default();
        *bucket.refusals.lock().unwrap() = times;
        let router = Router::new().route("/answer", put(take)).with_state(bucket.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/answer?X-Amz-Signature={SIGNATURE}");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, bucket }
    }

    /// Asks the function once and returns what it answered.
    pub(crate) async fn ask(&self, request_type: RequestType, database_url: &str) -> Value {
        let migrations = Migrations::new(Database::at(database_url).unwrap());
        let deadline = Instant::now() + LIMIT;
        migrations.handle(self.request(request_type), deadline).await.unwrap();
        self.bucket.answers.lock().unwrap().last().cloned().unwrap()
    }

    pub(crate) fn request(&self, request_type: RequestType) -> Request {
        let known = request_type != RequestType::Create;
        Request {
            request_type,
            response_url: self.url.clone(),
            stack_id: "the stack".to_owned(),
            request_id: "the request".to_owned(),
            logical_resource_id: "Schema".to_owned(),
            physical_resource_id: known.then(|| "schema".to_owned()),
        }
    }

    pub(crate) fn answers(&self) -> usize {
        self.bucket.answers.lock().unwrap().len()
    }
}

/// The URL is signed for a request without a content type, and S3 refuses another one.
async fn take(State(bucket): State<Bucket>, headers: HeaderMap, answer: Bytes) -> StatusCode {
    let mut refusals = bucket.refusals.lock().unwrap();
    if *refusals > 0 || headers.get("content-type").is_some_and(|kind| !kind.is_empty()) {
        *refusals = refusals.saturating_sub(1);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    bucket.answers.lock().unwrap().push(serde_json::from_slice(&answer).unwrap());
    StatusCode::OK
}
