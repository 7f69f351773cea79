//! A projection that has stopped, told from one that has nothing to do.

use std::time::Duration;

use anyhow::{Context, ensure};
use journeys::Shop;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;

/// The projector can write down nothing that arrives, as on a full disk.
const STOP: &str = "
    create function out_of_disk() returns trigger language plpgsql as
        $$ begin raise 'the disk is full' using errcode = 'disk_full'; end $$;
    create trigger out_of_disk before insert or update on position
        for each row execute function out_of_disk();
    create trigger out_of_disk before update of arrived_at on heartbeat
        for each row execute function out_of_disk();";

const GO_ON: &str = "drop function out_of_disk cascade";

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_has_stopped_says_so_within_a_minute() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let ann = json!({"name": "ann", "email": "ann@example.com"});
    let ann = shop.staff.post("/customers", ann).await?.expect(201)?;
    shop.staff.get_after(&ann, &format!("/customers/{}", ann.id()?)).await?.expect(200)?;
    let mut read_model = PgConnection::connect(&shop.stack.database_url()).await?;
    let deadline = Instant::now() + Duration::from_secs(60);
    let arrived = "select exists (select from heartbeat where arrived_at is not null)";
    while !sqlx::query_scalar(arrived).fetch_one(&mut read_model).await? {
        ensure!(Instant::now() < deadline, "no beat arrives");
    }
    until(&shop, |projection| projection["caught_up"] == true).await?;

    sqlx::raw_sql(STOP).execute(&mut read_model).await?;
    let stopped_at = Instant::now();
    let unseen = json!({"name": "bob", "email": "bob@example.com"});
    let unseen = shop.staff.post("/customers", unseen).await?.expect(201)?;
    let unseen = format!("/customers/{}", unseen.id()?);
    let stopped = until(&shop, |projection| projection["caught_up"] == false).await?;
    ensure!(stopped_at.elapsed() < Duration::from_secs(60), "{:?}", stopped_at.elapsed());
    for view in stopped["views"].as_array().context("there are views")? {
        ensure!(view["lag_ms"].as_i64() >= Some(10_000), "it grows with the clock: {view}");
    }
    let within_a_minute = stopped_at + Duration::from_secs(60);
    metrics(&shop, within_a_minute, |line| line["ProjectionStopped"] == 1.0).await?;
    let status = shop.millrace(&["status"]).await?;
    let said = String::from_utf8_lossy(&status.stdout);
    ensure!(!status.status.success() && said.contains("The projection has stopped"), "{said}");
    let answer = shop.staff.get("/products").await?.expect(200)?;
    let told_ms = answer.header("projection-lag-ms")?.parse::<i64>()?;
    ensure!(told_ms > 8_999, "{told_ms}: the header may be a second old");
    shop.staff.get(&unseen).await?.expect(404)?;

    sqlx::raw_sql(GO_ON).execute(&mut read_model).await?;
    until(&shop, |projection| projection["caught_up"] == true).await?;
    shop.staff.get(&unseen).await?.expect(200)?;
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
    let soon = Instant::now() + Duration::from_secs(60);
    let lines = metrics(&shop, soon, |line| line["SweepReadUnits"].is_number()).await?;
    shop.stack.stop().await;
    let of_customers = lines.iter().find(|line| line["View"] == "customers");
    let of_customers = of_customers.context("a customer became visible")?;
    ensure!(of_customers["CommitToVisible"].is_number(), "{of_customers}");
    ensure!(lines.iter().any(|line| line["ProjectionStopped"] == 0.0), "the beat says so");
    Ok(())
}

/// What CloudWatch would have got, once there is a line like `this`. The last one may be half there.
async fn metrics(
    shop: &Shop,
    deadline: Instant,
    this: impl Fn(&Value) -> bool,
) -> anyhow::Result<Vec<Value>> {
    loop {
        let lines = std::fs::read_to_string(shop.stack.data_dir().join("metrics.ndjson"))?;
        let whole = lines.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines: Vec<Value> =
            whole.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        if lines.iter().any(&this) {
            return Ok(lines);
        }
        ensure!(Instant::now() < deadline, "no metric says so");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
