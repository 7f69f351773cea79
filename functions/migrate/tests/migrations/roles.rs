//! What each of the functions may do to the rows.

use anyhow::Result;
use local_postgres::{TestDatabase, test_database};
use ordering_views::MIGRATOR;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// insufficient_privilege
const REFUSED: Option<&str> = Some("42501");

/// A migrated database, and a session in it as its owner.
async fn migrated() -> Result<(TestDatabase, PgConnection)> {
    witness::watch();
    let database = test_database().await?;
    let mut owner = PgConnection::connect(&database.url).await?;
    MIGRATOR.run_direct(None, &mut owner, false).await?;
    Ok((database, owner))
}

/// How a statement ends as another role: with nothing, or with an error's code.
async fn as_role(owner: &mut PgConnection, role: &str, statement: &str) -> Result<Option<String>> {
    owner.execute(AssertSqlSafe(format!("set role {role}"))).await?;
    let outcome = owner.execute(AssertSqlSafe(statement.to_owned())).await;
    owner.execute("reset role").await?;
    Ok(match outcome {
        Ok(_) => None,
        Err(error) => error.as_database_error().and_then(|e| e.code()).map(Into::into),
    })
}

#[tokio::test]
async fn the_reader_reads_every_view_and_changes_none() -> Result<()> {
    let (_database, mut owner) = migrated().await?;
    for (statement, expected) in [
        ("select from order_history", None),
        ("select from position", None),
        ("select from quarantine", None),
        ("select from product_sales_waiting", None),
        ("insert into product_sales values ('A', 1)", REFUSED),
        ("delete from product_sales_waiting", REFUSED),
        ("update cart set version = 1", REFUSED),
        ("delete from customer", REFUSED),
        ("truncate audit_trail", REFUSED),
        ("create table mine ()", REFUSED),
        ("select from _sqlx_migrations", REFUSED),
    ] {
        let outcome = as_role(&mut owner, "millrace_reader", statement).await?;
        assert_eq!(outcome.as_deref(), expected, "{statement}");
    }
    Ok(())
}

#[tokio::test]
async fn the_projector_writes_rows_and_not_the_schema() -> Result<()> {
    let (_database, mut owner) = migrated().await?;
    for (statement, expected) in [
        ("insert into product_sales values ('A', 1)", None),
        ("update product_sales set units = 2", None),
        ("delete from product_sales", None),
        ("insert into product_sales_waiting values (array['A'], array[1])", None),
        ("delete from product_sales_waiting", None),
        ("select expect_moved(1, 1)", None),
        ("delete from quarantine", REFUSED),
        ("truncate product_sales", REFUSED),
        ("alter table product add column mine text", REFUSED),
        ("drop table product", REFUSED),
        ("create table mine ()", REFUSED),
        ("create schema mine", REFUSED),
        ("delete from _sqlx_migrations", REFUSED),
        ("select admit_functions('public')", REFUSED),
    ] {
        let outcome = as_role(&mut owner, "millrace_projector", statement).await?;
        assert_eq!(outcome.as_deref(), expected, "{statement}");
    }
    Ok(())
}

#[tokio::test]
async fn a_table_of_a_later_migration_is_open_to_both() -> Result<()> {
    let (_database, mut owner) = migrated().await?;
    owner.execute("create table later (id bigint)").await?;
    for (role, statement, expected) in [
        ("millrace_projector", "insert into later values (1)", None),
        ("millrace_reader", "select from later", None),
        ("millrace_reader", "delete from later", REFUSED),
    ] {
        assert_eq!(as_role(&mut owner, role, statement).await?.as_deref(), expected, "{statement}");
    }
    Ok(())
}

#[tokio::test]
async fn another_schema_is_opened_to_both_by_one_call() -> Result<()> {
    let (_database, mut owner) = migrated().await?;
    owner.execute("create schema another").await?;
    let read = "select from another.product";
    assert_eq!(as_role(&mut owner, "millrace_reader", read).await?.as_deref(), REFUSED);
    owner.execute("select admit_functions('another')").await?;
    owner.execute("create table another.product (sku text)").await?;
    assert_eq!(as_role(&mut owner, "millrace_reader", read).await?, None);
    let write = "insert into another.product values ('A')";
    assert_eq!(as_role(&mut owner, "millrace_projector", write).await?, None);
    assert_eq!(as_role(&mut owner, "millrace_reader", write).await?.as_deref(), REFUSED);
    Ok(())
}

#[tokio::test]
async fn a_role_behaves_by_itself_in_this_database_and_in_no_other() -> Result<()> {
    let (_database, mut owner) = migrated().await?;
    let mut expected = [
        ("millrace_reader", "default_transaction_read_only=on"),
        ("millrace_reader", "statement_timeout=5s"),
        ("millrace_reader", "idle_session_timeout=2min"),
        ("millrace_reader", "plan_cache_mode=force_custom_plan"),
        ("millrace_reader", "work_mem=32MB"),
        ("millrace_reader", "random_page_cost=1.1"),
        ("millrace_reader", "jit=off"),
        ("millrace_projector", "statement_timeout=25s"),
        ("millrace_projector", "idle_session_timeout=2min"),
        ("millrace_projector", "idle_in_transaction_session_timeout=30s"),
        ("millrace_projector", "plan_cache_mode=force_generic_plan"),
        ("millrace_projector", "jit=off"),
    ];
    expected.sort_unstable();
    let settings: Vec<(String, String)> = sqlx::query_as(
        "select rolname::text, unnest(setconfig) from pg_db_role_setting \
         join pg_database on pg_database.oid = setdatabase join pg_roles on pg_roles.oid = setrole \
         where datname = current_database()",
    )
    .fetch_all(&mut owner)
    .await?;
    let mut settings: Vec<(&str, &str)> =
        settings.iter().map(|(role, setting)| (&**role, &**setting)).collect();
    settings.sort_unstable();
    assert_eq!(settings, expected);
    Ok(())
}

#[tokio::test]
async fn an_owner_who_may_not_make_roles_migrates_all_the_same() -> Result<()> {
    witness::watch();
    let database = test_database().await?;
    let mut owner = PgConnection::connect(&database.url).await?;
    let name = database.url.rsplit('/').next().and_then(|it| it.split('?').next()).unwrap_or("");
    let plain = format!("owner_of_{name}");
    for statement in [
        format!("create role {plain}"),
        format!("alter database {name} owner to {plain}"),
        format!("set role {plain}"),
    ] {
        owner.execute(AssertSqlSafe(statement)).await?;
    }
    MIGRATOR.run_direct(None, &mut owner, false).await?;
    owner.execute("select from order_history").await?;
    for statement in [
        "reset role".to_owned(),
        format!("drop owned by {plain} cascade"),
        format!("alter database {name} owner to postgres"),
        format!("drop role {plain}"),
    ] {
        owner.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}
