//! Stream batch to rows: the table's change records in, the read model's rows moved.
//!
//! A batch is decoded here and applied by the engine (`crates/projection`): what was seen before
//! is dropped, what is missing is read from the table, what cannot be applied parks its stream.
//! All that is left to fail is the infrastructure, and then the batch comes again from the first
//! record on that is not known to be done.

mod source;

use aws_lambda_events::event::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use event_store::{Change, EventStore};
use ordering_views::{Delivery, Engine, Shop, Unreadable};
use source::TableSource;
use sqlx::PgPool;
use tracing::{error, info, warn};

/// The projector: a read model, and the table that it is read from.
#[derive(Clone, Debug)]
pub struct Projector {
    engine: Engine<Shop, TableSource>,
}

impl Projector {
    /// A projector that writes rows through `pool` and reads what is missing from `store`.
    #[must_use]
    pub fn new(pool: PgPool, store: EventStore) -> Self {
        Self { engine: Engine::new(pool, Shop, TableSource::new(store)) }
    }

    /// Applies a batch. The answer names the record from which the batch must come again, and
    /// nothing where all is done: an empty list is full success.
    pub async fn handle(&self, event: Event) -> DynamoDbEventResponse {
        let records = event.records.len();
        let first = event.records.first().and_then(sequence_number);
        let (deliveries, unknown) = decode(event.records);
        match self.engine.apply(deliveries).await {
            Ok(report) => {
                info!(records, ?report, "applied");
                answer(unknown)
            }
            Err(error) => {
                warn!(records, %error, "the batch has to come again");
                answer(first)
            }
        }
    }
}

/// Reads the records. A record without a key of ours can neither be applied nor parked under a
/// stream: the first such record is given back, so that it ends at the failure destination.
fn decode(records: Vec<EventRecord>) -> (Vec<Delivery>, Option<String>) {
    let mut deliveries = Vec::with_capacity(records.len());
    let mut unknown = None;
    for record in records {
        let place = sequence_number(&record);
        match Change::read(record) {
            Ok(Change::Committed(commit)) => deliveries.push(Delivery::Commit(commit)),
            Ok(Change::Unreadable(commit, payload)) => {
                let (stream, version, error) = (commit.stream, commit.version, commit.detail);
                let unreadable = Unreadable { stream, version, error, payload };
                deliveries.push(Delivery::Unreadable(unreadable));
            }
            Ok(Change::Other) => {}
            Err(bad) => {
                error!(error = %bad, "a record that is none of ours");
                unknown = unknown.or(place);
            }
        }
    }
    (deliveries, unknown)
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
