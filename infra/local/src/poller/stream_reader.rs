//! Reads a shard of a DynamoDB stream, as the records that Lambda hands to a function.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record as StreamRecord, ShardIteratorType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::mapping::{Record, SequenceNumber};
use crate::dynamodb::REGION;

/// The most that DynamoDB gives at once.
const PAGE: i32 = 1_000;

/// The shards of a stream.
///
/// dynoxide has one that never closes, whatever its `EndingSequenceNumber` says, so the list is
/// read once and no lineage is followed.
pub(crate) async fn shards(client: &Client, stream_arn: &str) -> Result<Vec<String>> {
    let answer = client
        .describe_stream()
        .stream_arn(stream_arn)
        .send()
        .await
        .context("describing the stream")?;
    let shards = answer.stream_description().map(|stream| stream.shards()).unwrap_or_default();
    Ok(shards.iter().filter_map(|shard| shard.shard_id().map(str::to_owned)).collect())
}

/// Where reading a shard stands.
#[derive(Debug)]
pub(crate) struct ShardReader {
    client: Client,
    stream_arn: String,
    partition_key: String,
    shard: String,
    last: Option<SequenceNumber>,
    iterator: Option<String>,
}

impl ShardReader {
    /// Reads on after `last`, or from the oldest record there is.
    pub(crate) fn new(
        client: Client,
        (stream_arn, shard): (&str, &str),
        partition_key: &str,
        last: Option<SequenceNumber>,
    ) -> Self {
        Self {
            client,
            stream_arn: stream_arn.to_owned(),
            partition_key: partition_key.to_owned(),
            shard: shard.to_owned(),
            last,
            iterator: None,
        }
    }

    /// The next records, possibly none. After an error it goes on where it was.
    pub(crate) async fn next(&mut self) -> Result<Vec<Record>> {
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => self.position().await?,
        };
        let page = self
            .client
            .get_records()
            .shard_iterator(iterator)
            .limit(PAGE)
            .send()
            .await
            .context("reading the stream")?;
        let records = page
            .records
            .unwrap_or_default()
            .iter()
            .map(|record| self.decode(record))
            .collect::<Result<Vec<_>>>()?;
        if let Some(last) = records.last() {
            self.last = Some(last.sequence_number.clone());
        }
        self.iterator = page.next_shard_iterator;
        Ok(records)
    }

    async fn position(&self) -> Result<String> {
        let request =
            self.client.get_shard_iterator().stream_arn(&self.stream_arn).shard_id(&self.shard);
        let request = match &self.last {
            Some(last) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(&last.0),
            None => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        request
            .send()
            .await
            .context("finding the place in the stream")?
            .shard_iterator
            .context("the stream gave no iterator")
    }

    fn decode(&self, record: &StreamRecord) -> Result<Record> {
        let change = record.dynamodb().context("a stream record has no change")?;
        let sequence_number = change.sequence_number().context("a stream record has no number")?;
        let keys = image(change.keys().context("a stream record has no keys")?)?;
        let partition_key = keys
            .get(&self.partition_key)
            .context("a stream record has no partition key")?
            .to_string();
        let created =
            change.approximate_creation_date_time().context("a stream record has no time")?;
        let mut fields = Map::new();
        fields.insert("ApproximateCreationDateTime".to_owned(), json!(created.as_secs_f64()));
        fields.insert("Keys".to_owned(), keys);
        for (name, attributes) in
            [("NewImage", change.new_image()), ("OldImage", change.old_image())]
        {
            if let Some(attributes) = attributes {
                fields.insert(name.to_owned(), image(attributes)?);
            }
        }
        fields.insert("SequenceNumber".to_owned(), json!(sequence_number));
        fields.insert("SizeBytes".to_owned(), json!(change.size_bytes().unwrap_or(0)));
        fields.insert(
            "StreamViewType".to_owned(),
            json!(change.stream_view_type().map(|view| view.as_str())),
        );
        let mut json = json!({
            "eventID": record.event_id(),
            "eventName": record.event_name().map(|name| name.as_str()),
            "eventVersion": record.event_version(),
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "dynamodb": fields,
            "eventSourceARN": self.stream_arn,
        });
        // Only where it was not a caller who did it, but DynamoDB, as the item had expired. dynoxide
        // spells the fields of the identity in lower case, so the SDK does not see them.
        if let Some(by) = record.user_identity() {
            json["userIdentity"] = json!({
                "type": by.r#type().unwrap_or("Service"),
                "principalId": by.principal_id().unwrap_or("dynamodb.amazonaws.com"),
            });
        }
        let created_at = DateTime::<Utc>::from_timestamp_secs(created.secs())
            .context("a stream record's time is out of range")?;
        Ok(Record {
            sequence_number: SequenceNumber(sequence_number.to_owned()),
            partition_key,
            created_at,
            json,
        })
    }
}

fn image(attributes: &HashMap<String, AttributeValue>) -> Result<Value> {
    let fields =
        attributes.iter().map(|(name, value)| anyhow::Ok((name.clone(), attribute(value)?)));
    Ok(Value::Object(fields.collect::<Result<_>>()?))
}

/// DynamoDB's JSON: the type, then the value; numbers as strings, binary as base64.
#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum can only be matched so")]
fn attribute(value: &AttributeValue) -> Result<Value> {
    let blobs = |blobs: &[aws_sdk_dynamodbstreams::primitives::Blob]| {
        blobs.iter().map(|blob| STANDARD.encode(blob)).collect::<Vec<_>>()
    };
    Ok(match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(blob) => json!({ "B": STANDARD.encode(blob) }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::M(fields) => json!({ "M": image(fields)? }),
        AttributeValue::L(items) => {
            json!({ "L": items.iter().map(attribute).collect::<Result<Vec<_>>>()? })
        }
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(set) => json!({ "BS": blobs(set) }),
        unknown => {
            bail!("an attribute of an unknown type: {unknown:?}")
        }
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::primitives::Blob;

    use super::*;

    #[test]
    fn every_type_of_attribute_is_written_as_lambda_writes_it() {
        let map = HashMap::from([("inner".to_owned(), AttributeValue::N("12.5".to_owned()))]);
        for (value, expected) in [
            (AttributeValue::S("text".to_owned()), json!({"S": "text"})),
            (AttributeValue::B(Blob::new(*b"\x00\xff")), json!({"B": "AP8="})),
            (AttributeValue::Null(true), json!({"NULL": true})),
            (AttributeValue::M(map), json!({"M": {"inner": {"N": "12.5"}}})),
            (AttributeValue::L(vec![AttributeValue::Bool(true)]), json!({"L": [{"BOOL": true}]})),
            (AttributeValue::Bs(vec![Blob::new(*b"a")]), json!({"BS": ["YQ=="]})),
        ] {
            assert_eq!(attribute(&value).expect("the type is known"), expected);
        }
    }
}
