//! The event source mapping: reads the table's stream and invokes the projector, as Lambda does.

mod discarded;
mod lane;
mod mapping;
mod progress;
mod stream_reader;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use aws_sdk_dynamodbstreams::Client;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::faults::Faults;
use crate::functions::Function;
use crate::lag::Lag;
use crate::template::Template;
use discarded::Destination;
use lane::Shard;
use mapping::Record;
use progress::Progress;
use stream_reader::ShardReader;

pub(crate) use progress::Checkpoints;

/// Between two looks at an idle shard. Lambda looks four times a second; a developer should not
/// have to wait for it.
pub(crate) const IDLE: Duration = Duration::from_millis(25);

/// After a failed read.
const AFTER_ERROR: Duration = Duration::from_millis(500);

/// What the poller reads, whom it invokes, and what goes wrong on purpose.
pub(crate) struct Source {
    pub(crate) client: Client,
    pub(crate) stream_arn: String,
    pub(crate) function: Function,
    pub(crate) faults: Arc<Faults>,
    pub(crate) lag: Lag,
}

/// A running event source mapping; dropped, it ends after the invocations under way.
#[derive(Debug)]
pub(crate) struct Poller {
    tasks: TaskTracker,
    running: DropGuard,
}

impl Poller {
    /// Starts at the checkpoints in `folder`, or at the oldest records there are.
    pub(crate) async fn start(source: Source, template: &Template, folder: &Path) -> Result<Self> {
        let stop = CancellationToken::new();
        let poller = Self { tasks: TaskTracker::new(), running: stop.clone().drop_guard() };
        let checkpoints = Arc::new(Checkpoints::open(folder, &source.stream_arn));
        let mapping = &template.mapping;
        for id in stream_reader::shards(&source.client, &source.stream_arn).await? {
            let place = (source.stream_arn.as_str(), id.as_str());
            let reader = ShardReader::new(
                source.client.clone(),
                place,
                &template.table.hash_key.name,
                checkpoints.of(&id),
            );
            let destination = mapping
                .keeps_discarded
                .then(|| Destination::new(folder, &source.stream_arn, &mapping.function));
            let shard = Arc::new(Shard {
                id,
                mapping: mapping.clone(),
                function: Arc::clone(&source.function),
                faults: Arc::clone(&source.faults),
                lag: source.lag.clone(),
                destination,
                checkpoints: Arc::clone(&checkpoints),
                progress: Mutex::new(Progress::default()),
                stop: stop.clone(),
            });
            poller.run(shard, reader);
        }
        poller.tasks.close();
        Ok(poller)
    }

    fn run(&self, shard: Arc<Shard>, reader: ShardReader) {
        let lanes = (0..shard.mapping.parallelization_factor).map(|_| {
            // Room for the batch that is filling up while another one is under way.
            let (sender, receiver) = channel(shard.mapping.batch_size);
            self.tasks.spawn(lane::run(Arc::clone(&shard), receiver));
            sender
        });
        let lanes: Vec<Sender<Record>> = lanes.collect();
        self.tasks.spawn(async move {
            tokio::select! {
                () = read(&shard, reader, &lanes) => {}
                () = shard.stop.cancelled() => {}
            }
        });
    }

    /// Waits for the invocations under way, and no longer: what is left comes after the next start.
    pub(crate) async fn stop(self) {
        drop(self.running);
        self.tasks.wait().await;
    }
}

/// Reads a shard for ever, and hands its records to the lanes of their keys.
async fn read(shard: &Shard, mut reader: ShardReader, lanes: &[Sender<Record>]) {
    loop {
        let records = match reader.next().await {
            Ok(records) if records.is_empty() => {
                sleep(IDLE).await;
                continue;
            }
            Ok(records) => records,
            Err(failure) => {
                tracing::warn!("reading the stream failed: {failure:#}");
                sleep(AFTER_ERROR).await;
                continue;
            }
        };
        for record in records {
            shard.read(record.sequence_number.clone());
            if !shard.mapping.filter.passes(&record.json) {
                shard.done([record.sequence_number]);
                continue;
            }
            // A lane ends only when the shard is stopped.
            let _ = lanes[mapping::lane_of(&record, lanes.len())].send(record).await;
        }
    }
}
