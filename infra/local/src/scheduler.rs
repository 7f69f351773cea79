//! EventBridge Scheduler: invokes functions by the clock, the first time at once, as AWS does with
//! a rate that has no date to start at. Beside it, the clock by which DynamoDB drops what expired.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::dynamodb::Expiry;
use crate::functions::{self, Function};
use crate::template::Schedule;

/// DynamoDB takes up to two days; a developer should not have to wait for it.
const EXPIRY_EVERY: Duration = Duration::from_secs(60);

/// Running schedules; dropped, they end. What an invocation under way does not get done any more,
/// the next one makes up for.
#[derive(Debug)]
pub(crate) struct Scheduler {
    tasks: TaskTracker,
    stop: CancellationToken,
    running: DropGuard,
}

impl Scheduler {
    /// Starts all schedules.
    ///
    /// # Errors
    /// When one is of a function that there is not.
    pub(crate) fn start(
        schedules: Vec<Schedule>,
        functions: &HashMap<String, Function>,
        expiry: Expiry,
    ) -> Result<Self> {
        let stop = CancellationToken::new();
        let running = stop.clone().drop_guard();
        let scheduler = Self { tasks: TaskTracker::new(), stop, running };
        for Schedule { function: name, every, input } in schedules {
            let function = functions.get(&name);
            let function =
                function.with_context(|| format!("there is no function {name}"))?.clone();
            scheduler.run(every, move || {
                let (function, name, input) = (function.clone(), name.clone(), input.clone());
                async move {
                    if let Err(failure) = functions::invoke(&function, input.clone()).await {
                        tracing::warn!("{name} with {input} failed: {failure}");
                    }
                }
            });
        }
        scheduler.run(EXPIRY_EVERY, move || expiry.clone().drop_what_expired());
        scheduler.tasks.close();
        Ok(scheduler)
    }

    fn run<T>(&self, every: Duration, task: impl Fn() -> T + Send + Sync + 'static)
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let mut clock = interval(every);
            clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let run = async {
                    clock.tick().await;
                    task().await;
                };
                tokio::select! {
                    () = run => {}
                    () = stop.cancelled() => return,
                }
            }
        });
    }

    /// Ends them.
    pub(crate) async fn stop(self) {
        drop(self.running);
        self.tasks.wait().await;
    }
}
