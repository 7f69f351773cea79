//! A server from start to stop.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use tokio::task::spawn_blocking;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::cluster::{self, Durability, USER};
use crate::home::Home;
use crate::postmaster::Postmaster;
use crate::throwaway;

/// A server that was killed replays its log before it takes connections; longer than this is a fault.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// Between two looks whether the server takes connections.
const LOOK: Duration = Duration::from_millis(20);

/// A port that was free may be taken by the time the server binds it.
const PORT_ATTEMPTS: usize = 5;

/// A PostgreSQL on a free port of 127.0.0.1, owned by this process.
///
/// It ends with its owner: [`Server::stop`] writes a checkpoint, dropping it does not, and when
/// the owner is killed the kernel tells the server. Whichever it was, the next start on the same
/// folder has every commit.
#[derive(Debug)]
pub struct Server {
    // In this order when dropped: the process, the lock of its folder, the folder.
    postmaster: Postmaster,
    port: u16,
    password: String,
    site: Arc<Site>,
}

/// What a server needs to be started, and started again.
#[derive(Debug)]
struct Site {
    binaries: Binaries,
    account: Account,
    durability: Durability,
    home: Home,
    scratch: Option<throwaway::Scratch>,
}

impl Server {
    /// Starts a server on the cluster in `data_dir`, which is made when it is not there.
    ///
    /// Run by root, the server runs as uid 65534 and `data_dir` is given to that uid; when a
    /// folder above is closed to it, the cluster lies under `/var/tmp` and a file `moved-to` in
    /// `data_dir` says where. Deleting `data_dir` deletes the data in both cases.
    ///
    /// # Errors
    /// When no server is installed or can be fetched, another process owns `data_dir`, another
    /// major version made the cluster, or the server does not come up within two minutes.
    pub async fn start(data_dir: impl Into<PathBuf>) -> Result<Self> {
        Self::boot(data_dir.into(), Durability::Kept, None).await
    }

    /// Starts a server whose data is deleted when it is dropped, kept in memory where there is room.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn throwaway() -> Result<Self> {
        let scratch = throwaway::Scratch::make()?;
        Self::boot(scratch.path().join("postgres"), Durability::Throwaway, Some(scratch)).await
    }

    async fn boot(
        data_dir: PathBuf,
        durability: Durability,
        scratch: Option<throwaway::Scratch>,
    ) -> Result<Self> {
        let account = Account::for_server();
        let (site, password) = spawn_blocking(move || {
            let binaries = Binaries::find(account)?;
            let home = Home::open(&data_dir, account)?;
            let password = cluster::prepare(&home, &binaries, account, durability)?;
            anyhow::Ok((Site { binaries, account, durability, home, scratch }, password))
        })
        .await
        .context("preparing PostgreSQL was aborted")??;

        for _ in 0..PORT_ATTEMPTS {
            let port = free_port()?;
            let log_from = site.log_length();
            match site.run(port, &password).await {
                Ok(postmaster) => {
                    return Ok(Self { postmaster, port, password, site: Arc::new(site) });
                }
                Err(failure) => {
                    let said = log_since(&site.home.log_file(), log_from);
                    ensure!(
                        said.contains("Address already in use"),
                        failure.context(format!("PostgreSQL said:\n{said}"))
                    );
                }
            }
        }
        bail!("no free port for PostgreSQL in {PORT_ATTEMPTS} attempts")
    }

    /// `kill -9` of the server process, as the kernel does it when memory runs out. No commit is
    /// lost by it, but those that a throwaway server had not written yet.
    pub async fn kill_9(&mut self) {
        self.postmaster.kill_9().await;
    }

    /// Whether the server process has ended, by whatever.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.postmaster.ended().is_some()
    }

    /// Starts the server again after it was killed or ended by itself, under the same URL.
    ///
    /// # Errors
    /// When it does not come up within two minutes, or its port was taken meanwhile.
    pub async fn start_again(&mut self) -> Result<()> {
        let site = self.site.clone();
        let cleared = spawn_blocking(move || {
            cluster::clear_last_run(&site.home.cluster(), &site.binaries, site.account)
        });
        cleared.await.context("clearing up was aborted")??;
        let log_from = self.site.log_length();
        self.postmaster = self.site.run(self.port, &self.password).await.with_context(|| {
            format!("PostgreSQL said:\n{}", log_since(&self.site.home.log_file(), log_from))
        })?;
        Ok(())
    }

    /// The same over a Unix socket, which only a throwaway server has, without a password. sqlx
    /// leaves Nagle's algorithm on, so that several small packets in a row wait for each other over
    /// TCP; here they do not.
    #[must_use]
    pub fn socket_url(&self, database: &str) -> String {
        let folder = self.site.home.cluster().display().to_string().replace('/', "%2F");
        self.url(database).replace("127.0.0.1", &folder)
    }

    /// The URL of a database as the superuser, whether it exists or not.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        url(&self.password, self.port, database)
    }

    /// Lets `role`, which is there (a to z, digits, `_`), log in with the server's own password, and
    /// returns the URL of a database as that role.
    ///
    /// # Errors
    /// On another name, when there is no such role, or when the server is gone.
    pub async fn admit(&self, role: &str, database: &str) -> Result<String> {
        ensure!(is_plain(role), "`{role}` is no plain role name");
        let options: PgConnectOptions = self.url(USER).parse()?;
        let mut connection = options.disable_statement_logging().connect().await?;
        let statement = format!("alter role {role} login password '{}'", self.password);
        let admitted = connection.execute(AssertSqlSafe(statement)).await;
        admitted.with_context(|| format!("letting {role} log in"))?;
        connection.close().await.context("closing the connection")?;
        Ok(self.url(database).replace(&format!("//{USER}:"), &format!("//{role}:")))
    }

    /// Creates `database` (a to z, digits, `_`) unless it is there; whether it was made.
    ///
    /// # Errors
    /// On another name, or when the server is gone.
    pub async fn create_database(&self, database: &str) -> Result<bool> {
        create_database(&self.url(USER), database).await
    }

    /// Ends all sessions, writes a checkpoint, and returns when the process is gone.
    pub async fn stop(self) {
        let Self { postmaster, site: _site, .. } = self;
        postmaster.stop().await;
    }
}

