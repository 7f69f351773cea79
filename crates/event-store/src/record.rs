//! Reading the table's stream records, as Lambda hands them over.

use aws_lambda_events::event::dynamodb::EventRecord;
use decider::{Commit, StreamId, Version};

use crate::{
    UnreadableCommit,
    item::{COMMIT, KIND},
};

/// What a stream record says.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A commit was appended.
    Committed(Commit),
    /// A commit was appended that this build cannot read; with the whole item as JSON.
    Unreadable(UnreadableCommit, String),
    /// Something that is no commit came, changed or went: a snapshot.
    Other,
}

/// A record that does not even name a place in a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {event_id} names no commit: {detail}")]
pub struct BadRecord {
    /// Lambda's name for the record.
    pub event_id: String,
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
        let key: Key = serde_dynamo::from_item(record.change.keys).map_err(|error| BadRecord {
            event_id: record.event_id.clone(),
            detail: error.to_string(),
        })?;
        let image = record.change.new_image.into_inner();
        let is_commit = matches!(
            image.get(KIND),
            Some(serde_dynamo::AttributeValue::S(kind)) if kind == COMMIT
        );
        if record.event_name != "INSERT" || !is_commit {
            return Ok(Self::Other);
        }
        let item = serde_dynamo::Item::from(image);
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
