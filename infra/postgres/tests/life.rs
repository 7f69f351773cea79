//! The server's life, and what survives the ways it can end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use local_postgres::{Server, test_database};
use sqlx::{Connection, Executor, PgConnection};

const DEADLINE: Duration = Duration::from_secs(30);

async fn note(server: &Server, sql: &'static str) -> Result<()> {
    server.create_database("notes").await?;
    let mut connection = PgConnection::connect(&server.url("notes")).await?;
    connection.execute(sql).await?;
    Ok(connection.close().await?)
}

async fn notes(server: &Server) -> Result<Vec<String>> {
    let mut connection = PgConnection::connect(&server.url("notes")).await?;
    Ok(sqlx::query_scalar("select text from note order by text").fetch_all(&mut connection).await?)
}

/// The pid of the server itself, as it wrote it down.
fn server_pid(data_dir: &Path) -> Result<rustix::process::Pid> {
    let moved = std::fs::read_to_string(data_dir.join("moved-to")).ok();
    let home = moved.as_deref().map_or(data_dir, Path::new);
    let file = std::fs::read_to_string(home.join("cluster/postmaster.pid"))?;
    let pid = file
        .lines()
        .next()
        .and_then(|line| line.parse().ok())
        .and_then(rustix::process::Pid::from_raw);
    pid.context("postmaster.pid names no process")
}

#[tokio::test]
async fn what_was_committed_survives_a_kill_of_the_server() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data_dir = folder.path().join("postgres");
    let server = Server::start(&data_dir).await?;
    note(&server, "create table note (text text); insert into note values ('kept')").await?;

    rustix::process::kill_process(server_pid(&data_dir)?, rustix::process::Signal::KILL)?;
    drop(server);

    let server = Server::start(&data_dir).await?;
    ensure!(notes(&server).await? == ["kept"]);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_a_killed_server_left_behind_ends_before_the_next_start() -> Result<()> {
    let mut server = Server::throwaway().await?;
    let mut busy = PgConnection::connect(&server.url("postgres")).await?;
    let process: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut busy).await?;
    // It never waits, so it never notices that it is an orphan.
    let busy = tokio::spawn(async move { busy.execute("do 'begin loop end loop; end'").await });
    let mut other = PgConnection::connect(&server.url("postgres")).await?;
    let active = "select exists (select from pg_stat_activity where pid = $1 and state = 'active')";
    let deadline = Instant::now() + DEADLINE;
    while !sqlx::query_scalar(active).bind(process).fetch_one(&mut other).await? {
        ensure!(Instant::now() < deadline, "the session never begins");
    }

    server.kill_9().await;
    let at_work = || std::fs::read_link(format!("/proc/{process}/cwd")).is_ok();
    ensure!(at_work(), "it outlives the server");
    server.start_again().await?;
    ensure!(!at_work(), "two servers on one cluster");
    ensure!(busy.await?.is_err(), "its work is lost");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_folder_has_one_owner_and_the_next_one_finds_the_data() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data_dir = folder.path().join("postgres");
    let server = Server::start(&data_dir).await?;
    let refusal = Server::start(&data_dir).await.err().context("a second owner was let in")?;
    ensure!(format!("{refusal:#}").contains("is in use by another process"), "{refusal:#}");

    note(&server, "create table note (text text); insert into note values ('kept')").await?;
    server.stop().await;
    let server = Server::start(&data_dir).await?;
    ensure!(notes(&server).await? == ["kept"]);
    Ok(())
}

#[tokio::test]
async fn a_left_over_pid_file_that_names_a_stranger_does_not_stop_a_start() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data_dir = folder.path().join("postgres");
    Server::start(&data_dir).await?.stop().await;
    let moved = std::fs::read_to_string(data_dir.join("moved-to")).ok();
    let cluster = moved.as_deref().map_or(data_dir.as_path(), Path::new).join("cluster");
    std::fs::write(
        cluster.join("postmaster.pid"),
        format!("{}\n{}\n", std::process::id(), cluster.display()),
    )?;

    Server::start(&data_dir).await?.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_server_ends_when_its_owner_is_killed() -> Result<()> {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_with-postgres"))
        .args(["sh", "-c", "echo $TEST_POSTGRES_URL; cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut url = String::new();
    BufReader::new(owner.stdout.take().context("stdout is piped")?).read_line(&mut url)?;
    PgConnection::connect(url.trim()).await?.close().await?;

    owner.kill()?;
    owner.wait()?;
    let deadline = Instant::now() + DEADLINE;
    while PgConnection::connect(url.trim()).await.is_ok() {
        ensure!(Instant::now() < deadline, "the server outlives its owner");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[test]
fn a_command_runs_beside_a_server_and_its_status_is_passed_on() -> Result<()> {
    let status = Command::new(env!("CARGO_BIN_EXE_with-postgres"))
        .args(["sh", "-c", "test -n \"$TEST_POSTGRES_URL\" && exit 7"])
        .status()?;
    ensure!(status.code() == Some(7), "{status}");
    Ok(())
}

#[tokio::test]
async fn two_tests_never_share_a_database() -> Result<()> {
    let (one, other) = (test_database().await?, test_database().await?);
    ensure!(one.url != other.url);
    let mut connection = PgConnection::connect(&one.url).await?;
    let locale: (String, String) =
        sqlx::query_as("select current_setting('server_encoding'), current_setting('timezone')")
            .fetch_one(&mut connection)
            .await?;
    ensure!(locale == ("UTF8".to_owned(), "UTC".to_owned()), "{locale:?}");
    Ok(())
}
