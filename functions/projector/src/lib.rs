//! Stream batch to rows: the table's change records in, the read model's rows moved.
//!
//! A batch is decoded here and applied by the engine (`crates/projection`): what was seen before
//! is dropped, what is missing is read from the table, what cannot be applied parks its stream.
//! All that is left to fail is the infrastructure, and then the batch comes again from the first
//! record on that is not known to be done.

mod delivered;
mod input;
mod measures;
mod source;
mod tasks;
mod trail;

use std::time::SystemTime;

use aws_lambda_events::event::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use event_store::EventStore;
pub use input::{Input, Output, Task};
use lambda_runtime::Error;
use ordering_views::{Applied, ApplyError, Delivery, Engine, Generations, Shop, arrived};
pub use source::{TableSource, delivery};
use sqlx::PgPool;
pub use tasks::Sweep;
use telemetry::Telemetry;
use tracing::{error, info, warn};

use crate::{delivered::Delivered, measures::Measures, trail::Trail};

/// The projector: a read model, and the table that it is read from.
#[derive(Clone, Debug)]
pub struct Projector {
    generations: Generations<Shop, TableSource>,
    pool: PgPool,
    store: EventStore,
    measures: Measures,
}

impl Projector {
    /// A projector that writes rows through `pool` and reads what is missing from `store`.
    #[must_use]
    pub fn new(pool: PgPool, store: EventStore) -> Self {
        let live = Engine::new(pool.clone(), Shop, TableSource::new(store.clone()));
        let (generations, measures) = (Generations::of(live), Measures::new(Telemetry::silent()));
        Self { generations, pool, store, measures }
    }

    /// The same, telling what it does.
    #[must_use]
    pub fn measured_by(mut self, telemetry: Telemetry) -> Self {
        self.measures = Measures::new(telemetry);
        self
    }

    /// The live generation's engine, for what is done by hand: redrive, skip, fold anew.
    #[must_use]
    pub fn engine(&self) -> &Engine<Shop, TableSource> {
        self.generations.live()
    }

    /// One invocation, whatever it is.
    ///
    /// # Errors
    /// As [`Self::handle`] and [`Self::perform`].
    pub async fn invoke(&self, input: Input) -> Result<Output, Error> {
        match input {
            Input::Scheduled(task) => self.perform(task).await,
            Input::Batch(event) => self.handle(event).await.map(Output::Batch),
        }
    }

    /// Applies a batch. The answer names the record from which the batch must come again, and
    /// nothing where all is done: an empty list is full success.
    ///
    /// # Errors
    /// When the batch must come again and no record of it has a sequence number to say so.
    pub async fn handle(&self, event: Event) -> Result<DynamoDbEventResponse, Error> {
        let records = event.records.len();
        let first = event.records.first().and_then(sequence_number);
        let delivered = Delivered::read(event.records);
        let (trail, started) = (Trail::of(&delivered.commits), SystemTime::now());
        match self.apply(delivered).await {
            Ok(applied) => {
                let (report, correlation_ids) = (applied.report, trail.correlation_ids());
                info!(records, ?report, correlation_ids, "applied");
                self.measures.batch(records, &applied);
                trail.tell(started);
                Ok(answer(None))
            }
            Err(error) => {
                warn!(records, %error, "the batch has to come again");
                self.measures.failed();
                if first.is_none() { Err(error.into()) } else { Ok(answer(first)) }
            }
        }
    }

    /// Removals first, as nothing is to be done about what is no more; beats last, as they tell
    /// that what came with them is visible.
    async fn apply(&self, delivered: Delivered) -> Result<Applied, ApplyError> {
        for record in &delivered.strange {
            error!(%record, "set aside");
            self.engine().set_aside(&record.key, &record.detail).await?;
        }
        let mut report = self.generations.remove(delivered.removed).await?;
        report += self.generations.refold(delivered.rewritten).await?;
        let revealed = self.store.reveal(delivered.commits).await;
        let revealed = revealed.map_err(|error| ApplyError::Source(error.to_string()))?;
        let unreadable = delivered.unreadable.into_iter().map(Delivery::Unreadable);
        let deliveries = revealed.into_iter().map(delivery).chain(unreadable).collect();
        let mut applied = self.generations.apply_each(deliveries).await?;
        applied.report += report;
        if !delivered.beats.is_empty() {
            self.engine().add_what_waits().await?;
            let beats = delivered.beats.into_iter().map(|beat| (beat.stream, beat.at));
            arrived(&self.pool, &beats.collect::<Vec<_>>()).await?;
        }
        Ok(applied)
    }
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
