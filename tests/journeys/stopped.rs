//! A projection that has stopped, told from one that has nothing to do.

use std::time::Duration;

use anyhow::{Context, ensure};
use journeys::Shop;
use serde_json::{Value, json};
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_has_stopped_says_so_within_a_minute() -> anyhow::Result<()> {
    let shop = Shop::with_faults("crash-before=1").await?;
    let started = Instant::now();
    let stopped = until(&shop, |projection| projection["caught_up"] == false).await?;
    ensure!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    for view in stopped["views"].as_array().context("there are views")? {
        ensure!(view["lag_ms"].as_i64() >= Some(10_000), "it grows with the clock: {view}");
        ensure!(view["last_applied_at"].is_null(), "{view}");
    }
    ensure!(stopped["newest_commit_at"].is_string(), "a beat is there: {stopped}");
    let status = shop.millrace(&["status"]).await?;
    let said = String::from_utf8_lossy(&status.stdout);
    ensure!(!status.status.success() && said.contains("The projection has stopped"), "{said}");
    let answer = shop.staff.get("/products").await?.expect(200)?;
    let told_ms = answer.header("projection-lag-ms")?.parse::<i64>()?;
    ensure!(told_ms > 8_999, "{told_ms}: the header may be a second old");
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_with_nothing_to_do_has_caught_up() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let idle = until(&shop, |projection| projection["newest_commit_at"].is_string()).await?;
    ensure!(idle["caught_up"] == true, "{idle}");
    let status = shop.millrace(&["status"]).await?;
    ensure!(status.status.success(), "{status:?}");
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_keeps_what_cloudwatch_would_make_metrics_of() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let customer = json!({"name": "ann", "email": "ann@example.com"});
    let ann = shop.staff.post("/customers", customer).await?.expect(201)?;
    shop.staff.get_after(&ann, &format!("/customers/{}", ann.id()?)).await?.expect(200)?;
    let file = shop.stack.data_dir().join("metrics.ndjson");
    shop.stack.stop().await;
    let lines = std::fs::read_to_string(file)?;
    let lines: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let of_customers = lines.iter().find(|line| line["View"] == "customers");
    let of_customers = of_customers.context("a customer became visible")?;
    ensure!(of_customers["CommitToVisible"].is_number(), "{of_customers}");
    ensure!(lines.iter().any(|line| line["ProjectionStopped"] == 0.0), "the beat says so");
    ensure!(lines.iter().any(|line| line["SweepReadUnits"].is_number()), "the sweep says so");
    Ok(())
}

/// `GET /projection`, once it is as it should be.
async fn until(shop: &Shop, so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let projection = shop.staff.get("/projection").await?.expect(200)?.body;
        if so(&projection) {
            return Ok(projection);
        }
        ensure!(Instant::now() < deadline, "it stays {projection}");
    }
}
