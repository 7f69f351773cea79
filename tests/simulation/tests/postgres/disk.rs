//! A full disk (53100): the batch comes again, and comes through once there is room.

use std::time::Duration;

use anyhow::{Context, ensure};
use local_postgres::Server;
use ordering_views::ApplyError;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::Instant;

use crate::{kill, load::Load, small_disk::SmallDisk};

const DISK_FULL: &str = "53100";

/// How long a server may need to notice that it is well again.
const RECOVERY: Duration = Duration::from_secs(60);

/// What the database said, if it was the database that spoke.
fn code(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<ApplyError>()? {
        ApplyError::Database(error) => Some(error.as_database_error()?.code()?.into_owned()),
        ApplyError::Source(_) | ApplyError::Row(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_grow_parks_nothing() -> anyhow::Result<()> {
    let name = "disk::a_table_that_cannot_grow_parks_nothing";
    let Some(disk) = SmallDisk::mount(name, 48)? else { return Ok(()) };
    let folder = kill::folder()?;
    let server = Server::start(folder.path().join("data")).await?;
    let space = disk.folder("space")?;
    let mut operator = PgConnection::connect(&server.url("postgres")).await?;
    let create = format!("create tablespace small location '{}'", space.display());
    sqlx::query(AssertSqlSafe(create)).execute(&mut operator).await?;
    sqlx::query("create database shop tablespace small").execute(&mut operator).await?;
    let load = Load::on(server.url("shop").parse()?, 1200).await?;

    let ballast = disk.fill(256 << 10)?;
    let mut refused = 0;
    for batch in load.batches() {
        if let Err(error) = load.apply(batch).await {
            ensure!(code(&error).as_deref() == Some(DISK_FULL), "{error:?}");
            refused += 1;
        }
        if refused == 5 {
            break;
        }
    }
    ensure!(refused == 5, "the disk was not full");
    drop(ballast);
    load.deliver().await?;
    load.check().await?;
    server.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_write_its_log_parks_nothing() -> anyhow::Result<()> {
    let name = "disk::a_server_that_cannot_write_its_log_parks_nothing";
    let Some(disk) = SmallDisk::mount(name, 160)? else { return Ok(()) };
    let mut server = Server::start(disk.folder("data")?).await?;
    server.create_database("shop").await?;
    let load = Load::on(server.url("shop").parse()?, 600).await?;

    let ballast = disk.fill(0)?;
    exhaust_the_log(&server).await?;
    let batch = load.batches().next().context("there is a first batch")?;
    let failed = load.apply(batch).await.expect_err("a commit needs the log");
    println!("without room for the log: {failed:#}");
    drop(ballast);
    come_back(&mut server).await?;
    load.deliver().await?;
    load.check().await?;
    server.stop().await;
    Ok(())
}

/// Begins new segments of the log until there is no room for one: then the server panics, starts
/// anew by itself, and ends when it cannot replay.
async fn exhaust_the_log(server: &Server) -> anyhow::Result<()> {
    let options: PgConnectOptions = server.url("postgres").parse()?;
    let deadline = Instant::now() + RECOVERY;
    while let Ok(mut operator) = PgConnection::connect_with(&options).await {
        ensure!(Instant::now() < deadline, "the log always finds room");
        let sql = "select pg_logical_emit_message(true, 'room', repeat('x', 1000000)), \
                   pg_switch_wal()";
        while sqlx::query(sql).execute(&mut operator).await.is_ok() {
            ensure!(Instant::now() < deadline, "the log always finds room");
        }
    }
    Ok(())
}

/// Waits until the server takes connections, and starts it where it gave up.
async fn come_back(server: &mut Server) -> anyhow::Result<()> {
    let deadline = Instant::now() + RECOVERY;
    while let Err(error) = PgConnection::connect(&server.url("postgres")).await {
        ensure!(Instant::now() < deadline, "the server does not come back: {error}");
        if server.has_ended() {
            server.start_again().await?;
        }
    }
    Ok(())
}
