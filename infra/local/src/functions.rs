//! A function as Lambda sees it: JSON in, JSON out, or an error.

use std::sync::Arc;

use anyhow::Result;
use futures::future::BoxFuture;
use serde_json::Value;

/// Something to invoke. The gateway, the invoke API and the poller all call the same ones.
pub(crate) type Function = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value>> + Send + Sync>;

/// What went wrong in a function: it returned an error, panicked, or took too long.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(String);

/// Invokes `function` with `event`. As on Lambda, it runs to its end also when the caller goes
/// away, and a panic is an error.
pub(crate) async fn invoke(function: &Function, event: Value) -> Result<Value, Failure> {
    match tokio::spawn(function(event)).await {
        Ok(answer) => answer.map_err(|error| Failure(format!("{error:#}"))),
        Err(panic) => Err(Failure(panic.to_string())),
    }
}
