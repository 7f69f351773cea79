//! The schema of the read model, as of this build.

use std::borrow::Cow;
use std::time::Duration;

use database::{Database, SignError};
use ordering_views::MIGRATOR;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

/// Between two attempts at a database that is starting, resuming from a pause, or busy.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(2);

/// A change of a table that waits for a long query makes everybody else wait behind it: rather
/// step back and try again.
const GIVE_WAY: &str = "set lock_timeout = '5s'";

/// lock_not_available
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// The tables and rights that this build needs.
#[derive(Debug)]
pub struct Schema {
    database: Database,
    migrator: Migrator,
}

/// The schema is not what this build needs.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database could not be reached in time.
    #[error("the database was not there in time: {0}")]
    Away(String),
    /// A migration failed, and nothing of it is left.
    #[error(transparent)]
    Migration(#[from] MigrateError),
    /// There was nothing to log in with.
    #[error(transparent)]
    Login(#[from] SignError),
}

impl Schema {
    pub(crate) fn new(database: Database) -> Self {
        Self::of(database, Cow::Borrowed(&MIGRATOR.migrations))
    }

    fn of(database: Database, migrations: Cow<'static, [sqlx::migrate::Migration]>) -> Self {
        let mut migrator = Migrator { migrations, ..Migrator::DEFAULT };
        // On the way back from a failed deployment the database is ahead of the code. By expand,
        // then contract, the code can live with that, and here it says so.
        migrator.set_ignore_missing(true);
        Self { database, migrator }
    }

    /// Applies what is not applied yet, each migration in a transaction of its own. One deployment
    /// at a time: an advisory lock makes a second one wait, and then find nothing left to do.
    ///
    /// # Errors
    /// When a migration fails, or the database is away or busy until `deadline`.
    pub async fn bring_up_to_date(&self, deadline: Instant) -> Result<(), SchemaError> {
        loop {
            let attempt = timeout_at(deadline, self.attempt()).await;
            let refusal = match attempt {
                Ok(Err(error)) if may_pass(&error) => error.to_string(),
                Ok(settled) => return settled,
                Err(_) => return Err(SchemaError::Away("the last attempt was cut off".to_owned())),
            };
            if Instant::now() + BETWEEN_ATTEMPTS >= deadline {
                return Err(SchemaError::Away(refusal));
            }
            warn!(refusal, "the database is not ready; trying again");
            sleep(BETWEEN_ATTEMPTS).await;
        }
    }

    /// On a connection of its own that ends with the attempt: a lock that a failed one holds must
    /// not wait in a pool.
    async fn attempt(&self) -> Result<(), SchemaError> {
        let options = self.database.connect_options().await?;
        let mut connection: PgConnection = options.connect().await.map_err(MigrateError::from)?;
        let migrated = async {
            connection.execute(GIVE_WAY).await?;
            self.migrator.run_direct(None, &mut connection, false).await
        };
        let migrated = migrated.await;
        let closed = connection.close().await;
        migrated?;
        Ok(closed.map_err(MigrateError::from)?)
    }
}

/// Whether another attempt can turn out otherwise: a database that is starting or resuming, and a
/// lock that somebody holds.
fn may_pass(error: &SchemaError) -> bool {
    let cause = match error {
        SchemaError::Migration(
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _),
        ) => cause,
        SchemaError::Migration(_) | SchemaError::Away(_) | SchemaError::Login(_) => return false,
    };
    if let sqlx::Error::Database(error) = cause {
        // 57P03 is cannot_connect_now, class 08 are lost connections
        return error.code().is_some_and(|code| {
            code == LOCK_NOT_AVAILABLE || code == "57P03" || code.starts_with("08")
        });
    }
    matches!(cause, sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_))
}
