//! The on-failure destination: what the mapping writes to S3 on AWS, as files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::mapping::Batch;
use crate::folder;

/// Why a batch was given up, as AWS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

/// A folder with a file for each batch that was given up.
#[derive(Debug)]
pub(crate) struct Destination {
    dir: PathBuf,
    stream_arn: String,
    function: String,
}

impl Destination {
    pub(crate) fn new(folder: &Path, stream_arn: &str, function: &str) -> Self {
        Self {
            dir: folder.join("on-failure"),
            stream_arn: stream_arn.to_owned(),
            function: function.to_owned(),
        }
    }

    /// Writes the invocation record that an S3 destination gets ("Retain discarded records for a
    /// DynamoDB event source" in the AWS Lambda guide): the metadata, and the batch itself.
    pub(crate) fn keep(&self, batch: &Batch, shard: &str, condition: Condition) -> Result<PathBuf> {
        let (Some(first), Some(last)) = (batch.records.first(), batch.records.last()) else {
            anyhow::bail!("a discarded batch is empty")
        };
        let now = Utc::now();
        let condition = match condition {
            Condition::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Condition::RecordAgeExceeded => "RecordAgeExceeded",
        };
        let record = json!({
            "requestContext": {
                "requestId": Uuid::new_v4(),
                "functionArn": format!("arn:aws:lambda:{}:000000000000:function:{}", crate::dynamodb::REGION, self.function),
                "condition": condition,
                "approximateInvokeCount": batch.retries + 1,
            },
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
            "version": "1.0",
            "timestamp": instant(now),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": first.sequence_number.0,
                "endSequenceNumber": last.sequence_number.0,
                "approximateArrivalOfFirstRecord": instant(first.created_at),
                "approximateArrivalOfLastRecord": instant(last.created_at),
                "batchSize": batch.records.len(),
                "streamArn": self.stream_arn,
            },
            // AWS keeps the event as a string.
            "payload": event(batch).to_string(),
        });
        fs::create_dir_all(&self.dir).with_context(|| format!("making {}", self.dir.display()))?;
        let path =
            self.dir.join(format!("{}-{}.json", now.format("%Y-%m-%dT%H.%M.%S"), Uuid::new_v4()));
        folder::write(
            &path,
            &serde_json::to_vec_pretty(&record).context("encoding a discarded batch")?,
        )?;
        Ok(path)
    }
}

/// The event that a function gets for a batch.
pub(crate) fn event(batch: &Batch) -> Value {
    json!({ "Records": batch.records.iter().map(|record| &record.json).collect::<Vec<_>>() })
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
