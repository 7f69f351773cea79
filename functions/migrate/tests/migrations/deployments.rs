//! New stacks, updates, rollbacks and deletions.

use std::time::Duration;

use anyhow::{Result, ensure};
use local_postgres::test_database;
use migrate::RequestType::{Create, Delete, Update};
use ordering_views::MIGRATOR;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::{Instant, sleep};

use crate::cloudformation::CloudFormation;

/// The same for every outcome: CloudFormation deletes a resource whose id changes.
const SUCCESS: &str = "SUCCESS";

#[tokio::test]
async fn a_new_stack_gets_the_whole_schema_and_an_answer() -> Result<()> {
    let (database, stack) = (test_database().await?, CloudFormation::start().await);
    let answer = stack.ask(Create, &database.url).await;
    let expected = json!({
        "Status": SUCCESS,
        "PhysicalResourceId": "schema",
        "StackId": "the stack",
        "RequestId": "the request",
        "LogicalResourceId": "Schema",
    });
    assert_eq!(answer, expected);
    assert_eq!(applied(&database.url).await?, MIGRATOR.iter().count());
    Ok(())
}

#[tokio::test]
async fn an_update_with_nothing_new_changes_nothing() -> Result<()> {
    let (database, stack) = (test_database().await?, CloudFormation::start().await);
    stack.ask(Create, &database.url).await;
    let answer = stack.ask(Update, &database.url).await;
    assert_eq!(
        (&answer["Status"], &answer["PhysicalResourceId"]),
        (&json!(SUCCESS), &json!("schema"))
    );
    assert_eq!(applied(&database.url).await?, MIGRATOR.iter().count());
    Ok(())
}

#[tokio::test]
async fn of_several_deployments_at_once_one_migrates_and_all_succeed() -> Result<()> {
    let (database, stack) = (test_database().await?, CloudFormation::start().await);
    let answers = tokio::join!(
        stack.ask(Create, &database.url),
        stack.ask(Update, &database.url),
        stack.ask(Update, &database.url),
    );
    for answer in [answers.0, answers.1, answers.2] {
        assert_eq!(answer["Status"], SUCCESS, "{answer}");
    }
    assert_eq!(applied(&database.url).await?, MIGRATOR.iter().count());
    Ok(())
}

#[tokio::test]
async fn on_the_way_back_a_database_that_is_ahead_of_the_code_is_left_as_it_is() -> Result<()> {
    let (database, stack) = (test_database().await?, CloudFormation::start().await);
    stack.ask(Create, &database.url).await;
    let mut connection = PgConnection::connect(&database.url).await?;
    let of_the_next_release = "create table of_the_next_release (); \
        insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
        values (999999, 'of the next release', true, 'x', 1)";
    connection.execute(of_the_next_release).await?;
    let answer = stack.ask(Update, &database.url).await;
    assert_eq!(answer["Status"], SUCCESS, "{answer}");
    assert_eq!(applied(&database.url).await?, MIGRATOR.iter().count() + 1);
    connection.execute("select from of_the_next_release").await?;
    Ok(())
}

#[tokio::test]
async fn a_deletion_succeeds_though_the_database_is_gone() -> Result<()> {
    let stack = CloudFormation::start().await;
    let answer = stack.ask(Delete, "postgres://nobody@127.0.0.1:1/gone").await;
    assert_eq!(answer["Status"], SUCCESS, "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_migration_that_fails_fails_the_deployment_and_leaves_nothing_behind() -> Result<()> {
    let (database, stack) = (test_database().await?, CloudFormation::start().await);
    let mut connection = PgConnection::connect(&database.url).await?;
    connection.execute("create table cart ()").await?;
    let answer = stack.ask(Create, &database.url).await;
    assert_eq!(answer["Status"], "FAILED");
    let reason = answer["Reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("migration 2") && reason.contains("\"cart\" already exists"),
        "{reason}"
    );
    assert_eq!(applied(&database.url).await?, 1, "the one before it stays");
    let product: Option<String> = sqlx::query_scalar("select to_regclass('product')::text")
        .fetch_one(&mut connection)
        .await?;
    assert_eq!(product, None, "the tables that it made before it failed are gone");
    Ok(())
}

#[tokio::test]
async fn a_lock_that_somebody_holds_is_waited_for_and_nobody_waits_behind_it() -> Result<()> {
    let (database, stack) = (test_database().await?, CloudFormation::start().await);
    let mut holder = PgConnection::connect(&database.url).await?;
    let mut held = holder.begin().await?;
    held.execute("create table product ()").await?;
    let released = async {
        let mut observer = PgConnection::connect(&database.url).await?;
        wait_until(&mut observer, 1).await?;
        wait_until(&mut observer, 0).await?;
        anyhow::Ok(held.rollback().await?)
    };
    let (answer, released) = tokio::join!(stack.ask(Create, &database.url), released);
    released?;
    assert_eq!(answer["Status"], SUCCESS, "{answer}");
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_given_again() -> Result<()> {
    let stack = CloudFormation::refusing(2).await;
    let answer = stack.ask(Delete, "postgres://nobody@127.0.0.1:1/gone").await;
    assert_eq!(answer["Status"], SUCCESS);
    assert_eq!(stack.answers(), 1);
    Ok(())
}

/// Waits until so many sessions of the database wait for a lock.
async fn wait_until(observer: &mut PgConnection, sessions: i64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity \
             where datname = current_database() and wait_event_type = 'Lock'",
        )
        .fetch_one(&mut *observer)
        .await?;
        if waiting == sessions {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{waiting} sessions wait, not {sessions}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn applied(url: &str) -> Result<usize> {
    let mut connection = PgConnection::connect(url).await?;
    let applied: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations where success")
        .fetch_one(&mut connection)
        .await?;
    Ok(usize::try_from(applied)?)
}