impl Site {
    /// Starts the server on a port, and waits until it takes connections.
    async fn run(&self, port: u16, password: &str) -> Result<Postmaster> {
        let mut command = self.account.command(&self.binaries.program("postgres"));
        command.arg("-D").arg(self.home.cluster());
        // A socket's path has at most 107 bytes, which a folder of the user's may exceed.
        let sockets = self.scratch.as_ref().map(|_| self.home.cluster().display().to_string());
        let sockets = format!("unix_socket_directories={}", sockets.unwrap_or_default());
        let fixed = [
            "listen_addresses=127.0.0.1",
            &sockets,
            "timezone=UTC",
            "log_timezone=UTC",
            "max_connections=200",
        ];
        for setting in fixed.iter().chain(self.durability.settings()) {
            command.args(["-c", setting]);
        }
        command.args(["-c", &format!("port={port}")]);
        let postmaster = Postmaster::spawn(command, &self.home.log_file())?;
        wait_until_ready(&postmaster, &url(password, port, USER)).await?;
        Ok(postmaster)
    }

    fn log_length(&self) -> u64 {
        fs::metadata(self.home.log_file()).map_or(0, |meta| meta.len())
    }
}

/// Creates `database` in the server that `url` names, unless it is there; whether it was made.
pub(crate) async fn create_database(url: &str, database: &str) -> Result<bool> {
    ensure!(is_plain(database), "`{database}` is no plain database name");
    let mut connection =
        PgConnection::connect(url).await.context("connecting to create a database")?;
    let there: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(database)
            .fetch_one(&mut connection)
            .await?;
    if !there {
        sqlx::query(AssertSqlSafe(format!("create database {database}")))
            .execute(&mut connection)
            .await
            .with_context(|| format!("creating database {database}"))?;
    }
    connection.close().await.context("closing the connection")?;
    Ok(!there)
}

/// A name that needs no quotes, so that it can stand in a statement.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn url(password: &str, port: u16, database: &str) -> String {
    format!("postgres://{USER}:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
}

fn free_port() -> Result<u16> {
    let probe = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(probe.context("looking for a free port")?.port())
}

async fn wait_until_ready(postmaster: &Postmaster, url: &str) -> Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        let refusal = match PgConnection::connect(url).await {
            Ok(connection) => {
                return connection.close().await.context("closing the first connection");
            }
            Err(refusal) => refusal,
        };
        if let Some(status) = postmaster.ended() {
            return Err(anyhow!("PostgreSQL ended while starting ({status})"));
        }
        ensure!(
            Instant::now() < deadline,
            "PostgreSQL takes no connection after {READY_WITHIN:?}: {refusal}"
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// What the log says from byte `from` on.
fn log_since(path: &Path, from: u64) -> String {
    let log = fs::read(path).unwrap_or_default();
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(log.len());
    String::from_utf8_lossy(&log[from..]).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_server_that_outlived_its_owner_gives_way_to_the_next_one() -> Result<()> {
        let account = Account::for_server();
        let binaries = Binaries::find(account)?;
        let scratch = throwaway::Scratch::make()?;
        let data_dir = scratch.path().join("postgres");
        Server::start(&data_dir).await?.stop().await;

        let cluster = Home::open(&data_dir, account)?.cluster();
        let mut orphan = account.command(&binaries.program("pg_ctl"));
        orphan.args(["start", "--wait", "--silent", "--log=/dev/null", "--pgdata"]).arg(&cluster);
        let port = free_port()?;
        orphan.arg("--options").arg(format!(
            "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c port={port}"
        ));
        ensure!(orphan.status()?.success());

        let server = Server::start(&data_dir).await?;
        let to_orphan = PgConnection::connect(&url(&server.password, port, USER)).await;
        ensure!(server.port == port || to_orphan.is_err(), "the orphan still runs");
        server.stop().await;
        Ok(())
    }

    #[tokio::test]
    async fn a_database_name_never_becomes_sql() {
        let refusal = create_database("postgres://nowhere", "a; drop table x")
            .await
            .expect_err("it is no name");
        assert_eq!(refusal.to_string(), "`a; drop table x` is no plain database name");
    }

    #[tokio::test]
    async fn a_closed_folder_above_the_data_does_not_stop_a_start() -> Result<()> {
        let closed =
            tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir()?;
        let data_dir = closed.path().join("postgres");
        let server = Server::start(&data_dir).await?;
        server.create_database("notes").await?;
        let cluster = server.site.home.cluster();
        server.stop().await;
        if Account::for_server() == Account::Nobody {
            let elsewhere = cluster.parent().context("a cluster lies in a home")?;
            ensure!(elsewhere.starts_with("/var/tmp"), "{}", elsewhere.display());
            fs::remove_dir_all(elsewhere)?;
        }
        Ok(())
    }
}
