//! What a function is told about its database.

use std::env;
use std::time::SystemTime;

use aws_config::SdkConfig;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};

use crate::{Sessions, SignError, Signer};

/// The authorities that sign the certificates of RDS, see `rds-ca/README.md`.
const RDS_AUTHORITIES: &[u8] = include_bytes!("../rds-ca/global.pem");

/// A database, and the way in.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) options: PgConnectOptions,
    pub(crate) signer: Option<Signer>,
}

/// The environment names no database.
#[derive(Debug, thiserror::Error)]
pub enum BadEnvironment {
    /// A variable is missing, or is none of its kind.
    #[error("the environment variable {name}: {detail}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// There is something to sign for, and nothing to sign with.
    #[error("the environment has no AWS {0}")]
    Aws(&'static str),
}

impl Database {
    /// The database that the environment names: by `DATABASE_URL`, or else by `DATABASE_HOST`,
    /// `DATABASE_PORT` (5432), `DATABASE_NAME` and `DATABASE_USER`, who logs in with a token
    /// that is signed with the credentials of `config`, over TLS that is verified in full.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_environment(config: &SdkConfig) -> Result<Self, BadEnvironment> {
        Self::from_variables(config, |name| env::var(name).ok())
    }

    fn from_variables(
        config: &SdkConfig,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, BadEnvironment> {
        if let Some(url) = variable("DATABASE_URL") {
            return Self::at(&url).map_err(|error| wrong("DATABASE_URL", error));
        }
        let needed = |name| variable(name).ok_or_else(|| wrong(name, "it is not set"));
        let region = config.region().ok_or(BadEnvironment::Aws("region"))?;
        let port = variable("DATABASE_PORT").map_or(Ok(5432), |port| port.parse());
        let signer = Signer {
            host: needed("DATABASE_HOST")?,
            port: port.map_err(|error| wrong("DATABASE_PORT", error))?,
            user: needed("DATABASE_USER")?,
            region: region.to_string(),
            credentials: config.credentials_provider().ok_or(BadEnvironment::Aws("credentials"))?,
        };
        let options = PgConnectOptions::new_without_pgpass()
            .host(&signer.host)
            .port(signer.port)
            .username(&signer.user)
            .database(&needed("DATABASE_NAME")?)
            // `Require` would take any certificate
            .ssl_mode(PgSslMode::VerifyFull)
            .ssl_root_cert_from_pem(RDS_AUTHORITIES.to_vec());
        Ok(Self { options, signer: Some(signer) })
    }

    /// The database that a URL names, as whoever it names.
    ///
    /// # Errors
    /// When it is none of Postgres.
    pub fn at(url: &str) -> Result<Self, sqlx::Error> {
        Ok(Self { options: url.parse()?, signer: None })
    }

    /// How to connect from now on for a while: with a fresh token, if it takes one.
    ///
    /// # Errors
    /// When there is nothing to sign with.
    pub async fn connect_options(&self) -> Result<PgConnectOptions, SignError> {
        Ok(match &self.signer {
            Some(signer) => self.options.clone().password(&signer.token(SystemTime::now()).await?),
            None => self.options.clone(),
        })
    }

    /// A pool that connects when it is first asked for a connection.
    #[must_use]
    pub fn sessions(self, settings: PgPoolOptions) -> Sessions {
        Sessions::new(self, settings)
    }
}

fn wrong(name: &'static str, detail: impl ToString) -> BadEnvironment {
    BadEnvironment::Variable { name, detail: detail.to_string() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use sha2::{Digest, Sha256};

    use super::*;

    const DEPLOYED: [(&str, &str); 3] = [
        ("DATABASE_HOST", "db.example.com"),
        ("DATABASE_NAME", "millrace"),
        ("DATABASE_USER", "millrace_reader"),
    ];

    fn read(variables: &[(&'static str, &str)]) -> Result<Database, BadEnvironment> {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        Database::from_variables(&config, |name| variables.get(name).map(|&value| value.to_owned()))
    }

    #[test]
    fn a_url_is_taken_as_it_is() {
        let database = read(&[("DATABASE_URL", "postgres://ann@localhost:1234/shop")]).unwrap();
        assert!(database.signer.is_none());
        assert_eq!(database.options.get_host(), "localhost");
    }

    #[test]
    fn in_an_account_the_certificate_is_verified_in_full() {
        let database = read(&DEPLOYED).unwrap();
        assert!(matches!(database.options.get_ssl_mode(), PgSslMode::VerifyFull));
        assert_eq!(database.options.get_username(), "millrace_reader");
        assert_eq!(database.options.get_port(), 5432);
    }

    #[test]
    fn what_is_missing_is_named() {
        for left_out in 0..DEPLOYED.len() {
            let mut variables = DEPLOYED.to_vec();
            let (name, _) = variables.remove(left_out);
            let refusal = read(&variables).unwrap_err().to_string();
            assert_eq!(refusal, format!("the environment variable {name}: it is not set"));
        }
    }

    #[test]
    fn the_authorities_are_those_that_were_looked_at() {
        let digest: String =
            Sha256::digest(RDS_AUTHORITIES).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, "26edf290f2d57ebbd5273fb9463b763497a47c14a4712d73ce47da8dc4ad57dc");
    }
}
