//! How soon a commit is in the rows, in the local stack under a steady load.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use indicatif::{ProgressBar, ProgressStyle};
use local_stack::{FaultPlan, Options, Stack};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::report::Figure;

const COMMANDS_PER_SECOND: u64 = 200;
const SECONDS: u64 = 30;

/// The commands go to so many products in turn.
const PRODUCTS: u64 = 500;

/// The load does not wait for answers: a stack that falls behind shows it.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = TempDir::new()?;
    let data_dir = folder.path().join("data");
    let faults = FaultPlan::default();
    let stack = Stack::start(Options { port: 0, data_dir, template: None, faults }).await?;
    let (url, token) = (Arc::new(stack.url()), stack.token("staff", None)?);
    let client = reqwest::Client::new();
    let send = |path: String, body: serde_json::Value| {
        let request = client.post(format!("{url}{path}")).bearer_auth(&token).json(&body);
        async move { anyhow::Ok(request.send().await?.error_for_status()?) }
    };
    for product in 0..PRODUCTS {
        let body = json!({
            "sku": format!("P{product}"), "name": "A product", "department": "GROCERY",
            "unit_price_cents": 100,
        });
        send("/products".to_owned(), body).await?;
    }
    let before = stack.lag_ms();
    let commands = COMMANDS_PER_SECOND * SECONDS;
    let progress = ProgressBar::new(commands).with_message("commit to visible");
    progress.set_style(ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta} left")?);
    let mut ticks = interval(Duration::from_micros(1_000_000 / COMMANDS_PER_SECOND));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = JoinSet::new();
    for command in 0..commands {
        ticks.tick().await;
        let path = format!("/products/P{}/stock", command % PRODUCTS);
        sent.spawn(send(path, json!({"received": 1})));
        progress.inc(1);
    }
    while let Some(answered) = sent.join_next().await {
        answered??;
    }
    progress.finish_and_clear();
    let mut lag = stack.lag_ms();
    let deadline = Instant::now() + Duration::from_secs(30);
    while lag.len() < before.len() + commands {
        ensure!(Instant::now() < deadline, "{} of {commands} became visible", lag.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
        lag = stack.lag_ms();
    }
    lag.subtract(&before)?;
    stack.stop().await;
    let poll_ms = Stack::POLL_INTERVAL.as_secs_f64() * 1_000.0;
    let at = |name, quantile| {
        let milliseconds = lag.value_at_quantile(quantile) as f64;
        Figure::new(name, milliseconds, "ms", poll_ms, "the poller's interval")
    };
    Ok(vec![
        at("commit to visible p50", 0.5),
        at("commit to visible p99", 0.99),
        at("commit to visible p99.9", 0.999),
    ])
}
