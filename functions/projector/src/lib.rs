//! Stream batch to rows: the table's change records in, the read model's rows moved.
//!
//! A batch is decoded here and applied by the engine (`crates/projection`): what was seen before
//! is dropped, what is missing is read from the table, what cannot be applied parks its stream.
//! All that is left to fail is the infrastructure, and then the batch comes again from the first
//! record on that is not known to be done.

mod source;
mod trail;

use std::time::SystemTime;

use aws_lambda_events::event::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use event_store::{BadRecord, Change, EventStore};
use lambda_runtime::Error;
use ordering_views::{ApplyError, Delivery, Engine, Generations, Report, Shop, Unreadable};
pub use source::{TableSource, delivery};
use sqlx::PgPool;
use tracing::{error, info, warn};

use crate::trail::Trail;

/// The projector: a read model, and the table that it is read from.
#[derive(Clone, Debug)]
pub struct Projector {
    generations: Generations<Shop, TableSource>,
}

impl Projector {
    /// A projector that writes rows through `pool` and reads what is missing from `store`.
    #[must_use]
    pub fn new(pool: PgPool, store: EventStore) -> Self {
        let live = Engine::new(pool, Shop, TableSource::new(store));
        Self { generations: Generations::of(live) }
    }

    /// The live generation's engine, for what is done by hand: redrive, skip, sweep.
    #[must_use]
    pub fn engine(&self) -> &Engine<Shop, TableSource> {
        self.generations.live()
    }

    /// Applies a batch. The answer names the record from which the batch must come again, and
    /// nothing where all is done: an empty list is full success.
    ///
    /// # Errors
    /// When the batch must come again and no record of it has a sequence number to say so.
    pub async fn handle(&self, event: Event) -> Result<DynamoDbEventResponse, Error> {
        let records = event.records.len();
        let first = event.records.first().and_then(sequence_number);
        let (deliveries, strange) = decode(event.records);
        let (trail, started) = (Trail::of(&deliveries), SystemTime::now());
        match self.apply(deliveries, &strange).await {
            Ok(report) => {
                let correlation_ids = trail.correlation_ids();
                info!(records, ?report, correlation_ids, "applied");
                trail.tell(started);
                Ok(answer(None))
            }
            Err(error) => {
                warn!(records, %error, "the batch has to come again");
                if first.is_none() { Err(error.into()) } else { Ok(answer(first)) }
            }
        }
    }

    async fn apply(
        &self,
        deliveries: Vec<Delivery>,
        strange: &[BadRecord],
    ) -> Result<Report, ApplyError> {
        for record in strange {
            error!(%record, "set aside");
            self.engine().set_aside(&record.key, &record.detail).await?;
        }
        self.generations.apply(deliveries).await
    }
}

/// Reads the records. One whose key is none of ours belongs to no stream that could be parked: it
/// is set aside under its key.
fn decode(records: Vec<EventRecord>) -> (Vec<Delivery>, Vec<BadRecord>) {
    let mut deliveries = Vec::with_capacity(records.len());
    let mut strange = Vec::new();
    for record in records {
        match Change::read(record) {
            Ok(Change::Committed(commit)) => deliveries.push(Delivery::Commit(commit)),
            Ok(Change::Unreadable(commit, payload)) => {
                let (stream, version, error) = (commit.stream, commit.version, commit.detail);
                let unreadable = Unreadable { stream, version, error, payload };
                deliveries.push(Delivery::Unreadable(unreadable));
            }
            Ok(Change::Other) => {}
            Err(bad) => strange.push(bad),
        }
    }
    (deliveries, strange)
}

fn sequence_number(record: &EventRecord) -> Option<String> {
    record.change.sequence_number.clone()
}

fn answer(from: Option<String>) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = from
        .map(|item_identifier| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(item_identifier);
            failure
        })
        .into_iter()
        .collect();
    response
}
