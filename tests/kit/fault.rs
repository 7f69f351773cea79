//! What can happen to a call of DynamoDB.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::Notify;

/// What happens to one call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// DynamoDB says this; nothing was done.
    Says {
        /// The HTTP status.
        status: u16,
        /// The body, as DynamoDB words it.
        body: Value,
    },
    /// DynamoDB does it, and the connection breaks before the answer is through.
    AnswerLost,
    /// DynamoDB does it, and never answers.
    AnswerNeverComes,
    /// Nobody does anything, and nobody answers.
    RequestLost,
    /// DynamoDB does it, and answers after this time.
    Slow(Duration),
    /// DynamoDB takes this time to get to it; by then, nobody waits for the answer any more.
    Late(Duration),
    /// DynamoDB does it, and the answer waits at the gate.
    Held(Arc<Gate>),
}

impl Fault {
    /// An error of DynamoDB's, with its usual wording.
    #[must_use]
    pub fn error(status: u16, code: &str) -> Self {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
        Self::Says { status, body: json!({"__type": kind, "message": "injected"}) }
    }

    /// A transaction that is cancelled for these reasons, one an item.
    #[must_use]
    pub fn cancelled(reasons: &[&str]) -> Self {
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        let reasons: Vec<Value> = reasons.iter().map(|code| json!({"Code": code})).collect();
        let body = json!({"__type": kind, "message": "injected", "CancellationReasons": reasons});
        Self::Says { status: 400, body }
    }
}

/// Where an answer waits.
#[derive(Debug, Default)]
pub struct Gate {
    pub(crate) reached: Notify,
    pub(crate) open: Notify,
}

impl Gate {
    /// Waits until an answer is here.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets it through.
    pub fn open(&self) {
        self.open.notify_one();
    }
}
