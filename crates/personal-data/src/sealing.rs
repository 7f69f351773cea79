//! What a key does to one event: AES-256-GCM over each personal field.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use decider::{Commit, RecordedEvent, StreamId, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How many bytes a key has.
const BYTES: usize = 32;

/// The key of one person.
#[derive(Clone)]
pub struct DataKey([u8; BYTES]);

/// A personal field as it is stored. `Personal` of `decider` knows it by the same names.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// The nonce, and the sealed JSON with its tag, in base64.
    sealed: String,
    /// Whom it is about.
    subject: String,
}

/// A field that its key does not open, or for which there is none and never was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrevealed {
    /// It is sealed, and nobody gave keys to open it with.
    #[error("what is personal is sealed, and there are no keys here")]
    NoKeys,
    /// The key was never destroyed, and it is not there: another table of keys, or a lost one.
    #[error("the key of {0} is missing")]
    Missing(String),
    /// What is stored as the key is none, or was wrapped by somebody else.
    #[error("what is stored as the key of {0} is none")]
    Unusable(String),
    /// The field was sealed under another key, for another place, or was changed.
    #[error("the key of {subject} does not open the field {field}")]
    Wrong {
        /// Whose key.
        subject: String,
        /// Which field.
        field: String,
    },
}

/// Where an event is. A sealed field that is moved to another place does not open there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) stream: &'a StreamId,
    pub(crate) version: Version,
}

impl DataKey {
    /// A key that nobody has had before.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    #[must_use]
    pub fn generate() -> Self {
        let mut key = [0; BYTES];
        aws_lc_rs::rand::fill(&mut key).expect("the system gives randomness");
        Self(key)
    }

    /// The key that these bytes are, if there are as many of them as a key has.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for whoever wraps them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// Seals `plain` for a purpose: it opens for the same purpose only.
    pub(crate) fn seal(&self, plain: &[u8], purpose: &str) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .cipher()
            .seal_in_place_append_tag(Aad::from(purpose), &mut sealed)
            .expect("a value of one event is far below what the cipher takes");
        [nonce.as_ref().as_slice(), &sealed].concat()
    }

    /// Opens what [`Self::seal`] made; `None` if it is anything else.
    pub(crate) fn open(&self, sealed: &[u8], purpose: &str) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let plain = self.cipher().open_in_place(nonce, Aad::from(purpose), &mut sealed).ok()?;
        Some(plain.to_vec())
    }

    fn cipher(&self) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0).expect("a key has 32 bytes")
    }
}

/// No key shows in a log.
impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey")
    }
}

/// Seals the personal fields of an event that is about `place.stream`. What it held stays at hand
/// in `revealed`.
pub(crate) fn seal(event: &mut RecordedEvent, place: Place, key: &DataKey) {
    let Ok(mut payload) = serde_json::from_str::<Map<String, Value>>(&event.data) else { return };
    let subject = place.stream.as_str();
    for field in std::mem::take(&mut event.personal) {
        let Some(value) = payload.get_mut(*field) else { continue };
        let plain = value.to_string();
        let sealed = key.seal(plain.as_bytes(), &purpose(place, event, field));
        *value =
            json!(Sealed { sealed: STANDARD_NO_PAD.encode(sealed), subject: subject.to_owned() });
    }
    let sealed = Value::Object(payload).to_string();
    event.revealed = Some(std::mem::replace(&mut event.data, sealed));
}

/// Whether anything in a commit waits to be revealed.
#[must_use]
pub fn is_sealed(commit: &Commit) -> bool {
    commit.events.iter().any(|event| !subjects(event).is_empty())
}

/// Whose keys an event needs to be revealed.
pub(crate) fn subjects(event: &RecordedEvent) -> Vec<String> {
    let sealed = fields(event).into_iter().flatten();
    sealed.filter_map(|(_, value)| read(&value)).map(|sealed| sealed.subject).collect()
}

/// Reveals an event by the keys that `key` finds: `None` is one that was destroyed.
pub(crate) fn reveal<'k>(
    event: &mut RecordedEvent,
    place: Place,
    key: impl Fn(&str) -> Result<Option<&'k DataKey>, Unrevealed>,
) -> Result<(), Unrevealed> {
    let Some(mut payload) = fields(event) else { return Ok(()) };
    let mut changed = false;
    for (field, value) in &mut payload {
        let Some(Sealed { sealed, subject }) = read(value) else { continue };
        *value = match key(&subject)? {
            None => json!({"erased": true}),
            Some(key) => open(key, &sealed, &purpose(place, event, field))
                .ok_or_else(|| Unrevealed::Wrong { subject, field: field.clone() })?,
        };
        changed = true;
    }
    if changed {
        event.revealed = Some(Value::Object(payload).to_string());
    }
    Ok(())
}

fn open(key: &DataKey, sealed: &str, purpose: &str) -> Option<Value> {
    let sealed = STANDARD_NO_PAD.decode(sealed).ok()?;
    serde_json::from_slice(&key.open(&sealed, purpose)?).ok()
}

/// The fields of an event in which something may be sealed. Most have none, and are not read.
fn fields(event: &RecordedEvent) -> Option<Map<String, Value>> {
    event.data.contains(r#""sealed""#).then(|| serde_json::from_str(&event.data).ok()).flatten()
}

fn read(value: &Value) -> Option<Sealed> {
    value.is_object().then(|| Sealed::deserialize(value).ok()).flatten()
}

fn purpose(place: Place, event: &RecordedEvent, field: &str) -> String {
    format!("{} {} {} {field}", place.stream, place.version, event.name)
}
