//! A view rebuilt while the shop is open.

use std::{
    io::Write,
    process::Output,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use journeys::Shop;
use md5::{Digest, Md5};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};

/// A row that is wrong, as an old bug may have left it.
async fn spoil(shop: &Shop) -> anyhow::Result<()> {
    let mut read_model = PgConnection::connect(&shop.stack.database_url()).await?;
    read_model
        .execute("update order_history set carrier = 'nobody'; update product set stock = -9")
        .await?;
    Ok(())
}

/// A shop with a product and an order; gives the order's path.
async fn ordered(shop: &Shop) -> anyhow::Result<String> {
    shop.staff.stocked("TEA", 250, 1_000).await?;
    let ann = shop.staff.customer("ann").await?;
    let cart = shop.staff.cart(&ann, &[("TEA", 2)]).await?;
    let placed =
        shop.staff.post(&format!("/carts/{cart}/checkout"), json!({})).await?.expect(201)?;
    let order = placed.body["order_id"].as_str().context("an order")?.to_owned();
    let path = format!("/orders/{order}");
    shop.staff.get_after(&placed, &path).await?.expect(200)?;
    Ok(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_rebuilt_swapped_and_taken_back_while_the_shop_is_open() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let order = ordered(&shop).await?;
    spoil(&shop).await?;
    let selling = async {
        for _ in 0..40 {
            let sold = shop.staff.post("/products/TEA/stock", json!({"received": 1})).await?;
            let seen = shop.staff.get_after(&sold.expect(200)?, "/products/TEA").await?;
            seen.expect(200)?;
        }
        anyhow::Ok(())
    };
    let rebuilding = async {
        let kept = shop.millrace(&["rebuild", "--view", "orders"]).await?;
        ensure!(!kept.status.success() && says(&kept, "nobody"), "{kept:?}");
        let done = shop.millrace(&["rebuild", "--view", "orders", "--accept-differences"]).await?;
        ensure!(done.status.success() && says(&done, "swapped"), "{done:?}");
        anyhow::Ok(())
    };
    futures::try_join!(selling, rebuilding)?;
    let mended = shop.staff.get(&order).await?.expect(200)?;
    assert_eq!(mended.body["carrier"], json!(null));
    let product = shop.staff.get("/products/TEA").await?.expect(200)?;
    assert_eq!(product.body["stock"], -9 + 40, "of another view, which was not rebuilt");

    let back = shop.millrace(&["rollback"]).await?;
    ensure!(back.status.success(), "{back:?}");
    assert_eq!(shop.staff.get(&order).await?.body["carrier"], "nobody");
    let again = shop.millrace(&["rollback"]).await?;
    ensure!(again.status.success(), "the way back has a way back: {again:?}");
    let all = shop.millrace(&["rebuild", "--accept-differences", "--read-units", "500"]).await?;
    ensure!(all.status.success() && says(&all, "read units"), "{all:?}");
    let verified = shop.millrace(&["verify", "--all"]).await?;
    ensure!(verified.status.success(), "{verified:?}");
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_read_model_comes_back_from_an_export() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let order = ordered(&shop).await?;
    let export = export(&shop.stack.dynamodb_client()).await?;
    let late = shop.staff.post("/products/TEA/stock", json!({"received": 1})).await?.expect(200)?;
    shop.staff.get_after(&late, "/products/TEA").await?.expect(200)?;
    spoil(&shop).await?;
    let folder = export.path().to_str().context("a path")?;
    let rebuilt =
        shop.millrace(&["rebuild", "--from", "export", folder, "--accept-differences"]).await?;
    ensure!(rebuilt.status.success(), "{rebuilt:?}");
    ensure!(says(&rebuilt, "caught up: 1 commits of 1 streams"), "{rebuilt:?}");
    assert_eq!(shop.staff.get("/products/TEA").await?.expect(200)?.body["stock"], 999);
    assert_eq!(shop.staff.get(&order).await?.expect(200)?.body["carrier"], json!(null));

    let file = export.path().join("data/one.json.gz");
    let mut damaged = std::fs::read(&file)?;
    damaged.pop();
    std::fs::write(&file, damaged)?;
    let refused = shop.millrace(&["rebuild", "--from", "export", folder]).await?;
    ensure!(!refused.status.success() && complains(&refused, "is damaged"), "{refused:?}");
    shop.stack.stop().await;
    Ok(())
}

/// The event table as DynamoDB exports it to S3, in an order that is not the streams'.
pub(crate) async fn export(client: &aws_sdk_dynamodb::Client) -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::TempDir::new()?;
    let items =
        client.scan().table_name(local_stack::TABLE_NAME).send().await?.items.unwrap_or_default();
    let mut lines = Vec::new();
    for item in items.into_iter().rev() {
        let item: serde_dynamo::Item = item.into();
        lines.push(json!({"Item": item}).to_string());
    }
    let (file, digest) = gzipped(&lines.join("\n"))?;
    std::fs::create_dir(folder.path().join("data"))?;
    std::fs::write(folder.path().join("data/one.json.gz"), file)?;
    let manifest = json!({
        "itemCount": lines.len(), "md5Checksum": digest, "etag": "-",
        "dataFileS3Key": "AWSDynamoDB/01-export/data/one.json.gz",
    });
    std::fs::write(folder.path().join("manifest-files.json"), manifest.to_string())?;
    Ok(folder)
}

/// As a gzip file, with its checksum as a manifest has it.
fn gzipped(text: &str) -> anyhow::Result<(Vec<u8>, String)> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes())?;
    let file = gzip.finish()?;
    let digest = STANDARD.encode(Md5::digest(&file));
    Ok((file, digest))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_was_killed_goes_on_where_it_was() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let order = ordered(&shop).await?;
    // So slow that it waits for an hour after its first page.
    let mut first = shop.millrace_process(&["rebuild", "--read-units", "1", "--segments", "1"])?;
    let mut read_model = PgConnection::connect(&shop.stack.database_url()).await?;
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let sql = "select count(*) from rebuild_part";
        let parts: i64 = sqlx::query_scalar(sql).fetch_one(&mut read_model).await?;
        if parts > 0 {
            break;
        }
        ensure!(Instant::now() < deadline, "nothing was copied");
    }
    first.kill().await?;
    let other = shop.millrace(&["rebuild", "--view", "orders"]).await?;
    ensure!(!other.status.success() && complains(&other, "under way"), "{other:?}");
    let second = shop.millrace(&["rebuild", "--segments", "1"]).await?;
    ensure!(second.status.success() && says(&second, "the same"), "{second:?}");
    ensure!(says(&second, "for 0 read units"), "nothing is read twice: {second:?}");
    shop.staff.get(&order).await?.expect(200)?;
    shop.stack.stop().await;
    Ok(())
}

fn says(output: &Output, text: &str) -> bool {
    String::from_utf8_lossy(&output.stdout).contains(text)
}

fn complains(output: &Output, text: &str) -> bool {
    String::from_utf8_lossy(&output.stderr).contains(text)
}
