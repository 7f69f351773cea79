//! A commit as a DynamoDB item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use decider::{Commit, StreamId, Timestamp, Version};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Tells commits from what lies beside them, for readers of the stream: their filter asks for it.
pub(crate) const KIND: &str = "kind";
pub(crate) const COMMIT: &str = "commit";

/// The events of a commit.
pub(crate) const EVENTS: &str = "events";

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

/// Whether the item is of that kind: a commit, or one of those that lie beside them.
pub(crate) fn is(kind: &str, item: &Item) -> bool {
    item.get(KIND).and_then(|of| of.as_s().ok()).is_some_and(|of| of == kind)
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

/// The key of a place in a stream: a version, or a number of 0 and below for what is no commit.
pub(crate) fn key(stream: &StreamId, place: impl ToString) -> Item {
    HashMap::from([
        ("stream".to_owned(), AttributeValue::S(stream.to_string())),
        ("version".to_owned(), AttributeValue::N(place.to_string())),
    ])
}
