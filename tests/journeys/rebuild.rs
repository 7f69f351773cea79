//! A view rebuilt while the shop is open.

use std::{
    io::Write,
    process::Output,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use event_store::EventStore;
use flate2::{Compression, write::GzEncoder};
use journeys::Shop;
use md5::{Digest, Md5};
use ordering::{
    Commit, Event, Metadata, ProductEvent, Quantity, Sku, StockReceived, Timestamp, Version,
};
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

/// Commits to keep a rebuild busy for a few pages of a thousand.
const MANY: u64 = 3_500;

/// Goods come in for the product, again and again.
async fn moved_often(shop: &Shop) -> anyhow::Result<()> {
    let stream = "TEA".parse::<Sku>()?.stream();
    let store = EventStore::new(shop.stack.dynamodb_client(), local_stack::TABLE_NAME);
    let newest = store.read_each_after(&stream, Version::NONE).await?.len() as u64;
    let quantity = Quantity::new(1).map_err(anyhow::Error::msg)?;
    let received: ProductEvent = StockReceived { quantity }.into();
    let moved = (newest + 1..=newest + MANY).map(|version| Commit {
        stream: stream.clone(),
        version: Version(version),
        recorded_at: Timestamp::UNIX_EPOCH,
        events: vec![received.record()],
        metadata: Metadata::default(),
    });
    for transaction in moved.collect::<Vec<_>>().chunks(100) {
        store.append(transaction).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_was_killed_goes_on_where_it_was() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let order = ordered(&shop).await?;
    moved_often(&shop).await?;
    // So slow that it is in the middle of it for a while.
    let mut first = shop.millrace_process(&["rebuild", "--read-units", "40", "--segments", "1"])?;
    let mut read_model = PgConnection::connect(&shop.stack.database_url()).await?;
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let sql = "select commits from rebuild_part where next is not null";
        let copied: Option<i64> = sqlx::query_scalar(sql).fetch_optional(&mut read_model).await?;
        if copied.is_some_and(|commits| commits >= 2_000) {
            break;
        }
        ensure!(Instant::now() < deadline, "it does not get on: {copied:?}");
    }
    first.kill().await?;
    let other = shop.millrace(&["rebuild", "--view", "orders"]).await?;
    ensure!(!other.status.success() && complains(&other, "under way"), "{other:?}");
    let second = shop.millrace(&["rebuild", "--segments", "1"]).await?;
    ensure!(second.status.success() && says(&second, "the same"), "{second:?}");
    let whole = shop.millrace(&["rebuild", "--segments", "1"]).await?;
    let (rest, whole) = (copied(&second)?, copied(&whole)?);
    ensure!(rest.commits == whole.commits && whole.commits > MANY, "{rest:?} {whole:?}");
    ensure!(rest.read_units < whole.read_units / 2.0, "read twice: {rest:?} of {whole:?}");
    let verified = shop.millrace(&["verify", "--all"]).await?;
    ensure!(verified.status.success(), "{verified:?}");
    shop.staff.get(&order).await?.expect(200)?;
    shop.stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_shows_how_far_it_is_how_fast_and_for_how_long_yet() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    ordered(&shop).await?;
    moved_often(&shop).await?;
    let shown = shop.millrace_on_a_terminal(&["rebuild", "--read-units", "100"]).await?;
    ensure!(shown.split(['\r', '\n']).any(|line| is_under_way(line) == Some(true)), "{shown}");
    shop.stack.stop().await;
    Ok(())
}

/// Whether a bar says that some of all commits are copied, at some rate, and some time is left.
fn is_under_way(bar: &str) -> Option<bool> {
    let (done, rest) = bar.split_once(" commits, ")?;
    let (done, all) = done.rsplit(' ').next()?.split_once('/')?;
    let (rate, rest) = rest.split_once("/s, ")?;
    let (left, read) = rest.split_once(" left (")?;
    let number = |text: &str| text.replace(',', "").parse::<f64>().ok();
    let (done, all, rate) = (number(done)?, number(all)?, number(rate)?);
    let some_left = left.ends_with('s') && left != "0s" && read.contains(" read units)");
    Some(0.0 < done && done < all && all > 3_500.0 && rate > 0.0 && some_left)
}

/// What a rebuild says of its copying.
#[derive(Debug)]
struct Copied {
    commits: u64,
    read_units: f64,
}

fn copied(output: &Output) -> anyhow::Result<Copied> {
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.strip_prefix("copied "));
    let words: Vec<_> = line.with_context(|| said.to_string())?.split(' ').collect();
    let [commits, _, _, read_units, ..] = words.as_slice() else { bail!("{words:?}") };
    Ok(Copied { commits: commits.parse()?, read_units: read_units.parse()? })
}

fn says(output: &Output, text: &str) -> bool {
    String::from_utf8_lossy(&output.stdout).contains(text)
}

fn complains(output: &Output, text: &str) -> bool {
    String::from_utf8_lossy(&output.stderr).contains(text)
}
