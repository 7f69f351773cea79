//! Every event of every stream, with who did it and in which command.

mod find;

pub use find::{AuditedEvent, EventPlace, list};
use ordering::Timestamp;
use projection::{Table, row};

use crate::{Commit, happened::bigint};

row! {
    /// One event, as recorded.
    pub struct AuditRow: logged from "audit_trail", owned by any through stream: "text";
    key {
        /// Which stream.
        stream: String = "text",
        /// The commit.
        version: i64 = "bigint",
        /// The place in the commit, from 0.
        index: i64 = "bigint",
    }
    rest {
        /// The event's name.
        event_type: String = "text",
        /// The version of the payload's shape.
        schema_version: i64 = "bigint",
        /// When it happened.
        at: Timestamp = "timestamptz",
        /// When it was recorded.
        recorded_at: Timestamp = "timestamptz",
        /// Who did it.
        actor: String = "text",
        /// In which command.
        command_id: String = "text",
        /// What ties the command to others.
        correlation_id: String = "text",
        /// What led to the command.
        causation_id: Option<String> = "text",
        /// The event's payload, as JSON.
        data: String = "jsonb",
    }
}

/// Adds the events of one commit.
pub(crate) fn evolve(rows: &mut Table<AuditRow>, commit: &Commit) {
    for (index, event) in (0..).zip(&commit.events) {
        rows.put(AuditRow {
            stream: commit.stream.to_string(),
            version: bigint(commit.version.0),
            index,
            event_type: event.name.clone(),
            schema_version: event.schema_version.into(),
            at: event.occurred_at.unwrap_or(commit.recorded_at),
            recorded_at: commit.recorded_at,
            actor: commit.metadata.actor.clone(),
            command_id: commit.metadata.command_id.clone(),
            correlation_id: commit.metadata.correlation_id.clone(),
            causation_id: commit.metadata.causation_id.clone(),
            data: event.payload().to_owned(),
        });
    }
}
