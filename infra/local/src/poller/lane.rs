//! A lane of a shard: batches one after the other, each delivered until it is done or given up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::discarded::{Condition, Destination, event};
use super::mapping::{self, Batch, Outcome, Record, SequenceNumber};
use super::progress::{Checkpoints, Progress};
use crate::faults::{Crash, Faults};
use crate::functions::{self, Function};
use crate::lag::Lag;
use crate::template::Mapping;

/// The first wait before a retry; each further one is twice as long.
const FIRST_BACK_OFF: Duration = Duration::from_millis(50);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);

/// How long a record that a fault held back waits for a later batch.
const HELD_BACK_FOR: Duration = Duration::from_millis(200);

/// What the lanes of a shard share.
pub(crate) struct Shard {
    pub(crate) id: String,
    pub(crate) mapping: Mapping,
    pub(crate) function: Function,
    pub(crate) faults: Arc<Faults>,
    pub(crate) lag: Lag,
    pub(crate) destination: Option<Destination>,
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) progress: Mutex<Progress>,
    pub(crate) stop: CancellationToken,
}

impl Shard {
    /// Marks records as read; they come again until they are done.
    pub(crate) fn read(&self, number: SequenceNumber) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).read(number);
    }

    /// Marks records as done, and writes the checkpoint down if it moved.
    pub(crate) fn done(&self, numbers: impl IntoIterator<Item = SequenceNumber>) {
        // Held while writing: of two lanes, the one that is further must not be written over.
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(checkpoint) = progress.done(numbers)
            && let Err(failure) = self.checkpoints.save(&self.id, checkpoint)
        {
            tracing::warn!(
                "a checkpoint was not written, its records will come again: {failure:#}"
            );
        }
    }
}

/// Delivers what comes through `records`, until that ends or the shard is stopped.
pub(crate) async fn run(shard: Arc<Shard>, mut records: Receiver<Record>) {
    let mut held_back: Option<Record> = None;
    while let Some(mut batch) = gather(&shard.mapping, &mut records, held_back.is_some()).await {
        let earlier = held_back.take();
        held_back = shard.faults.reorder(&mut batch);
        batch.extend(earlier);
        deliver(&shard, Batch { records: batch, retries: 0 }).await;
        if shard.stop.is_cancelled() {
            return;
        }
    }
}

/// The next batch: what is there at once, and what comes within the batching window. With
/// something held back it does not wait for long, and may be empty.
async fn gather(
    mapping: &Mapping,
    records: &mut Receiver<Record>,
    something_held_back: bool,
) -> Option<Vec<Record>> {
    let first = if something_held_back {
        match timeout_at(Instant::now() + HELD_BACK_FOR, records.recv()).await {
            Ok(Some(first)) => first,
            // Its own batch: nothing came in time, or nothing will.
            Ok(None) | Err(_) => return Some(Vec::new()),
        }
    } else {
        records.recv().await?
    };
    let mut batch = vec![first];
    let deadline = Instant::now() + mapping.batching_window;
    while batch.len() < mapping.batch_size {
        let next = match records.try_recv() {
            Ok(next) => Some(next),
            Err(_) if mapping.batching_window.is_zero() => None,
            Err(_) => timeout_at(deadline, records.recv()).await.ok().flatten(),
        };
        match next {
            Some(next) => batch.push(next),
            None => break,
        }
    }
    Some(batch)
}

/// Delivers a batch and whatever it is split into. Returns early only when the shard is stopped:
/// what is left comes again after the next start.
async fn deliver(shard: &Shard, batch: Batch) {
    let mut pending = vec![batch];
    while let Some(mut batch) = pending.pop() {
        batch.records.retain(|record| !lost(shard, record, batch.retries));
        if let Some(expired) = mapping::take_expired(&mut batch, Utc::now(), &shard.mapping) {
            give_up(shard, expired, Condition::RecordAgeExceeded);
        }
        if batch.records.is_empty() {
            continue;
        }
        let outcome = attempt(shard, &batch).await;
        let next = mapping::next(batch, &outcome, &shard.mapping);
        shard.done(next.done);
        if let Some(discarded) = next.discarded {
            give_up(shard, discarded, Condition::RetryAttemptsExhausted);
        }
        let retries = next.again.first().map_or(0, |batch| batch.retries);
        pending.extend(next.again.into_iter().rev());
        if next.back_off {
            tokio::select! {
                () = sleep(back_off(retries)) => {}
                () = shard.stop.cancelled() => return,
            }
        }
        if shard.stop.is_cancelled() {
            return;
        }
    }
}

fn lost(shard: &Shard, record: &Record, retries: u32) -> bool {
    let lost = retries == 0 && shard.faults.lose();
    if lost {
        shard.done([record.sequence_number.clone()]);
    }
    lost
}

/// One invocation, with what faults make of it.
async fn attempt(shard: &Shard, batch: &Batch) -> Outcome {
    let crash = shard.faults.crash();
    if crash == Some(Crash::Before) {
        return Outcome::Failed;
    }
    let answer = functions::invoke(&shard.function, event(batch)).await;
    let outcome = match answer {
        Ok(_) if crash == Some(Crash::After) => Outcome::Failed,
        Ok(answer) => mapping::outcome(&answer, batch, &shard.mapping),
        Err(failure) => {
            tracing::warn!(
                records = batch.records.len(),
                retries = batch.retries,
                "{} failed: {failure}",
                shard.mapping.function
            );
            Outcome::Failed
        }
    };
    measure(shard, batch, &outcome);
    if outcome == Outcome::Done && shard.faults.twice() {
        // What it says to records that it has seen does not matter.
        let _ = functions::invoke(&shard.function, event(batch)).await;
    }
    outcome
}

fn measure(shard: &Shard, batch: &Batch, outcome: &Outcome) {
    let now = Utc::now();
    let visible = |record: &&Record| match outcome {
        Outcome::Done => true,
        Outcome::FailedFrom(checkpoint) => record.sequence_number < *checkpoint,
        Outcome::Failed => false,
    };
    batch
        .records
        .iter()
        .filter(visible)
        .filter_map(recorded_at)
        .for_each(|recorded_at| shard.lag.record(recorded_at, now));
}

/// When a new commit was recorded, by its own account.
fn recorded_at(record: &Record) -> Option<DateTime<Utc>> {
    let is_new = record.json.get("eventName").and_then(Value::as_str) == Some("INSERT");
    let text =
        record.json.pointer("/dynamodb/NewImage/recorded_at/S").filter(|_| is_new)?.as_str()?;
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

fn give_up(shard: &Shard, batch: Batch, condition: Condition) {
    let kept = shard
        .destination
        .as_ref()
        .map(|destination| destination.keep(&batch, &shard.id, condition))
        .transpose();
    match kept {
        Ok(Some(path)) => tracing::error!(
            ?condition,
            "a batch of {} records was given up: {}",
            batch.records.len(),
            path.display()
        ),
        Ok(None) => tracing::error!(
            ?condition,
            "a batch of {} records was given up, and there is no destination for it",
            batch.records.len()
        ),
        Err(failure) => tracing::error!(
            ?condition,
            "a batch of {} records was given up and could not be kept: {failure:#}",
            batch.records.len()
        ),
    }
    shard.done(mapping::numbers(&batch.records));
}

fn back_off(retries: u32) -> Duration {
    FIRST_BACK_OFF
        .saturating_mul(1_u32.checked_shl(retries.saturating_sub(1)).unwrap_or(u32::MAX))
        .min(LONGEST_BACK_OFF)
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
