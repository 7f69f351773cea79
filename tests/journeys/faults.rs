//! A stream that loses records, and a read model that is away.

use anyhow::ensure;
use journeys::{Caller, Shop};
use serde_json::json;
use sqlx::{Connection, PgConnection};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_the_read_model_is_away_is_seen_afterwards() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let staff = &shop.staff;
    let server = shop.stack.database_url().replace("/millrace", "/postgres");
    let mut server = PgConnection::connect(&server).await?;
    sqlx::query("alter database millrace allow_connections false").execute(&mut server).await?;
    let others = "select pg_terminate_backend(pid) from pg_stat_activity \
                  where datname = 'millrace' and pid <> pg_backend_pid()";
    sqlx::query(others).execute(&mut server).await?;
    let mut written = Vec::new();
    for number in 0..6 {
        written.push(staff.customer(&format!("customer-{number}")).await?);
    }
    let away = staff.get(&format!("/customers/{}", written[0])).await?.expect(503)?;
    away.header("retry-after")?;
    sqlx::query("alter database millrace allow_connections true").execute(&mut server).await?;
    let last = staff.customer("last").await?;
    for customer in written.iter().chain([&last]) {
        visible(staff, &format!("/customers/{customer}")).await?;
    }
    shop.stack.stop().await;
    Ok(())
}

/// Waits until a thing is there, without a token that names it.
async fn visible(staff: &Caller, path: &str) -> anyhow::Result<()> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while staff.get(path).await?.status != 200 {
        ensure!(tokio::time::Instant::now() < deadline, "{path} never comes");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_record_heals_with_the_next_one() -> anyhow::Result<()> {
    let shop = Shop::with_faults("lose=0.3,twice=0.2,seed=3").await?;
    let staff = &shop.staff;
    staff.stocked("TEA", 250, 1).await?;
    let mut last = None;
    for _ in 0..60 {
        let received = json!({"received": 1});
        last = Some(staff.post("/products/TEA/stock", received).await?.expect(200)?);
    }
    // whichever records were lost: one that comes heals all before it
    while let Some(written) = last.take() {
        let seen = staff.get_within(2, &written, "/products/TEA").await?;
        if seen.status == 503 {
            let received = json!({"received": 1});
            last = Some(staff.post("/products/TEA/stock", received).await?.expect(200)?);
            continue;
        }
        let seen = seen.expect(200)?.body;
        let (stock, version) = (seen["stock"].as_i64(), seen["version"].as_i64());
        assert_eq!(stock.map(|stock| stock + 1), version, "a product, and a piece a commit");
    }
    shop.stack.stop().await;
    Ok(())
}
