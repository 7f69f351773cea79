//! Reading a DynamoDB export to S3.
//!
//! Source of the format: "DynamoDB table export output format" in the DynamoDB Developer Guide: a
//! line an item, `{"Item": {"name": {"S": "value"}}}`.

use decider::{Commit, StreamId, Version};

use crate::item::{COMMIT, KIND};

/// A commit as an export has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportedCommit {
    /// Its stream.
    pub stream: StreamId,
    /// Its place there.
    pub version: Version,
    /// The commit, or why this build cannot read it.
    pub commit: Result<Commit, String>,
}

/// A line that is no item of an event table.
#[derive(Debug, thiserror::Error)]
pub enum BadExport {
    /// It is not what an export has a line of.
    #[error("not a line of a DynamoDB export: {0}")]
    NotALine(#[from] serde_json::Error),
    /// The item has another key.
    #[error("an item of another table: {0}")]
    NotOurs(#[from] serde_dynamo::Error),
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    item: serde_dynamo::Item,
}

#[derive(serde::Deserialize)]
struct Place {
    stream: StreamId,
    version: Version,
}

/// Reads a line of an export; `None` where it is a snapshot or another item beside the commits.
///
/// # Errors
/// [`BadExport`] when it is none of an event table's.
pub fn exported(line: &str) -> Result<Option<ExportedCommit>, BadExport> {
    let Line { item } = serde_json::from_str(line)?;
    let is_commit = matches!(
        item.get(KIND), Some(serde_dynamo::AttributeValue::S(kind)) if kind == COMMIT
    );
    if !is_commit {
        return Ok(None);
    }
    let Place { stream, version } = serde_dynamo::from_item(item.clone())?;
    let commit = serde_dynamo::from_item(item).map_err(|error| error.to_string());
    Ok(Some(ExportedCommit { stream, version, commit }))
}
