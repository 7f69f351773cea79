//! The audit trail of one stream, as it is asked for.

use ordering::{StreamId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::{FromRow, PgPool, types::Json};
use utoipa::ToSchema;

use crate::{Limit, Page};

/// One event, as it was recorded.
#[derive(Clone, Debug, Serialize, FromRow, ToSchema)]
pub struct AuditedEvent {
    /// Which stream.
    pub stream: String,
    /// The commit.
    pub version: i64,
    /// The place in the commit, from 0.
    pub index: i64,
    /// The event's name.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The version of the payload's shape.
    pub schema_version: i64,
    /// When it happened.
    pub at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// In which command.
    pub command_id: String,
    /// What ties the command to others.
    pub correlation_id: String,
    /// What led to the command.
    pub causation_id: Option<String>,
    /// The event's payload.
    #[schema(value_type = Object)]
    pub data: Json<Box<RawValue>>,
}

/// The place of an event in its stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPlace {
    /// The commit; 0 is before the first.
    pub version: i64,
    /// The place in the commit, from 0.
    pub index: i64,
}

impl EventPlace {
    fn of(event: &AuditedEvent) -> Self {
        Self { version: event.version, index: event.index }
    }
}

/// A page of the events of a stream, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    pool: &PgPool,
    stream: &StreamId,
    after: Option<EventPlace>,
    limit: Limit,
) -> Result<Page<AuditedEvent, EventPlace>, sqlx::Error> {
    let after = after.unwrap_or_default();
    let sql = "select stream, version, index, event_type, schema_version, at, recorded_at, actor, \
         command_id, correlation_id, causation_id, data from audit_trail \
         where stream = $1 and (version, index) > ($2, $3) order by version, index limit $4";
    let found = sqlx::query_as(sql)
        .bind(stream.as_str())
        .bind(after.version)
        .bind(after.index)
        .bind(limit.and_one())
        .fetch_all(pool)
        .await?;
    Ok(Page::cut(found, limit, EventPlace::of))
}
