//! A function as Lambda sees it: JSON in, JSON out, and three ways to fail.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::future::BoxFuture;
use serde_json::Value;

/// Something to invoke. The gateway, the invoke API and the poller all call the same ones.
pub type Function = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value>> + Send + Sync>;

/// How an invocation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The function returned an error, or panicked.
    #[error("{0}")]
    Unhandled(String),
    /// The function was stopped at its time limit.
    #[error("timed out after {0:?}")]
    TimedOut(Duration),
}

/// Invokes `function` with `event`, for at most `limit`.
///
/// As on Lambda it runs to its end also when the caller goes away, and a panic is an error.
pub(crate) async fn invoke(
    function: &Function,
    event: Value,
    limit: Duration,
) -> Result<Value, Failure> {
    let mut invocation = tokio::spawn(function(event));
    match tokio::time::timeout(limit, &mut invocation).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(Failure::Unhandled(format!("{error:#}"))),
        Ok(Err(panic)) => Err(Failure::Unhandled(panic.to_string())),
        Err(_) => {
            invocation.abort();
            Err(Failure::TimedOut(limit))
        }
    }
}
