//! Somebody who calls the API.

use anyhow::{Context, ensure};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;

use crate::private;

/// A caller with a token.
#[derive(Clone, Debug)]
pub struct Caller {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; `null` if it is not JSON.
    pub body: Value,
}

impl Caller {
    /// A caller of the API at `url`.
    #[must_use]
    pub fn new(url: String, token: String) -> Self {
        private::note_token(&token);
        Self { http: reqwest::Client::new(), url, token }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A request to be changed before it is sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// Sends a command.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        Self::send(self.request(Method::POST, path).json(&body)).await
    }

    /// Sends a command with an idempotency key.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn post_once(&self, key: &str, path: &str, body: Value) -> anyhow::Result<Answer> {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        Self::send(request.json(&body)).await
    }

    /// Asks.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        Self::send(self.request(Method::GET, path)).await
    }

    /// Asks, and sees at least the write that `command` answered.
    ///
    /// # Errors
    /// When nobody answers, or the command named no write.
    pub async fn get_after(&self, command: &Answer, path: &str) -> anyhow::Result<Answer> {
        self.get_within(20, command, path).await
    }

    /// The same, with the patience of so many seconds.
    ///
    /// # Errors
    /// When nobody answers, or the command named no write.
    pub async fn get_within(
        &self,
        seconds: u32,
        command: &Answer,
        path: &str,
    ) -> anyhow::Result<Answer> {
        let token = command.header("consistency-token")?;
        let request = self.request(Method::GET, path).header("consistency-token", token);
        Self::send(request.header("prefer", format!("wait={seconds}"))).await
    }

    /// Sends a request as it is.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn send(request: RequestBuilder) -> anyhow::Result<Answer> {
        let (http, request) = request.build_split();
        let request = request?;
        let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
        let body = request.body().and_then(|body| body.as_bytes());
        private::note_command(request.url().path(), key, body);
        private::note_search(request.url());
        let response = http.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// This answer, if it has that status.
    ///
    /// # Errors
    /// With the whole answer, if not.
    pub fn expect(self, status: u16) -> anyhow::Result<Self> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.body);
        Ok(self)
    }

    /// This answer, if it is a problem of that status and type.
    ///
    /// # Errors
    /// With the whole answer, if not.
    pub fn refused(self, status: u16, kind: &str) -> anyhow::Result<Self> {
        let answer = self.expect(status)?;
        ensure!(answer.body["type"] == kind, "not {kind}: {}", answer.body);
        let media_type = answer.header("content-type")?;
        ensure!(media_type == "application/problem+json", "{media_type}");
        Ok(answer)
    }

    /// The id of the thing that the command was about.
    ///
    /// # Errors
    /// When there is none.
    pub fn id(&self) -> anyhow::Result<String> {
        self.text("id")
    }

    /// A field of the body.
    ///
    /// # Errors
    /// When it is not there, or is no text.
    pub fn text(&self, field: &str) -> anyhow::Result<String> {
        let text = self.body[field].as_str().with_context(|| format!("{field}: {}", self.body))?;
        Ok(text.to_owned())
    }

    /// A header.
    ///
    /// # Errors
    /// When it is not there.
    pub fn header(&self, name: &str) -> anyhow::Result<String> {
        let value = self.headers.get(name).with_context(|| format!("no header {name}"))?;
        Ok(value.to_str()?.to_owned())
    }
}
