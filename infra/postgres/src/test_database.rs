//! A database for one test.

use std::env;
use std::fs;
use std::process;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::server::{Server, create_database};

/// Names a server to make test databases in: the URL of a superuser, to any database of it.
/// `with-postgres` sets it for a whole run.
pub const TEST_POSTGRES_URL: &str = "TEST_POSTGRES_URL";

/// Where the servers of this crate listen.
const LOOPBACK: &str = "127.0.0.1";

/// An empty database that no other test sees; it goes when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    /// Where to connect, as its owner.
    pub url: String,
    lifetime: Lifetime,
}

#[derive(Debug)]
enum Lifetime {
    /// With the server, which is this test's own.
    OfServer(#[expect(dead_code, reason = "held for its drop")] Box<Server>),
    /// Until it is dropped from the server at `url`.
    Shared { url: String, name: String },
}

/// Makes an empty database: in the server that [`TEST_POSTGRES_URL`] names, else in a throwaway
/// server of its own, which takes about a second.
///
/// # Errors
/// When there is no server to be had, or the one that is named does not answer.
pub async fn test_database() -> Result<TestDatabase> {
    let name = unique_name();
    if let Ok(url) = env::var(TEST_POSTGRES_URL) {
        create_database(&url, &name)
            .await
            .with_context(|| format!("in the server of {TEST_POSTGRES_URL}"))?;
        return Ok(TestDatabase {
            url: in_database(&url, &name),
            lifetime: Lifetime::Shared { url, name },
        });
    }
    let server = Server::throwaway().await?;
    server.create_database(&name).await?;
    Ok(TestDatabase { url: server.url(&name), lifetime: Lifetime::OfServer(Box::new(server)) })
}

impl TestDatabase {
    /// The same over the server's socket, where it has one that is in reach. A throwaway server
    /// asks for no password there, which a debug build takes 60 ms to hash: for tests that connect
    /// again and again.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn socket_url(&self) -> Result<String> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let sql = "select current_setting('unix_socket_directories')";
        let folder: String = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
        connection.close().await?;
        let in_reach = fs::read_dir(&folder).is_ok() && self.url.contains(LOOPBACK);
        let host = if in_reach { folder.replace('/', "%2F") } else { LOOPBACK.to_owned() };
        Ok(self.url.replace(LOOPBACK, &host))
    }
}

fn unique_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("test_{}_{now}", process::id())
}

/// The same URL with another database.
fn in_database(url: &str, database: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let host_from = address.find("://").map_or(0, |scheme| scheme + 3);
    let host_to = address[host_from..].find('/').map_or(address.len(), |slash| host_from + slash);
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{}/{database}{separator}{query}", &address[..host_to])
}

impl Drop for TestDatabase {
    /// Best effort: the server is thrown away after the run.
    fn drop(&mut self) {
        let Lifetime::Shared { url, name } = &self.lifetime else { return };
        let (url, name) = (url.clone(), name.clone());
        // A thread, because a drop may happen inside a runtime, which must not be blocked on.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(drop_database(&url, &name))
        });
        if let Ok(Err(failure)) = dropped.join() {
            tracing::debug!("a test database stays behind: {failure:#}");
        }
    }
}

async fn drop_database(url: &str, name: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_changes() {
        for (url, expected) in [
            ("postgres://u:p@h:1/postgres?sslmode=disable", "postgres://u:p@h:1/t?sslmode=disable"),
            ("postgres://u@h/postgres", "postgres://u@h/t"),
            ("postgres://h", "postgres://h/t"),
        ] {
            assert_eq!(in_database(url, "t"), expected);
        }
    }
}
