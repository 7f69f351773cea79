//! What is stored: one commit is one item, whatever number of events it holds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{StreamId, Version};

/// A moment in UTC, kept to the millisecond.
pub type Timestamp = DateTime<Utc>;

/// All events of one append to one stream, the unit of storage, delivery and replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// The stream that was appended to.
    pub stream: StreamId,
    /// Counts the commits of the stream from 1 without a gap.
    pub version: Version,
    /// When the command was accepted, by the clock of the command function.
    pub recorded_at: Timestamp,
    /// What happened, in order; empty where a command changed nothing and only its idempotency
    /// key is kept.
    pub events: Vec<RecordedEvent>,
    /// Who asked for it, and what is needed to answer the same request again.
    pub metadata: Metadata,
}

/// One event in the form that outlives the code: a name, a schema version and JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// The event's name, for example `OrderPlaced`.
    #[serde(rename = "type")]
    pub name: String,
    /// The version of the payload's shape, from 1.
    pub schema_version: u32,
    /// When it happened, where that is not when it was recorded (a back-filled order).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// The payload, as JSON text, as it is stored.
    pub data: String,
    /// Whether what is personal in its stream is no more from here on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erases: bool,
    /// The fields of `data` that are to be sealed before it is stored.
    #[serde(skip)]
    pub personal: &'static [&'static str],
    /// The payload with what is personal in it revealed, where something is sealed. In memory
    /// only: whatever writes a commit writes `data`.
    #[serde(skip)]
    pub revealed: Option<String>,
}

impl RecordedEvent {
    /// The payload to read.
    #[must_use]
    pub fn payload(&self) -> &str {
        self.revealed.as_deref().unwrap_or(&self.data)
    }
}

impl Commit {
    /// Whether what is personal in its stream is no more from here on.
    #[must_use]
    pub fn erases(&self) -> bool {
        self.events.iter().any(|event| event.erases)
    }
}

/// Where a commit came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The subject of the caller's token.
    pub actor: String,
    /// One id for all commits of one command.
    pub command_id: String,
    /// What ties this command to the ones around it, for example a request id.
    pub correlation_id: String,
    /// The command or event that led to this one, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The trace that the command is a part of, as a [`TraceParent`](crate::TraceParent); not read
    /// for anything but to go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The request, on the commit of the stream that it was addressed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// What a commit remembers of the request that made it, so that a retry finds its answer here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// A digest of the idempotency key.
    pub key: String,
    /// A digest of caller, method, path and body: the same key with another is refused.
    pub fingerprint: String,
    /// The answer that was given, as JSON text.
    pub answer: String,
}
