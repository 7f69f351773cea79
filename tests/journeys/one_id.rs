//! One id, from the request to the rows: whoever has it finds everything.

use std::{path::Path, time::Duration};

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::AttributeValue,
};
use journeys::{Caller, StackProcess};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};

const ID: &str = "complaint-4711";
const TRACE: &str = "5759e988bd862e3fe1be46a994272793";
const SAID_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn one_id_leads_from_the_request_to_the_commit_the_rows_and_every_log() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let stack = StackProcess::start_logging(&data, &log)?;
    let staff = stack.caller(&data, "staff import analyst")?;
    let traceparent = format!("00-{TRACE}-53995c3f42cd8ad8-01");
    let tea =
        json!({"sku": "TEA", "name": "Tea", "department": "GROCERY", "unit_price_cents": 250});
    let adding = staff.request(Method::POST, "/products").header("x-correlation-id", ID);
    let added = Caller::send(adding.header("traceparent", &traceparent).json(&tea)).await?;
    let added = added.expect(201)?;
    let seen = staff.get_after(&added, "/products/TEA").await?.expect(200)?;
    assert_eq!(seen.body["version"], 1);

    let trail = staff.get("/streams/product-TEA/events").await?.expect(200)?;
    assert_eq!(trail.body["items"][0]["correlation_id"], ID);
    let (database, dynamodb) = stores(&data)?;
    let mut rows = PgConnection::connect(&database).await?;
    let stored: String =
        sqlx::query_scalar("select correlation_id from audit_trail").fetch_one(&mut rows).await?;
    assert_eq!(stored, ID);
    let key = [
        ("stream", AttributeValue::S("product-TEA".to_owned())),
        ("version", AttributeValue::N("1".to_owned())),
    ];
    let item = dynamodb.get_item().table_name(local_stack::TABLE_NAME);
    let item = item.set_key(Some(key.map(|(name, value)| (name.to_owned(), value)).into()));
    let item = item.send().await?.item.context("the commit is there")?;
    let metadata = item["metadata"].as_m().ok().context("a commit has metadata")?;
    assert_eq!(metadata["correlation_id"], AttributeValue::S(ID.to_owned()));
    assert_eq!(metadata["trace"], AttributeValue::S(traceparent.clone()));

    said(&log, &["edge", "answered", ID, TRACE]).await?;
    said(&log, &["projector", "applied", ID]).await?;
    let asking = staff.request(Method::GET, "/products/TEA");
    Caller::send(asking.header("x-correlation-id", "a question")).await?.expect(200)?;
    said(&log, &["edge", "answered", "GET", "a question"]).await?;
    ensure!(stack.terminate()?, "it ends cleanly");
    Ok(())
}

/// Waits until one line of the log has all of these.
async fn said(log: &Path, words: &[&str]) -> anyhow::Result<()> {
    let deadline = Instant::now() + SAID_WITHIN;
    loop {
        let text = std::fs::read_to_string(log)?;
        if text.lines().any(|line| words.iter().all(|word| line.contains(word))) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "no line has {words:?}:\n{text}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The two stores of the stack, as its functions are told of them.
fn stores(data: &Path) -> anyhow::Result<(String, Client)> {
    let environment = std::fs::read_to_string(data.join("env"))?;
    let variable = |name: &str| {
        let lines = environment.lines().filter_map(|line| line.split_once('='));
        let found = lines.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next();
        found.with_context(|| format!("{name} is missing"))
    };
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(variable("AWS_ENDPOINT_URL_DYNAMODB")?)
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(Credentials::new(id, secret, None, None, "the stack"));
    Ok((variable("DATABASE_URL")?, Client::from_conf(config.build())))
}
