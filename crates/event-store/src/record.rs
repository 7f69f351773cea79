//! Reading the table's stream records, as Lambda hands them over.

use aws_lambda_events::event::dynamodb::EventRecord;
use decider::{Commit, StreamId, Timestamp, Version};

use crate::{Beat, UnreadableCommit, item::KIND};

/// Who takes items away whose time is over, by its name in their records ("Time to Live" in the
/// DynamoDB guide).
const EXPIRY: &str = "dynamodb.amazonaws.com";

/// What a stream record says.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A commit was appended.
    Committed(Commit),
    /// A commit was appended that this build cannot read; with the whole item as JSON.
    Unreadable(UnreadableCommit, String),
    /// A commit of this stream was rewritten in place.
    Rewritten(StreamId),
    /// A commit was taken out of the table.
    Removed {
        /// Its stream.
        stream: StreamId,
        /// Its place there.
        version: Version,
        /// Whether its time was over; otherwise somebody did it.
        expired: bool,
        /// When, to the second.
        at: Timestamp,
    },
    /// A beat came through.
    Beat(Beat),
    /// A snapshot or a page of requests came, changed or went.
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
    version: i64,
}

impl Change {
    /// Reads a record of the event table's stream.
    ///
    /// # Errors
    /// [`BadRecord`] when its key is not one of ours.
    pub fn read(record: EventRecord) -> Result<Self, BadRecord> {
        let keys = &record.change.keys;
        let key: Key = serde_dynamo::from_item(keys.clone()).map_err(|error| BadRecord {
            key: serde_json::to_string(keys).unwrap_or_else(|error| error.to_string()),
            detail: error.to_string(),
        })?;
        // commits count from 1; beats lie at 0, pages of requests and snapshots below
        let (stream, version) = match (key.stream, key.version) {
            (_, ..=0) => return Ok(beside_the_commits(record)),
            (stream, version) => (stream, Version(version.cast_unsigned())),
        };
        Ok(match record.event_name.as_str() {
            "INSERT" => appended(stream, version, record),
            "MODIFY" => Self::Rewritten(stream),
            "REMOVE" => {
                let by = record.user_identity.map(|identity| identity.principal_id);
                let (expired, at) =
                    (by.as_deref() == Some(EXPIRY), record.change.approximate_creation_date_time);
                Self::Removed { stream, version, expired, at }
            }
            _ => Self::Other,
        })
    }
}

fn appended(stream: StreamId, version: Version, record: EventRecord) -> Change {
    let item = record.change.new_image;
    let read = serde_dynamo::from_item::<_, Commit>(item.clone());
    let detail = match read {
        Ok(commit) if commit.stream == stream && commit.version == version => {
            return Change::Committed(commit);
        }
        Ok(commit) => format!("the item is commit {} of {}", commit.version, commit.stream),
        Err(error) => error.to_string(),
    };
    let json = serde_json::to_string(&item).unwrap_or_else(|error| error.to_string());
    Change::Unreadable(UnreadableCommit { stream, version, detail }, json)
}

fn beside_the_commits(record: EventRecord) -> Change {
    let item = record.change.new_image;
    let kind = item.get(KIND);
    match kind {
        Some(serde_dynamo::AttributeValue::S(kind)) if kind == Beat::KIND => {
            serde_dynamo::from_item(item).map_or(Change::Other, Change::Beat)
        }
        Some(_) | None => Change::Other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Found by fuzzing: it was taken for a commit of the stream that the item names.
    #[test]
    fn a_record_whose_item_is_of_another_place_is_no_commit() -> serde_json::Result<()> {
        let place = |stream: &str| json!({"stream": {"S": stream}, "version": {"N": "1"}});
        let mut item = place("order-2");
        item["recorded_at"] = json!({"S": "2026-11-21T00:00:00Z"});
        item["events"] = json!({"L": []});
        item["metadata"] = json!({"M": {
            "actor": {"S": "a"}, "command_id": {"S": "c"}, "correlation_id": {"S": "c"},
        }});
        let record = |of: &str| {
            serde_json::from_value::<EventRecord>(json!({
                "eventID": "1", "eventName": "INSERT", "awsRegion": "eu-central-1",
                "dynamodb": {"Keys": place(of), "NewImage": item, "SizeBytes": 1},
            }))
        };
        let change = Change::read(record("order-2")?);
        assert!(matches!(change, Ok(Change::Committed(_))), "{change:?}");
        let Ok(Change::Unreadable(commit, _)) = Change::read(record("order-1")?) else {
            panic!("it is of another stream");
        };
        assert_eq!(commit.detail, "the item is commit 1 of order-2");
        assert_eq!(commit.stream.as_str(), "order-1");
        Ok(())
    }
}
