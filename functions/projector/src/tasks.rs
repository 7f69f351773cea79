//! What the projector does by the clock: it looks for what no record told it, and sends beats to
//! tell whether any record comes at all.

use std::time::Duration;

use lambda_runtime::Error;
use ordering_views::{heartbeat, now, progress, sent};
use serde::Serialize;
use tokio::time::interval;
use tracing::info;

use crate::{Output, Projector, Task};

/// What a sweep of the whole table found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sweep {
    /// Streams that were compared.
    pub compared: u64,
    /// Streams whose rows were behind the table.
    pub behind: u64,
    /// Commits that were applied therefore.
    pub applied: u64,
    /// Commits that could not be.
    pub quarantined: u64,
    /// What it cost, in DynamoDB's read units.
    pub read_units: f64,
}

impl Projector {
    /// Carries out a task.
    ///
    /// # Errors
    /// When the table or the database is away. The next one makes up for it.
    pub async fn perform(&self, task: Task) -> Result<Output, Error> {
        match task {
            Task::Sweep => self.sweep(|_| {}).await.map(Output::Swept),
            Task::Beat { times, every_seconds } => {
                let mut clock = interval(Duration::from_secs(every_seconds.max(1).into()));
                let mut beats = 0;
                for _ in 0..times {
                    clock.tick().await;
                    beats += self.beat().await?;
                }
                Ok(Output::Sent { beats })
            }
        }
    }

    /// Compares the newest version of every stream in the table with the rows, a page of the table
    /// at a time, and applies what is missing. `compared` is told of each page's streams.
    ///
    /// # Errors
    /// When the table or the database is away; what was found by then is mended.
    pub async fn sweep(&self, mut compared: impl FnMut(u64)) -> Result<Sweep, Error> {
        let mut sweep = Sweep::default();
        let mut next = None;
        loop {
            let page = self.store.newest_versions(next).await?;
            let swept = self.engine().sweep(&page.newest).await?;
            compared(swept.compared);
            sweep.compared += swept.compared;
            sweep.behind += swept.behind;
            sweep.applied += swept.report.applied;
            sweep.quarantined += swept.report.quarantined;
            sweep.read_units += page.read_units;
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        info!(?sweep, "swept");
        self.measures.swept(&sweep);
        Ok(sweep)
    }

    /// Tells how the projection stands, then sends the next beats; gives how many. They are noted
    /// when they are in the table: one that never got there is not waited for.
    async fn beat(&self) -> Result<usize, Error> {
        let waiting_ms = heartbeat(&self.pool).await?.waiting_ms;
        self.measures.beat(&progress(&self.pool).await?, waiting_ms);
        let beats = self.store.beat(now(&self.pool).await?).await?;
        let places: Vec<_> = beats.into_iter().map(|beat| (beat.stream, beat.at)).collect();
        sent(&self.pool, &places).await?;
        Ok(places.len())
    }
}
