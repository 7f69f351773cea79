use std::path::{Path, PathBuf};

use futures::FutureExt;
use serde_json::json;
use tokio::sync::mpsc::channel;

use super::*;
use crate::faults::FaultPlan;
use crate::template::Template;

/// What the function was given: sequence numbers, invocation by invocation.
type Seen = Arc<Mutex<Vec<Vec<String>>>>;

fn record(number: usize) -> Record {
    let text = format!("{number:03}");
    let json = json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": text}});
    Record {
        sequence_number: SequenceNumber(text),
        partition_key: "stream".to_owned(),
        created_at: Utc::now(),
        json,
    }
}

fn numbers_of(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().cloned().unwrap_or_default();
    records
        .iter()
        .filter_map(|record| record["dynamodb"]["SequenceNumber"].as_str().map(str::to_owned))
        .collect()
}

/// A function that notes what it sees and fails on the record `poison`.
fn function(poison: Option<usize>) -> (Function, Seen) {
    let seen = Seen::default();
    let notes = Arc::clone(&seen);
    let poison = poison.map(|number| format!("{number:03}"));
    let function: Function = Arc::new(move |event| {
        let numbers = numbers_of(&event);
        let poisoned = poison.as_ref().is_some_and(|poison| numbers.contains(poison));
        notes.lock().unwrap_or_else(PoisonError::into_inner).push(numbers);
        async move {
            if poisoned {
                Err(anyhow::anyhow!("poison"))
            } else {
                Ok(json!({"batchItemFailures": []}))
            }
        }
        .boxed()
    });
    (function, seen)
}

fn shard(
    dir: &Path,
    function: Function,
    faults: &str,
    change: impl FnOnce(&mut Mapping),
) -> Arc<Shard> {
    let mut mapping =
        Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml"))
            .expect("ours is valid")
            .mapping;
    mapping.retry_limit = Some(2);
    change(&mut mapping);
    let plan: FaultPlan = faults.parse().expect("the plan is valid");
    Arc::new(Shard {
        id: "shard".to_owned(),
        destination: Some(Destination::new(
            dir,
            "arn:aws:dynamodb:x:0:table/t/stream/1",
            &mapping.function,
        )),
        mapping,
        function,
        faults: Arc::new(Faults::new(plan)),
        lag: Lag::new(),
        checkpoints: Arc::new(Checkpoints::open(dir, "arn/stream/1")),
        progress: Mutex::default(),
        stop: CancellationToken::new(),
    })
}

/// Sends the records 1 to `count` through a lane, and returns when it is through with them.
async fn drive(shard: &Arc<Shard>, count: usize) {
    witness::watch();
    let (sender, receiver) = channel(count);
    for number in 1..=count {
        let record = record(number);
        shard.read(record.sequence_number.clone());
        sender.send(record).await.expect("there is room");
    }
    drop(sender);
    run(Arc::clone(shard), receiver).await;
}

fn all(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap_or_else(PoisonError::into_inner).concat()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

#[tokio::test]
async fn a_poison_record_ends_in_the_destination_and_the_shard_goes_on() {
    let dir = folder();
    let (function, _) = function(Some(3));
    let shard = shard(dir.path(), function, "", |_| {});
    drive(&shard, 8).await;

    assert_eq!(shard.checkpoints.of("shard"), Some(SequenceNumber("008".to_owned())));
    let files: Vec<PathBuf> = std::fs::read_dir(dir.path().join("on-failure"))
        .expect("a batch was given up")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let [file] = files.as_slice() else { panic!("one batch was given up, not {files:?}") };
    let kept: Value =
        serde_json::from_slice(&std::fs::read(file).expect("it is readable")).expect("it is JSON");
    assert_eq!(kept["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(kept["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(kept["DDBStreamBatchInfo"]["batchSize"], 1);
    let payload: Value =
        serde_json::from_str(kept["payload"].as_str().expect("the payload is a string"))
            .expect("of JSON");
    assert_eq!(numbers_of(&payload), ["003"]);
}

#[tokio::test]
async fn a_record_that_is_too_old_is_given_up_without_an_invocation() {
    let dir = folder();
    let (function, seen) = function(None);
    let shard = shard(dir.path(), function, "", |mapping| {
        mapping.record_age_limit = Some(Duration::from_secs(60))
    });
    let mut old = record(1);
    old.created_at = Utc::now() - Duration::from_secs(120);
    shard.read(old.sequence_number.clone());
    deliver(&shard, Batch { records: vec![old], retries: 0 }).await;
    assert_eq!(all(&seen), Vec::<String>::new());
    assert_eq!(shard.checkpoints.of("shard"), Some(SequenceNumber("001".to_owned())));
}

#[tokio::test]
async fn under_every_fault_but_loss_each_record_is_delivered_at_least_once() {
    for seed in 0..20 {
        let dir = folder();
        let (function, seen) = function(None);
        let plan = format!("twice=0.3,reorder=0.5,crash-before=0.1,crash-after=0.1,seed={seed}");
        let shard = shard(dir.path(), function, &plan, |mapping| {
            mapping.batch_size = 7;
            mapping.retry_limit = None;
        });
        drive(&shard, 50).await;
        let mut delivered = all(&seen);
        delivered.sort_unstable();
        delivered.dedup();
        assert_eq!(delivered.len(), 50, "seed {seed}");
        assert!(shard.progress.lock().unwrap_or_else(PoisonError::into_inner).is_complete());
    }
}

#[tokio::test]
async fn a_lost_record_is_never_delivered_and_holds_nothing_up() {
    let dir = folder();
    let (function, seen) = function(None);
    let shard = shard(dir.path(), function, "lose=0.5,seed=1", |_| {});
    drive(&shard, 40).await;
    let delivered = all(&seen).len();
    assert!(delivered > 0 && delivered < 40, "{delivered}");
    assert_eq!(shard.checkpoints.of("shard"), Some(SequenceNumber("040".to_owned())));
}

#[test]
fn the_wait_before_a_retry_doubles_up_to_its_bound() {
    assert_eq!(
        (back_off(1), back_off(2), back_off(3)),
        (FIRST_BACK_OFF, FIRST_BACK_OFF * 2, FIRST_BACK_OFF * 4)
    );
    assert_eq!(back_off(20), LONGEST_BACK_OFF);
}
