//! The stack as a whole: what its user relies on, whatever the functions do.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use local_stack::{FaultPlan, Options, Stack};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

fn options(data_dir: &Path, faults: &str) -> Result<Options> {
    witness::watch();
    let (data_dir, faults): (_, FaultPlan) = (data_dir.to_owned(), faults.parse()?);
    Ok(Options { port: 0, data_dir, template: None, faults })
}

/// Adds a product, and returns its consistency token.
async fn add_product(stack: &Stack, sku: &str) -> Result<String> {
    let product =
        json!({"sku": sku, "name": "Tea", "department": "GROCERY", "unit_price_cents": 250});
    let request = reqwest::Client::new().post(format!("{}/products", stack.url())).json(&product);
    let answer =
        request.bearer_auth(stack.token("staff", None)?).send().await?.error_for_status()?;
    Ok(answer
        .headers()
        .get("consistency-token")
        .context("a token is missing")?
        .to_str()?
        .to_owned())
}

async fn product(stack: &Stack, sku: &str, consistency_token: &str) -> Result<Value> {
    let request = reqwest::Client::new().get(format!("{}/products/{sku}", stack.url()));
    let request =
        request.header("consistency-token", consistency_token).header("prefer", "wait=20");
    let answer = request.bearer_auth(stack.token("staff", None)?).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_visible_and_outlives_a_restart() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let stack = Stack::start(options(dir.path(), "")?).await?;
    let token = add_product(&stack, "T1").await?;
    ensure!(product(&stack, "T1", &token).await?["unit_price_cents"] == 250);
    let deadline = Instant::now() + Duration::from_secs(20);
    while stack.lag_ms().len() != 1 {
        ensure!(Instant::now() < deadline, "one commit was measured");
        tokio::task::yield_now().await;
    }
    stack.stop().await;

    let stack = Stack::start(options(dir.path(), "")?).await?;
    ensure!(product(&stack, "T1", &token).await?["name"] == "Tea");
    ensure!(stack.lag_ms().is_empty(), "what was projected does not come again");
    stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_functions_log_in_as_the_roles_that_they_have_when_deployed() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let stack = Stack::start(options(dir.path(), "")?).await?;
    let token = add_product(&stack, "T1").await?;
    product(&stack, "T1", &token).await?;
    let mut owner = PgConnection::connect(&stack.database_url()).await?;
    let roles: Vec<String> = sqlx::query_scalar(
        "select distinct usename::text from pg_stat_activity \
         where datname = current_database() and pid <> pg_backend_pid() order by 1",
    )
    .fetch_all(&mut owner)
    .await?;
    ensure!(roles == ["millrace_projector", "millrace_reader"], "{roles:?}");

    let as_reader = stack.reader_url().to_owned();
    let mut reader = PgConnection::connect(&as_reader).await?;
    let read_only: String =
        sqlx::query_scalar("show default_transaction_read_only").fetch_one(&mut reader).await?;
    ensure!(read_only == "on", "the role's own settings hold");
    stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_deleted_come_back_from_the_events() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let stack = Stack::start(options(dir.path(), "")?).await?;
    let token = add_product(&stack, "T1").await?;
    product(&stack, "T1", &token).await?;
    stack.stop().await;

    std::fs::remove_dir_all(dir.path().join("postgres"))?;
    let stack = Stack::start(options(dir.path(), "")?).await?;
    ensure!(product(&stack, "T1", &token).await?["name"] == "Tea");
    stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_faults_on_every_write_is_still_visible_in_the_end() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let faults = "twice=0.3,reorder=0.3,crash-before=0.2,crash-after=0.2,seed=11";
    let stack = Stack::start(options(dir.path(), faults)?).await?;
    for number in 0..20 {
        let sku = format!("T{number}");
        let token = add_product(&stack, &sku).await?;
        ensure!(product(&stack, &sku, &token).await?["sku"] == sku);
    }
    stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stack_on_the_same_folder_is_refused_and_the_first_goes_on() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let stack = Stack::start(options(dir.path(), "")?).await?;
    let refusal = Stack::start(options(dir.path(), "")?).await.err().context("it was let in")?;
    ensure!(refusal.to_string().starts_with("another stack runs on "), "{refusal:#}");
    let token = add_product(&stack, "T1").await?;
    product(&stack, "T1", &token).await?;
    stack.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_functions_find_the_stack_by_its_env_file() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir()?;
    let stack = Stack::start(options(dir.path(), "")?).await?;
    let path = dir.path().join("env");
    let text = std::fs::read_to_string(&path)?;
    let names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let expected = [
        "EVENT_TABLE",
        "KEY_TABLE",
        "KEY_FILE",
        "DATABASE_URL",
        "CURSOR_KEY",
        "AWS_ENDPOINT_URL_DYNAMODB",
    ];
    ensure!(expected.iter().all(|name| names.contains(name)), "{names:?}");
    ensure!(text.contains(&format!("DATABASE_URL={}\n", stack.database_url())));
    ensure!(text.contains(&format!("AWS_ENDPOINT_URL_DYNAMODB={}\n", stack.dynamodb_endpoint())));
    ensure!(std::fs::metadata(&path)?.permissions().mode() & 0o777 == 0o600);
    stack.stop().await;
    Ok(())
}
