//! The token that stands in for a password.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;

/// What RDS gives a token.
const GOOD_FOR: Duration = Duration::from_secs(15 * 60);

/// Signs tokens for one user of one database server.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Where the server is.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// The server's region.
    pub region: String,
    /// Whose role may log in as that user: its policy allows `rds-db:connect`.
    pub credentials: SharedCredentialsProvider,
}

/// A token that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// There are no credentials to sign with.
    #[error("there are no credentials to sign with: {0}")]
    Credentials(#[from] aws_credential_types::provider::error::CredentialsError),
    /// The server's name makes no URL.
    #[error("{host} makes no URL to sign: {detail}")]
    Host {
        /// The name.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl Signer {
    /// A token that is good for 15 minutes from `now`.
    ///
    /// It is the pre-signed URL of a request that is never sent, without its scheme ("IAM database
    /// authentication" in the Aurora User Guide).
    ///
    /// # Errors
    /// When there are no credentials, or the host is none.
    pub async fn token(&self, now: SystemTime) -> Result<String, SignError> {
        let identity = self.credentials.provide_credentials().await?.into();
        let url =
            format!("https://{}:{}/?Action=connect&DBUser={}", self.host, self.port, self.user);
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(GOOD_FOR);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("rds-db")
            .time(now)
            .settings(settings)
            .build()
            .map_err(|error| self.refuse(error))?
            .into();
        let request =
            SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))
                .map_err(|error| self.refuse(error))?;
        let signed = sign(request, &parameters).map_err(|error| self.refuse(error))?;
        let mut request = http::Request::get(&url).body(()).map_err(|error| self.refuse(error))?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        let url = request.uri().to_string();
        Ok(url.trim_start_matches("https://").to_owned())
    }

    fn refuse(&self, error: impl std::fmt::Display) -> SignError {
        SignError::Host { host: self.host.clone(), detail: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_credential_types::Credentials;

    use super::*;

    /// What botocore's `generate_db_auth_token` answered on 2026-11-21 at 08:08:03 UTC.
    const OF_BOTOCORE: &str = "millrace.cluster-abc.eu-central-1.rds.amazonaws.com:5432/\
        ?Action=connect&DBUser=millrace_reader&X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Feu-central-1%2Frds-db%2Faws4_request\
        &X-Amz-Date=20261121T080803Z&X-Amz-SignedHeaders=host&X-Amz-Expires=900\
        &X-Amz-Security-Token=session%2Btoken%2F%3D\
        &X-Amz-Signature=e9f4024fe60b79fda2200d62f9944e3db04c05c799e737b15b9d842e0b5ec7a0";

    fn signer(host: &str) -> Signer {
        let key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let session = Some("session+token/=".to_owned());
        let credentials = Credentials::new("AKIDEXAMPLE", key, session, None, "test");
        Signer {
            host: host.to_owned(),
            port: 5432,
            user: "millrace_reader".to_owned(),
            region: "eu-central-1".to_owned(),
            credentials: SharedCredentialsProvider::new(credentials),
        }
    }

    #[tokio::test]
    async fn a_token_is_the_one_that_awss_own_library_makes() {
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_248_483);
        let signer = signer("millrace.cluster-abc.eu-central-1.rds.amazonaws.com");
        let token = signer.token(then).await.unwrap();
        let parts = |token: &str| -> BTreeSet<String> {
            token.split(['?', '&']).map(str::to_owned).collect()
        };
        assert_eq!(parts(&token), parts(OF_BOTOCORE));
    }

    #[tokio::test]
    async fn a_host_that_makes_no_url_is_refused_by_name() {
        let refusal = signer("no host").token(SystemTime::UNIX_EPOCH).await.unwrap_err();
        assert!(refusal.to_string().starts_with("no host makes no URL"), "{refusal}");
    }
}
