//! A commit and a snapshot as DynamoDB items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use decider::{Commit, Decider, Folded, StreamId, Timestamp, Version};
use serde::{Deserialize, Serialize};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Tells commits from what lies beside them, for readers of the stream: their filter asks for it.
pub(crate) const KIND: &str = "kind";
pub(crate) const COMMIT: &str = "commit";

/// The events of a commit.
pub(crate) const EVENTS: &str = "events";

/// The state of a snapshot.
const FOLDED: &str = "folded";

/// When the table may drop an item, in seconds since 1970.
const EXPIRES_AT: &str = "expires_at";

/// An item in the place of one that was read.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) item: Item,
    /// What is different in it.
    pub(crate) attribute: &'static str,
    /// That, as it was.
    pub(crate) as_read: AttributeValue,
}

/// A commit that is there and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("commit {version} of {stream} cannot be read: {detail}")]
pub struct UnreadableCommit {
    /// Its stream.
    pub stream: StreamId,
    /// Its place there.
    pub version: Version,
    /// What the decoder said.
    pub detail: String,
}

/// The key and the folded state, as of some commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) stream: StreamId,
    /// Where a snapshot lies in its stream: before the first commit.
    pub(crate) version: Version,
    pub(crate) kind: String,
    /// The last commit that is folded in.
    pub(crate) folded_version: Version,
    /// [`Decider::SHAPE`](decider::Decider::SHAPE) of the state.
    pub(crate) shape: u32,
    /// A [`Folded`](decider::Folded), as JSON.
    pub(crate) folded: String,
    /// When the table may drop it, in seconds since 1970: with its stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<i64>,
}

impl Snapshot {
    const KIND: &str = "snapshot";

    /// What is to be kept of a stream; `None` if its state has no JSON form.
    pub(crate) fn of<D: Decider>(stream: &StreamId, folded: &Folded<D>) -> Option<Self> {
        Some(Self {
            stream: stream.clone(),
            version: Version::NONE,
            kind: Self::KIND.to_owned(),
            folded_version: folded.version,
            shape: D::SHAPE,
            folded: serde_json::to_string(folded).ok()?,
            expires_at: folded.expires_at().map(|at| at.timestamp()),
        })
    }

    pub(crate) fn into_item(self) -> Item {
        serde_dynamo::to_item(self)
            .expect("a snapshot is a struct of strings and numbers, which make an item")
    }

    /// This in the place of another one; `None` if that holds no state.
    pub(crate) fn instead_of(self, mut other: Item) -> Option<Rewritten> {
        let as_read = other.remove(FOLDED)?;
        Some(Rewritten { item: self.into_item(), attribute: FOLDED, as_read })
    }
}

/// The commit as an item, for ever or until its stream expires.
pub(crate) fn commit_item(commit: &Commit, expires_at: Option<Timestamp>) -> Item {
    let mut item: Item = serde_dynamo::to_item(commit)
        .expect("a commit is a struct of strings, numbers and lists, which make an item");
    item.insert(KIND.to_owned(), AttributeValue::S(COMMIT.to_owned()));
    if let Some(at) = expires_at {
        let seconds = AttributeValue::N(at.timestamp().to_string());
        item.insert(EXPIRES_AT.to_owned(), seconds);
    }
    item
}

/// Whether the item is a commit, and not a snapshot that lies beside them.
pub(crate) fn is_commit(item: &Item) -> bool {
    item.get(KIND).and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == COMMIT)
}

/// Reads a commit back.
///
/// # Errors
/// [`UnreadableCommit`], under the key that the item has.
pub(crate) fn read_commit(stream: &StreamId, item: Item) -> Result<Commit, UnreadableCommit> {
    let version = item
        .get("version")
        .and_then(|version| version.as_n().ok())
        .and_then(|version| version.parse().ok())
        .map_or(Version::NONE, Version);
    serde_dynamo::from_item(item).map_err(|error: serde_dynamo::Error| UnreadableCommit {
        stream: stream.clone(),
        version,
        detail: error.to_string(),
    })
}

/// The key of a place in a stream.
pub(crate) fn key(stream: &StreamId, version: Version) -> Item {
    key_at(stream, version)
}

/// The key of whatever lies there; what is no commit lies at 0 and below.
pub(crate) fn key_at(stream: &StreamId, place: impl ToString) -> Item {
    HashMap::from([
        ("stream".to_owned(), AttributeValue::S(stream.to_string())),
        ("version".to_owned(), AttributeValue::N(place.to_string())),
    ])
}
