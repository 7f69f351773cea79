//! What the function is invoked with: a batch of the table's stream, or a task by the clock.

use aws_lambda_events::event::{dynamodb::Event, streams::DynamoDbEventResponse};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use crate::Sweep;

/// An invocation.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// From EventBridge Scheduler, as `template.yaml` writes it.
    Scheduled(Task),
    /// From the event source mapping.
    Batch(Event),
}

/// What is done by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "task", rename_all = "lowercase", deny_unknown_fields)]
pub enum Task {
    /// Compares the whole table with the rows, and heals what no later record would.
    Sweep,
    /// Tells whether the beats before have arrived, and sends the next ones.
    Beat {
        /// How often. The clock strikes every minute, and what has stopped is to be seen within one.
        #[serde(default = "once")]
        times: u32,
        /// How long it is from one to the next.
        #[serde(default)]
        every_seconds: u32,
    },
}

fn once() -> u32 {
    1
}

/// What comes back.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// Which records must come again.
    Batch(DynamoDbEventResponse),
    /// What a sweep found.
    Swept(Sweep),
    /// How many beats were sent.
    Sent {
        /// So many.
        beats: usize,
    },
}

impl<'de> Deserialize<'de> for Input {
    /// By the field that only a task has, so that an error is about what was meant.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let input = Value::deserialize(deserializer)?;
        let read = if input.get("task").is_some() {
            serde_json::from_value(input).map(Self::Scheduled)
        } else {
            serde_json::from_value(input).map(Self::Batch)
        };
        read.map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: serde_json::Value) -> Result<Input, serde_json::Error> {
        serde_json::from_value(json)
    }

    #[test]
    fn a_task_is_told_from_a_batch() -> Result<(), serde_json::Error> {
        assert_eq!(read(json!({"task": "sweep"}))?, Input::Scheduled(Task::Sweep));
        let once = Task::Beat { times: 1, every_seconds: 0 };
        assert_eq!(read(json!({"task": "beat"}))?, Input::Scheduled(once));
        let beats = json!({"task": "beat", "times": 3, "every_seconds": 12});
        let thrice = Task::Beat { times: 3, every_seconds: 12 };
        assert_eq!(read(beats)?, Input::Scheduled(thrice));
        let record = json!({
            "eventID": "1", "eventName": "REMOVE", "awsRegion": "eu-central-1",
            "dynamodb": { "Keys": {}, "SequenceNumber": "1", "SizeBytes": 1 },
            "userIdentity": { "type": "Service", "principalId": "dynamodb.amazonaws.com" },
        });
        let Input::Batch(event) = read(json!({"Records": [record]}))? else { panic!("no batch") };
        assert_eq!(event.records.len(), 1);
        let by = event.records[0].user_identity.as_ref().map(|by| by.principal_id.as_str());
        assert_eq!(by, Some("dynamodb.amazonaws.com"));
        Ok(())
    }

    #[test]
    fn what_is_neither_fails_and_is_not_taken_for_an_empty_batch() {
        for (input, complaint) in [
            (json!({}), "missing field `Records`"),
            (json!({"task": "rest"}), "unknown variant `rest`"),
            (json!(null), "expected struct Event"),
        ] {
            let error = read(input).expect_err(complaint).to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
