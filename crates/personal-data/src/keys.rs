//! The data keys: a table of them, and the ones that this process has at hand for a while.
//!
//! An item is a subject and the wrapped key. Of a key that was destroyed the subject stays, with
//! the time: so no sandbox that is behind makes another key for somebody who is erased, and a key
//! that was destroyed is told from one that is missing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodb::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::AttributeValue,
};
use chrono::{SecondsFormat, Utc};
use decider::{Commit, StreamId, Version};
use futures::{StreamExt, TryStreamExt, stream};
use quick_cache::sync::Cache;

use crate::{
    Custodian, DataKey, Unrevealed,
    sealing::{self, Place},
};

/// How many keys a process has at hand, of some 200 bytes each.
const MOST_KEYS: usize = 10_000;

/// For how long a key is used without another look whether it is still there.
const LIFE: Duration = Duration::from_secs(60);

/// How many keys are fetched at a time.
const FETCHES_AT_A_TIME: usize = 16;

/// A key that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It was destroyed: whoever is about to write something personal is behind.
    #[error("{0} is erased")]
    Erased(String),
    /// What is stored as the key is none, or was wrapped by somebody else.
    #[error("what is stored as the key of {0} is none")]
    Unusable(String),
    /// The table of keys, or who wraps them, does not answer.
    #[error("the keys are away: {0}")]
    Away(String),
}

/// What there is of a key.
#[derive(Clone, Debug)]
enum Found {
    Key(DataKey),
    Destroyed,
    /// Something that is neither. It is the trouble of this subject alone.
    Unusable,
}

/// The keys of all persons. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    client: Client,
    table: String,
    custodian: Arc<dyn Custodian>,
    /// Since when, by the clock of the wall: any other stands still in a frozen sandbox.
    at_hand: Arc<Cache<String, (SystemTime, Found)>>,
    pub(crate) life: Duration,
}

