//! A domain as small as one can be.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use chrono::{SubsecRound, Utc};
use decider::{Decider, Payload, Personal, events};
use event_store::{
    Accepted, Commit, Event, EventStore, Intent, Metadata, Refused, Start, StreamId, Version,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

events! {
    /// What happens to a counter.
    pub enum CounterEvent {
        /// It went up.
        Raised(Raised) = "Raised", 1;
        /// Somebody put their name to it.
        Signed(Signed) = "Signed", 1;
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raised {
    pub by: u64,
}

impl Payload for Raised {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signed {
    pub name: Personal<String>,
    pub remark: String,
}

impl Payload for Signed {
    const PERSONAL: &'static [&'static str] = &["name"];
}

/// A counter, and the most that it counts to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    pub count: u64,
}

pub const MOST: u64 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Decider for Counter {
    const CATEGORY: &'static str = "counter";
    const SHAPE: u32 = 1;
    type Command = u64;
    type Event = CounterEvent;
    type Rejection = Full;

    fn decide(&self, by: u64) -> Result<Vec<CounterEvent>, Full> {
        match by {
            0 => Ok(vec![]),
            by if self.count + by > MOST => Err(Full),
            by => Ok(vec![Raised { by }.into()]),
        }
    }

    fn evolve(self, event: &CounterEvent) -> Self {
        match event {
            CounterEvent::Raised(raised) => Self { count: self.count + raised.by },
            CounterEvent::Signed(_) => self,
        }
    }
}

pub fn stream(id: &str) -> StreamId {
    StreamId::new(Counter::CATEGORY, id).expect("a test names its streams soundly")
}

pub fn commit(stream: &StreamId, version: u64, by: u64) -> Commit {
    Commit {
        stream: stream.clone(),
        version: Version(version),
        recorded_at: Utc::now().trunc_subsecs(3),
        events: vec![CounterEvent::from(Raised { by }).record()],
        metadata: Metadata {
            actor: "ann".to_owned(),
            command_id: format!("{stream}-{version}"),
            correlation_id: "a test".to_owned(),
            ..Metadata::default()
        },
    }
}

/// A new command under that key.
pub fn intent(key: &str) -> Intent {
    static COMMANDS: AtomicU32 = AtomicU32::new(1);
    Intent {
        actor: "ann".to_owned(),
        command_id: COMMANDS.fetch_add(1, Ordering::SeqCst).to_string(),
        correlation_id: "a test".to_owned(),
        causation_id: None,
        trace: None,
        key: key.to_owned(),
        keyed: true,
        fingerprint: "a request".to_owned(),
        expected: None,
        at: Utc::now().trunc_subsecs(3),
        deadline: Instant::now() + Duration::from_secs(60),
    }
}

/// Raises a counter; answers with the count after it.
pub async fn raise(
    store: &EventStore,
    stream: &StreamId,
    start: Start,
    intent: &Intent,
    by: u64,
) -> Result<Accepted<u64>, Refused<Full>> {
    store
        .execute::<Counter, _, _, _, _, _>(
            (stream, start),
            intent,
            |_| Ok(()),
            |mut unit, counter| async move {
                unit.decide(stream, &counter, by)?;
                Ok((unit, counter.state.count + by))
            },
        )
        .await
}
