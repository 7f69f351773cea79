//! A database that says no: the batch comes again, nothing is parked, and then it all comes right.

use std::time::Duration;

use projection::ApplyError;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};

use crate::lamps::{House, lit};

/// The SQLSTATE of what the database said.
#[track_caller]
fn code(error: &ApplyError) -> String {
    let said = match error {
        ApplyError::Database(error) => error.as_database_error().and_then(|said| said.code()),
        ApplyError::Source(_) | ApplyError::Row(_) => None,
    };
    said.unwrap_or_else(|| panic!("the database said nothing: {error}")).into_owned()
}

/// A session of the operator's own.
async fn operator(house: &House) -> anyhow::Result<PgConnection> {
    Ok(PgConnection::connect(&house.url).await?)
}

/// Changes a setting for all sessions to come.
async fn set(house: &House, setting: &str) -> anyhow::Result<()> {
    let mut operator = operator(house).await?;
    sqlx::query("set default_transaction_read_only = off").execute(&mut operator).await?;
    let database: String =
        sqlx::query_scalar("select current_database()").fetch_one(&mut operator).await?;
    let sql = format!("alter database {database} set {setting}");
    sqlx::query(AssertSqlSafe(sql)).execute(&mut operator).await?;
    Ok(())
}

/// One connection, as a projector on Lambda has.
async fn one_connection(house: &mut House) -> anyhow::Result<()> {
    let options = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(5));
    house.connect(options.connect(&house.url).await?);
    Ok(())
}

async fn comes_right(house: &House) -> anyhow::Result<()> {
    house.deliver(vec![lit("a", 1), lit("a", 2)]).await?;
    assert_eq!(house.times_lit("a").await?, Some(2));
    assert_eq!(house.quarantined().await?, []);
    Ok(())
}

#[tokio::test]
async fn after_a_failover_a_session_with_the_former_writer_is_given_up() -> anyhow::Result<()> {
    let mut house = House::new().await?;
    house.deliver(vec![lit("a", 1)]).await?;
    set(&house, "default_transaction_read_only = on").await?;
    one_connection(&mut house).await?; // to a server that only reads by now
    set(&house, "default_transaction_read_only = off").await?; // the name leads to the new writer
    let refused = house.deliver(vec![lit("a", 2)]).await.expect_err("this session only reads");
    assert_eq!(code(&refused), "25006");
    comes_right(&house).await
}

#[tokio::test]
async fn a_statement_that_waits_too_long_for_a_lock_is_no_poison() -> anyhow::Result<()> {
    for (setting, expected) in
        [("lock_timeout = '20ms'", "55P03"), ("statement_timeout = '50ms'", "57014")]
    {
        let mut house = House::new().await?;
        house.deliver(vec![lit("a", 1)]).await?;
        set(&house, setting).await?;
        one_connection(&mut house).await?;
        let mut operator = operator(&house).await?;
        let mut in_the_way = operator.begin().await?;
        sqlx::query("lock table lamp").execute(&mut *in_the_way).await?;
        let refused = house.deliver(vec![lit("a", 2)]).await.expect_err("somebody is in the way");
        assert_eq!(code(&refused), expected);
        in_the_way.rollback().await?;
        comes_right(&house).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_session_that_an_administrator_ends_is_no_poison() -> anyhow::Result<()> {
    let mut house = House::new().await?;
    house.deliver(vec![lit("a", 1)]).await?;
    one_connection(&mut house).await?;
    let mut operator = operator(&house).await?;
    let mut in_the_way = operator.begin().await?;
    sqlx::query("lock table lamp").execute(&mut *in_the_way).await?;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname = current_database() and wait_event_type = 'Lock'";
    let ended = async {
        while sqlx::query(end).fetch_all(&mut *in_the_way).await?.is_empty() {
            // what a transaction sees of others' sessions stays as it was first seen
            sqlx::query("select pg_stat_clear_snapshot()").execute(&mut *in_the_way).await?;
        }
        in_the_way.rollback().await?;
        anyhow::Ok(())
    };
    let deadline = Duration::from_secs(20);
    let both = futures::future::join(house.deliver(vec![lit("a", 2)]), ended);
    let (refused, ended) = tokio::time::timeout(deadline, both).await?;
    ended?;
    assert_eq!(code(&refused.expect_err("the session was ended")), "57P01");
    comes_right(&house).await
}

#[tokio::test]
async fn a_database_without_room_for_a_connection_is_no_poison() -> anyhow::Result<()> {
    let mut house = House::new().await?;
    house.deliver(vec![lit("a", 1)]).await?;
    let mut operator = operator(&house).await?;
    let user = format!("crowd_{}", std::process::id());
    let grant = format!(
        "create role {user} login password 'x' connection limit 0; \
         grant all on all tables in schema public to {user}"
    );
    sqlx::raw_sql(AssertSqlSafe(grant)).execute(&mut operator).await?;
    let options = house.pool.connect_options().as_ref().clone().username(&user).password("x");
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_millis(300));
    let crowded: PgPool = pool.connect_lazy_with(options);
    house.connect(crowded);
    let refused = house.deliver(vec![lit("a", 2)]).await.expect_err("there is no room");
    // sqlx tries again after a 53300, until the pool has no more patience
    assert!(matches!(refused, ApplyError::Database(sqlx::Error::PoolTimedOut)), "{refused}");
    let room = format!("alter role {user} connection limit 1");
    sqlx::raw_sql(AssertSqlSafe(room)).execute(&mut operator).await?;
    comes_right(&house).await?;
    house.pool.close().await;
    let gone = format!("drop owned by {user}; drop role {user}");
    sqlx::raw_sql(AssertSqlSafe(gone)).execute(&mut operator).await?;
    Ok(())
}