impl Keys {
    /// The keys in the table of that name, which `custodian` wraps.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>, custodian: Arc<dyn Custodian>) -> Self {
        let at_hand = Arc::new(Cache::new(MOST_KEYS));
        Self { client, table: table.into(), custodian, at_hand, life: LIFE }
    }

    /// Seals what is personal in a commit that is to be stored. A commit without costs nothing,
    /// the first one of a stream makes its key.
    ///
    /// # Errors
    /// [`KeyError`]; the commit must not be stored then.
    pub async fn seal(&self, commit: &mut Commit) -> Result<(), KeyError> {
        if commit.events.iter().all(|event| event.personal.is_empty()) {
            return Ok(());
        }
        let key = self.key_to_write(&commit.stream, commit.version).await?;
        let place = Place { stream: &commit.stream, version: commit.version };
        commit.events.iter_mut().for_each(|event| sealing::seal(event, place, &key));
        Ok(())
    }

    /// Reveals what is personal in commits that were read; where the key was destroyed, it shows
    /// as erased. A commit whose key is missing, or is none, or opens nothing, fails alone.
    ///
    /// # Errors
    /// [`KeyError::Away`].
    pub async fn reveal(
        &self,
        commits: Vec<Commit>,
    ) -> Result<Vec<Result<Commit, Unrevealed>>, KeyError> {
        let events = commits.iter().flat_map(|commit| &commit.events);
        let subjects: BTreeSet<String> = events.flat_map(sealing::subjects).collect();
        let keys = self.fetch(subjects).await?;
        let key = |subject: &str| match keys.get(subject) {
            Some(Some(Found::Key(key))) => Ok(Some(key)),
            Some(Some(Found::Destroyed)) => Ok(None),
            Some(Some(Found::Unusable)) => Err(Unrevealed::Unusable(subject.to_owned())),
            Some(None) | None => Err(Unrevealed::Missing(subject.to_owned())),
        };
        let revealed = commits.into_iter().map(|mut commit| {
            let place = Place { stream: &commit.stream, version: commit.version };
            let mut events = commit.events.iter_mut();
            events.try_for_each(|event| sealing::reveal(event, place, key)).map(|()| commit)
        });
        Ok(revealed.collect())
    }

    /// Destroys the key of a subject, if that has not been done before.
    ///
    /// # Errors
    /// [`KeyError::Away`]; do it again.
    pub async fn destroy(&self, subject: &StreamId) -> Result<(), KeyError> {
        if let Some(Found::Destroyed) = self.cached(subject.as_str()) {
            return Ok(());
        }
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        self.client
            .update_item()
            .table_name(&self.table)
            .key("subject", AttributeValue::S(subject.to_string()))
            .update_expression(
                "set destroyed_at = if_not_exists(destroyed_at, :now) remove wrapped_key",
            )
            .expression_attribute_values(":now", AttributeValue::S(now))
            .send()
            .await
            .map_err(away)?;
        self.keep(subject.as_str(), Found::Destroyed);
        Ok(())
    }

    /// The key for what is to be stored: the one that is there, or a new one.
    async fn key_to_write(&self, stream: &StreamId, at: Version) -> Result<DataKey, KeyError> {
        let subject = stream.as_str();
        let is_first = at == Version(1);
        let mut found = self.cached(subject);
        if found.is_none() && !is_first {
            found = self.read(subject).await?;
        }
        if found.is_none() {
            found = match self.make(subject).await? {
                Some(key) => Some(Found::Key(key)),
                None => self.read(subject).await?,
            };
        }
        match found {
            Some(Found::Key(key)) => Ok(key),
            Some(Found::Destroyed) => Err(KeyError::Erased(subject.to_owned())),
            Some(Found::Unusable) => Err(KeyError::Unusable(subject.to_owned())),
            None => Err(KeyError::Away(format!("the key of {subject} came and went"))),
        }
    }

    /// Makes a key for a subject that has none; `None` if somebody else was faster.
    async fn make(&self, subject: &str) -> Result<Option<DataKey>, KeyError> {
        let key = DataKey::generate();
        let wrapped = self.custodian.wrap(subject, &key).await?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("subject", AttributeValue::S(subject.to_owned()))
            .item("wrapped_key", AttributeValue::B(Blob::new(wrapped)))
            .condition_expression("attribute_not_exists(subject)")
            .send()
            .await;
        match put {
            Ok(_) => {
                self.keep(subject, Found::Key(key.clone()));
                Ok(Some(key))
            }
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    /// What there is of these keys.
    async fn fetch(
        &self,
        subjects: BTreeSet<String>,
    ) -> Result<HashMap<String, Option<Found>>, KeyError> {
        let mut found = HashMap::new();
        let mut missing = BTreeMap::new();
        for subject in subjects {
            match self.cached(&subject) {
                Some(cached) => drop(found.insert(subject, Some(cached))),
                None => drop(missing.insert(subject, ())),
            }
        }
        let reads = missing.into_keys().map(|subject| async move {
            let key = self.read(&subject).await?;
            Ok::<_, KeyError>((subject, key))
        });
        // collected first: a lazy stream of borrowing closures would not be `Send`
        let reads: Vec<_> = reads.collect();
        let read: Vec<_> =
            stream::iter(reads).buffer_unordered(FETCHES_AT_A_TIME).try_collect().await?;
        found.extend(read);
        Ok(found)
    }

    /// Reads a key, consistently: one that was destroyed is never used again from here on.
    async fn read(&self, subject: &str) -> Result<Option<Found>, KeyError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let key = get.key("subject", AttributeValue::S(subject.to_owned()));
        let Some(item) = key.send().await.map_err(away)?.item else { return Ok(None) };
        let wrapped = item.get("wrapped_key").and_then(|wrapped| wrapped.as_b().ok());
        let found = match wrapped {
            _ if item.contains_key("destroyed_at") => Found::Destroyed,
            Some(wrapped) => match self.custodian.unwrap(subject, wrapped.as_ref()).await {
                Err(KeyError::Unusable(_)) => Found::Unusable,
                key => Found::Key(key?),
            },
            None => Found::Unusable,
        };
        self.keep(subject, found.clone());
        Ok(Some(found))
    }

    fn cached(&self, subject: &str) -> Option<Found> {
        let (since, found) = self.at_hand.get(subject)?;
        if since.elapsed().is_ok_and(|age| age < self.life) {
            return Some(found);
        }
        self.at_hand.remove(subject);
        None
    }

    fn keep(&self, subject: &str, found: Found) {
        self.at_hand.insert(subject.to_owned(), (SystemTime::now(), found));
    }
}

fn away<E, R>(error: SdkError<E, R>) -> KeyError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    KeyError::Away(DisplayErrorContext(error).to_string())
}
