//! Reading the table's stream records, as Lambda hands them over.

use aws_lambda_events::event::dynamodb::EventRecord;
use decider::{Commit, StreamId, Version};

use crate::UnreadableCommit;

/// What a stream record says.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A commit was appended.
    Committed(Commit),
    /// A commit was appended that this build cannot read; with the whole item as JSON.
    Unreadable(UnreadableCommit, String),
    /// A snapshot came or changed, or something that was there went.
    Other,
}

/// A record that does not even name a place in a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record of {key} names no commit: {detail}")]
pub struct BadRecord {
    /// The key of the item, as JSON.
    pub key: String,
    /// What is wrong with it.
    pub detail: String,
}

#[derive(serde::Deserialize)]
struct Key {
    stream: StreamId,
    version: Version,
}

impl Change {
    /// Reads a record of the event table's stream.
    ///
    /// # Errors
    /// [`BadRecord`] when its key is not one of ours.
    pub fn read(record: EventRecord) -> Result<Self, BadRecord> {
        let keys = record.change.keys;
        let key: Key = serde_dynamo::from_item(keys.clone()).map_err(|error| BadRecord {
            key: serde_json::to_string(&keys).unwrap_or_else(|error| error.to_string()),
            detail: error.to_string(),
        })?;
        if record.event_name != "INSERT" || key.version == Version::NONE {
            return Ok(Self::Other);
        }
        let item = record.change.new_image;
        Ok(match serde_dynamo::from_item(item.clone()) {
            Ok(commit) => Self::Committed(commit),
            Err(error) => {
                let (stream, version, detail) = (key.stream, key.version, error.to_string());
                let json = serde_json::to_string(&item).unwrap_or_else(|error| error.to_string());
                Self::Unreadable(UnreadableCommit { stream, version, detail }, json)
            }
        })
    }
}
