//! The local issuer of tokens: what an identity provider does in production.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::folder;

/// The `iss` of every local token.
pub const ISSUER: &str = "https://issuer.millrace.localhost";

/// The `aud` of every local token.
pub const AUDIENCE: &str = "millrace";

/// What a token may allow.
pub const SCOPES: [&str; 4] = ["shop", "staff", "analyst", "import"];

/// How long a token is good for, unless said otherwise.
pub const DAY: Duration = Duration::from_secs(86_400);

/// API Gateway's JWT authorizers take RSA signatures only.
const ALGORITHM: Algorithm = Algorithm::RS256;

/// A key that signs tokens, and checks them as API Gateway's JWT authorizer does.
pub struct Issuer {
    signing: EncodingKey,
    verifying: DecodingKey,
}

/// What a token says.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// Scopes with spaces between them.
    pub scope: &'a str,
    /// The customer that the bearer is.
    pub customer_id: Option<&'a str>,
    /// Who the bearer is, for the audit trail.
    pub subject: &'a str,
    /// How long it is good for.
    pub lifetime: Duration,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<&'a str>,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Issuer {
    /// Opens the issuer whose key is in `folder`; a missing key is made. A running stack needs
    /// not be stopped for it.
    ///
    /// # Errors
    /// When the key cannot be read or written, or is none.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join("issuer.pk8");
        if !path.exists() {
            let key = KeyPair::generate(KeySize::Rsa2048).context("making the issuer's key")?;
            folder::write_once(&path, key.as_der().context("encoding the issuer's key")?.as_ref())?;
        }
        let pkcs8 = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        Self::from_pkcs8(&pkcs8).with_context(|| format!("{} holds no RSA key", path.display()))
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Result<Self> {
        let pair = KeyPair::from_pkcs8(pkcs8)?;
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(pkcs8)
        );
        Ok(Self {
            signing: EncodingKey::from_rsa_pem(pem.as_bytes())?,
            verifying: DecodingKey::from_rsa_der(pair.public_key().as_ref()),
        })
    }

    /// Signs a token.
    ///
    /// # Errors
    /// When a scope is not one of [`SCOPES`].
    pub fn token(&self, grant: Grant<'_>) -> Result<String> {
        let unknown = grant.scope.split_whitespace().find(|scope| !SCOPES.contains(scope));
        ensure!(
            unknown.is_none(),
            "scope `{}` is unknown: there are {}",
            unknown.unwrap_or_default(),
            SCOPES.join(", ")
        );
        let now = chrono::Utc::now().timestamp();
        self.sign(&Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: grant.subject,
            scope: grant.scope,
            customer_id: grant.customer_id,
            iat: now,
            nbf: now,
            exp: now.saturating_add(grant.lifetime.as_secs().try_into().unwrap_or(i64::MAX)),
        })
    }

    fn sign(&self, claims: &impl Serialize) -> Result<String> {
        jsonwebtoken::encode(&Header::new(ALGORITHM), claims, &self.signing)
            .context("signing a token")
    }

    /// The claims of a token that this issuer signed for this audience and that is good now.
    pub(crate) fn claims(&self, token: &str) -> Option<Map<String, Value>> {
        let mut rules = Validation::new(ALGORITHM);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        rules.validate_nbf = true;
        rules.leeway = 0;
        jsonwebtoken::decode(token, &self.verifying, &rules).ok().map(|token| token.claims)
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    fn issuer() -> Issuer {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Issuer::open(folder.path()).expect("a key is made")
    }

    fn good() -> Value {
        let now = chrono::Utc::now().timestamp();
        json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "scope": "staff", "iat": now, "nbf": now, "exp": now + 60})
    }

    fn with(change: Value) -> Value {
        let mut claims = good();
        claims
            .as_object_mut()
            .into_iter()
            .for_each(|claims| claims.extend(change.as_object().cloned().unwrap_or_default()));
        claims
    }

    #[test]
    fn a_token_is_good_for_whoever_has_the_key_and_outlives_a_restart() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let before = Issuer::open(folder.path()).expect("a key is made");
        let grant = Grant { scope: "shop", customer_id: Some("c1"), subject: "c1", lifetime: DAY };
        let token = before.token(grant).expect("the scope is known");
        let claims = Issuer::open(folder.path())
            .expect("the key is there")
            .claims(&token)
            .expect("the token is good");
        assert_eq!((&claims["scope"], &claims["customer_id"]), (&json!("shop"), &json!("c1")));
    }

    #[test]
    fn a_token_that_is_old_early_or_for_somebody_else_is_refused() {
        let issuer = issuer();
        let now = chrono::Utc::now().timestamp();
        let good = issuer.sign(&good()).expect("it can be signed");
        assert!(issuer.claims(&good).is_some());
        for change in [
            json!({"exp": now - 1}),
            json!({"nbf": now + 60}),
            json!({"iss": "https://elsewhere"}),
            json!({"aud": "another"}),
            json!({"exp": null}),
        ] {
            let token = issuer.sign(&with(change.clone())).expect("it can be signed");
            assert!(issuer.claims(&token).is_none(), "{change}");
        }
    }

    #[test]
    fn a_token_that_nobody_signed_is_refused() {
        let issuer = issuer();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let unsigned =
            format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&good()));
        let shared_secret = jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            &good(),
            &EncodingKey::from_secret(b"guessed"),
        )
        .expect("it can be signed");
        let of_another = self::issuer().sign(&good()).expect("it can be signed");
        for token in [unsigned.as_str(), &shared_secret, &of_another, "", "not.a.token"] {
            assert!(issuer.claims(token).is_none(), "{token}");
        }
    }

    #[test]
    fn an_unknown_scope_is_named() {
        let refusal = issuer().token(Grant {
            scope: "staff root",
            customer_id: None,
            subject: "me",
            lifetime: DAY,
        });
        assert_eq!(
            refusal.expect_err("root is no scope").to_string(),
            "scope `root` is unknown: there are shop, staff, analyst, import"
        );
    }
}
