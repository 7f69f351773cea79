//! Who wraps the data keys, so that whoever reads the table of keys has none of them.

use std::{fmt::Debug, path::Path};

use aws_sdk_kms::{error::DisplayErrorContext, operation::decrypt::DecryptError, primitives::Blob};
use futures::{FutureExt, future::BoxFuture};

use crate::{DataKey, KeyError};

/// A wrapped or unwrapped key, in some time.
pub type Wrapping<'a, T> = BoxFuture<'a, Result<T, KeyError>>;

/// Wraps data keys. What is wrapped for one subject is unwrapped for that one only.
pub trait Custodian: Debug + Send + Sync {
    /// The key as it may be stored.
    fn wrap<'a>(&'a self, subject: &'a str, key: &'a DataKey) -> Wrapping<'a, Vec<u8>>;

    /// The key that was stored like this; [`KeyError::Unusable`] if it was never wrapped here.
    fn unwrap<'a>(&'a self, subject: &'a str, wrapped: &'a [u8]) -> Wrapping<'a, DataKey>;
}

/// A key in AWS's Key Management Service, which never leaves it.
#[derive(Clone, Debug)]
pub struct Kms {
    client: aws_sdk_kms::Client,
    key: String,
}

impl Kms {
    /// The key of that id or ARN.
    #[must_use]
    pub fn new(client: aws_sdk_kms::Client, key: String) -> Self {
        Self { client, key }
    }
}

/// The name under which a subject is in the encryption context: in CloudTrail it shows whose key
/// was asked for, and by which function. A role's policy allows no other name.
const CONTEXT: &str = "subject";

impl Custodian for Kms {
    fn wrap<'a>(&'a self, subject: &'a str, key: &'a DataKey) -> Wrapping<'a, Vec<u8>> {
        async move {
            let encrypt = self.client.encrypt().key_id(&self.key);
            let encrypted = encrypt
                .encryption_context(CONTEXT, subject)
                .plaintext(Blob::new(key.as_bytes().as_slice()))
                .send()
                .await
                .map_err(|error| KeyError::Away(DisplayErrorContext(error).to_string()))?;
            let wrapped = encrypted.ciphertext_blob.map(Blob::into_inner);
            wrapped.ok_or_else(|| KeyError::Away("KMS answered without a key".to_owned()))
        }
        .boxed()
    }

    fn unwrap<'a>(&'a self, subject: &'a str, wrapped: &'a [u8]) -> Wrapping<'a, DataKey> {
        async move {
            let decrypt = self.client.decrypt().key_id(&self.key);
            let decrypted = decrypt
                .encryption_context(CONTEXT, subject)
                .ciphertext_blob(Blob::new(wrapped))
                .send()
                .await
                .map_err(|error| match error.as_service_error() {
                    Some(
                        DecryptError::InvalidCiphertextException(_)
                        | DecryptError::IncorrectKeyException(_),
                    ) => KeyError::Unusable(subject.to_owned()),
                    _ => KeyError::Away(DisplayErrorContext(error).to_string()),
                })?;
            let key = decrypted.plaintext.and_then(|plain| DataKey::from_bytes(plain.as_ref()));
            key.ok_or_else(|| KeyError::Away("KMS answered without a key".to_owned()))
        }
        .boxed()
    }
}

/// A key in a file, for one's own machine.
#[derive(Clone, Debug)]
pub struct KeyFile(DataKey);

impl KeyFile {
    /// The key in that file, which has 32 bytes.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let key = DataKey::from_bytes(&std::fs::read(path)?);
        key.map(Self).ok_or_else(|| std::io::Error::other("a key has 32 bytes"))
    }
}

impl Custodian for KeyFile {
    fn wrap<'a>(&'a self, subject: &'a str, key: &'a DataKey) -> Wrapping<'a, Vec<u8>> {
        std::future::ready(Ok(self.0.seal(key.as_bytes(), subject))).boxed()
    }

    fn unwrap<'a>(&'a self, subject: &'a str, wrapped: &'a [u8]) -> Wrapping<'a, DataKey> {
        let key = self.0.open(wrapped, subject).and_then(|key| DataKey::from_bytes(&key));
        let wrong = || KeyError::Unusable(subject.to_owned());
        std::future::ready(key.ok_or_else(wrong)).boxed()
    }
}
