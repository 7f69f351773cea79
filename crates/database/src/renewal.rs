//! A pool whose next connection always has a token that is still good.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::Mutex;
use tracing::error;

use crate::Database;

/// A token is good for 15 minutes, and an invocation takes at most half a minute of them.
const RENEWED_AFTER: Duration = Duration::from_secs(10 * 60);

/// Connections to one database, shared by all that an instance of a function does.
///
/// No timer renews the token: while a sandbox is frozen none runs. [`Sessions::renew`] belongs at
/// the start of each invocation.
#[derive(Clone, Debug)]
pub struct Sessions {
    pool: PgPool,
    login: Arc<Login>,
}

#[derive(Debug)]
struct Login {
    database: Database,
    /// By the clock of the wall: a clock that counts from the start stands still in a frozen sandbox.
    signed_at: Mutex<Option<SystemTime>>,
}

impl Sessions {
    pub(crate) fn new(database: Database, settings: PgPoolOptions) -> Self {
        let pool = settings.connect_lazy_with(database.options.clone());
        Self { pool, login: Arc::new(Login { database, signed_at: Mutex::new(None) }) }
    }

    /// The pool. It connects only after the first [`Sessions::renew`].
    #[must_use]
    pub fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// Sees to it that a connection made during the next few minutes can log in.
    ///
    /// A token that could not be signed is logged: the connections that are there go on, and a new
    /// one is refused by the database and reported by who wanted it.
    pub async fn renew(&self) {
        self.renew_at(SystemTime::now()).await;
    }

    async fn renew_at(&self, now: SystemTime) {
        let Some(signer) = &self.login.database.signer else { return };
        let mut signed_at = self.login.signed_at.lock().await;
        // A clock that was set back makes an age an error: then nobody knows, so sign anew.
        let age = signed_at.and_then(|then| now.duration_since(then).ok());
        if age.is_some_and(|age| age < RENEWED_AFTER) {
            return;
        }
        match signer.token(now).await {
            Ok(token) => {
                self.pool.set_connect_options(self.login.database.options.clone().password(&token));
                *signed_at = Some(now);
            }
            Err(error) => error!(%error, "the database's token could not be renewed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use sqlx::{Connection, postgres::PgConnectOptions};

    use super::*;
    use crate::Signer;

    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_262_400)
    }

    fn sessions(options: PgConnectOptions) -> Sessions {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let signer = Signer {
            host: "db.example.com".to_owned(),
            port: 5432,
            user: "millrace_reader".to_owned(),
            region: "eu-central-1".to_owned(),
            credentials: SharedCredentialsProvider::new(credentials),
        };
        Database { options, signer: Some(signer) }.sessions(PgPoolOptions::new())
    }

    #[tokio::test]
    async fn a_token_is_renewed_when_it_is_ten_minutes_old() {
        let sessions = sessions(PgConnectOptions::new_without_pgpass());
        let at = |minutes: u64| noon() + Duration::from_secs(minutes * 60);
        for (now, expected) in [(0, 0), (9, 0), (10, 10), (19, 10), (20, 20)] {
            sessions.renew_at(at(now)).await;
            let signed_at = *sessions.login.signed_at.lock().await;
            assert_eq!(signed_at, Some(at(expected)), "after {now} minutes");
        }
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_makes_a_new_token() {
        let sessions = sessions(PgConnectOptions::new_without_pgpass());
        sessions.renew_at(noon()).await;
        let before = noon() - Duration::from_secs(3600);
        sessions.renew_at(before).await;
        assert_eq!(*sessions.login.signed_at.lock().await, Some(before));
    }

    /// The test's server asks for a password, and a token is not the right one.
    #[tokio::test]
    async fn a_new_connection_shows_the_token_as_its_password() {
        let server = local_postgres::test_database().await.unwrap();
        let sessions = sessions(server.url.parse().unwrap());
        let pool = sessions.pool();
        let mut before = pool.acquire().await.expect("the URL has the right password");
        sessions.renew().await;
        before.ping().await.expect("what is there goes on");
        let refusal = pool.acquire().await.expect_err("a token is no password");
        let code = refusal.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("28P01"), "{refusal}");
    }
}
