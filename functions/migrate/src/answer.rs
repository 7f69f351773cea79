//! What CloudFormation is told.

use std::time::Duration;

use lambda_runtime::Error;
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use crate::Request;

/// One and the same for ever: another id would make CloudFormation delete the one before.
const SCHEMA: &str = "schema";

/// CloudFormation takes an answer of 4,096 bytes; the ids take a part of them.
const MOST_OF_A_REASON: usize = 1024;

const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

/// The answer to one request ("Custom resource response objects" in CloudFormation's User Guide).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Answer<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    /// Signed: who has it may answer.
    #[serde(skip)]
    url: &'a str,
}

impl<'a> Answer<'a> {
    pub(crate) fn to(request: &'a Request, outcome: Result<(), String>) -> Self {
        let status = if outcome.is_ok() { "SUCCESS" } else { "FAILED" };
        let reason = outcome.err().map(|reason| reason.chars().take(MOST_OF_A_REASON).collect());
        Self {
            status,
            reason,
            // what is deleted is named as it was asked for, also if it was never made
            physical_resource_id: request.physical_resource_id.as_deref().unwrap_or(SCHEMA),
            stack_id: &request.stack_id,
            request_id: &request.request_id,
            logical_resource_id: &request.logical_resource_id,
            url: &request.response_url,
        }
    }

    /// Puts it where CloudFormation looks, again and again until `deadline`: without an answer it
    /// waits for an hour.
    pub(crate) async fn deliver(self, http: &Client, deadline: Instant) -> Result<(), Error> {
        let body = serde_json::to_vec(&self)?;
        let delivered = timeout_at(deadline, async {
            loop {
                // the URL is signed for a request without a content type
                let request = http.put(self.url).header(CONTENT_TYPE, HeaderValue::from_static(""));
                let response = request.body(body.clone()).send().await;
                match response.and_then(reqwest::Response::error_for_status) {
                    Ok(_) => return,
                    Err(error) => {
                        let error = error.without_url();
                        warn!(%error, "CloudFormation did not take the answer");
                    }
                }
                sleep(BETWEEN_ATTEMPTS).await;
            }
        });
        delivered.await.map_err(|_| "CloudFormation took no answer in time".into())
    }
}
