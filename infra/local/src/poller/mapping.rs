//! What an event source mapping does with a function's answer, without doing it.
//!
//! Source: "Process records from a stream" and "Configuring partial batch response" in the AWS
//! Lambda guide.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::template::Mapping;

/// A record's place in its shard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SequenceNumber(pub(crate) String);

impl Ord for SequenceNumber {
    /// Numbers of up to 40 digits: the longer is the larger.
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A change of an item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) sequence_number: SequenceNumber,
    /// The partition key as JSON: records with the same one stay in order.
    pub(crate) partition_key: String,
    pub(crate) created_at: DateTime<Utc>,
    /// As the function gets it.
    pub(crate) json: Value,
}

/// Records that are delivered together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    /// How often it was tried again because it failed; splitting it does not count.
    pub(crate) retries: u32,
}

/// How an invocation with a batch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All records are done.
    Done,
    /// The records before this one are done.
    FailedFrom(SequenceNumber),
    /// None is done, or it is not known which.
    Failed,
}

/// What comes after an invocation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Next {
    /// Will not come again.
    pub(crate) done: Vec<SequenceNumber>,
    /// To be delivered, in this order, before anything else of the lane.
    pub(crate) again: Vec<Batch>,
    /// Given up.
    pub(crate) discarded: Option<Batch>,
    /// Whether to wait before the next delivery.
    pub(crate) back_off: bool,
}

/// Reads a function's answer to `batch`.
///
/// Nothing, `null` and an empty list of failures are success: a handler that forgets to report
/// loses its failures, here as on AWS. A failure without a number, or with one that is not in
/// the batch, fails the batch.
pub(crate) fn outcome(answer: &Value, batch: &Batch, mapping: &Mapping) -> Outcome {
    if !mapping.reports_item_failures {
        return Outcome::Done;
    }
    let failures = match (answer, answer.get("batchItemFailures")) {
        (Value::Null, _) | (Value::Object(_), None | Some(Value::Null)) => return Outcome::Done,
        (_, Some(Value::Array(failures))) => failures,
        _ => return Outcome::Failed,
    };
    let mut lowest: Option<SequenceNumber> = None;
    for failure in failures {
        let named = failure
            .get("itemIdentifier")
            .and_then(Value::as_str)
            .map(|number| SequenceNumber(number.to_owned()));
        match named
            .filter(|number| batch.records.iter().any(|record| record.sequence_number == *number))
        {
            Some(number) => {
                lowest = Some(lowest.map_or(number.clone(), |lowest| lowest.min(number)))
            }
            None => return Outcome::Failed,
        }
    }
    lowest.map_or(Outcome::Done, Outcome::FailedFrom)
}

/// Decides what follows from the outcome of delivering `batch`.
pub(crate) fn next(batch: Batch, outcome: &Outcome, mapping: &Mapping) -> Next {
    match outcome {
        Outcome::Done => Next { done: numbers(&batch.records), ..Next::default() },
        Outcome::FailedFrom(checkpoint) => {
            let (done, left): (Vec<Record>, Vec<Record>) =
                batch.records.into_iter().partition(|record| record.sequence_number < *checkpoint);
            let left = Batch { records: left, retries: batch.retries };
            if done.is_empty() {
                return retry(left, mapping);
            }
            // The batch is split at the checkpoint, and a split uses up no retry.
            let left = if mapping.bisect_on_error {
                Next { again: vec![left], back_off: true, ..Next::default() }
            } else {
                retry(left, mapping)
            };
            Next { done: numbers(&done), ..left }
        }
        Outcome::Failed if mapping.bisect_on_error && batch.records.len() > 1 => {
            let mut first = batch.records;
            let second = first.split_off(first.len() / 2);
            let half = |records| Batch { records, retries: batch.retries };
            Next { again: vec![half(first), half(second)], ..Next::default() }
        }
        Outcome::Failed => retry(batch, mapping),
    }
}

fn retry(batch: Batch, mapping: &Mapping) -> Next {
    if mapping.retry_limit.is_some_and(|limit| batch.retries >= limit) {
        return Next { discarded: Some(batch), ..Next::default() };
    }
    let again = Batch { retries: batch.retries + 1, ..batch };
    Next { again: vec![again], back_off: true, ..Next::default() }
}

/// Takes the records out of `batch` that are older than the mapping allows.
pub(crate) fn take_expired(
    batch: &mut Batch,
    now: DateTime<Utc>,
    mapping: &Mapping,
) -> Option<Batch> {
    let limit = mapping.record_age_limit?;
    let is_expired =
        |record: &Record| (now - record.created_at).to_std().is_ok_and(|age| age > limit);
    let (expired, fresh): (Vec<Record>, Vec<Record>) =
        std::mem::take(&mut batch.records).into_iter().partition(is_expired);
    batch.records = fresh;
    (!expired.is_empty()).then_some(Batch { records: expired, retries: batch.retries })
}

/// The lane of a shard that a record goes through: the same for the same partition key.
pub(crate) fn lane_of(record: &Record, lanes: usize) -> usize {
    // FNV-1a: the standard library's hasher may change from one release to the next, and a
    // replay should take the same lanes.
    let hash = record.partition_key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from(hash % lanes as u64).unwrap_or(0)
}

pub(crate) fn numbers(records: &[Record]) -> Vec<SequenceNumber> {
    records.iter().map(|record| record.sequence_number.clone()).collect()
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
