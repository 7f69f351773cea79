//! A client that does what a good one does: sends again what is safe to send again.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use reqwest::header::{ACCEPT, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// How long a request is sent again before it is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// Between two tries, when the answer does not say.
const PAUSE: Duration = Duration::from_millis(100);

/// Someone with a token.
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// The answer to a command.
pub(super) struct Accepted {
    pub(super) id: String,
    /// Whether it is the answer to an earlier, equal command.
    pub(super) replayed: bool,
    /// Makes a query see this write.
    pub(super) consistency_token: String,
}

impl Client {
    pub(super) fn new(url: String, token: String) -> Self {
        Self { http: reqwest::Client::new(), url, token }
    }

    /// Sends a command until it is accepted or refused for good.
    pub(super) async fn command(
        &self,
        path: &str,
        key: &str,
        body: &impl serde::Serialize,
    ) -> Result<Accepted> {
        let url = format!("{}{path}", self.url);
        let response =
            self.send(|| self.http.post(&url).header("idempotency-key", key).json(body)).await?;
        let header = |name: &str| text(response.headers(), name).map(str::to_owned);
        let replayed = header("idempotency-replayed").is_some_and(|value| value == "true");
        let consistency_token =
            header("consistency-token").context("the answer has no Consistency-Token")?;
        let answer: Value = response.json().await.context("the answer is no JSON")?;
        let id =
            answer.get("id").and_then(Value::as_str).context("the answer has no id")?.to_owned();
        Ok(Accepted { id, replayed, consistency_token })
    }

    /// Asks; with a consistency token, until the answer has seen that write.
    pub(super) async fn query(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        seen: Option<&str>,
    ) -> Result<Value> {
        let url = format!("{}{path}", self.url);
        let request = || {
            let request = self.http.get(&url).query(parameters).header("prefer", "wait=20");
            match seen {
                Some(token) => request.header("consistency-token", token),
                None => request,
            }
        };
        let response = self.send(request).await.with_context(|| format!("GET {path}"))?;
        response.json().await.with_context(|| format!("GET {path}: the answer is no JSON"))
    }

    /// Asks for a picture.
    pub(super) async fn picture(&self, path: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let url = format!("{}{path}", self.url);
        let request = || self.http.get(&url).query(parameters).header(ACCEPT, "image/svg+xml");
        let response = self.send(request).await.with_context(|| format!("GET {path}"))?;
        response.text().await.with_context(|| format!("GET {path}: the answer is no text"))
    }

    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Response> {
        let deadline = Instant::now() + GIVE_UP_AFTER;
        loop {
            let (pause, failure) = match request().bearer_auth(&self.token).send().await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) if is_passing(response.status()) => {
                    (retry_after(response.headers()), refusal(response).await)
                }
                Ok(response) => return Err(refusal(response).await),
                Err(error) => (PAUSE, anyhow!(error)),
            };
            if Instant::now() + pause > deadline {
                bail!(failure.context(format!("given up after {GIVE_UP_AFTER:?}")));
            }
            sleep(pause).await;
        }
    }
}

/// A race that was lost, a limit that was hit, a store that is away: the same request may pass.
fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = text(headers, RETRY_AFTER.as_str()).and_then(|value| value.parse().ok());
    seconds.map_or(PAUSE, Duration::from_secs)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn refusal(response: Response) -> anyhow::Error {
    let status = response.status();
    anyhow!("{status}: {}", response.text().await.unwrap_or_default())
}

/// The rows of a list or a report.
pub(super) fn rows(answer: &Value) -> Result<&[Value]> {
    let rows = answer.get("items").and_then(Value::as_array);
    ensure!(rows.is_some(), "the answer has no items: {answer}");
    Ok(rows.map(Vec::as_slice).unwrap_or_default())
}
