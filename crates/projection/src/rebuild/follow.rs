//! Projectors write both generations while there are two.

use std::{collections::BTreeSet, sync::Arc};

use decider::{StreamId, Timestamp, Version};
use sqlx::{Executor, PgPool};
use tokio::sync::Mutex;
use tracing::warn;

use super::{NEXT, schema::is_whole, tables, views};
use crate::{
    Applied, ApplyError, CommitSource, Delivery, Engine, ReadModel, Removed, Report, View,
};

/// Rows of the next generation resolve first; what it does not have, such as `expect_moved`, is
/// the live one's. An index that is being built makes nobody wait for long.
const SESSION: &str = "set search_path = next_generation, public; set lock_timeout = '2s'; \
     set jit = off; set plan_cache_mode = force_generic_plan";

/// An engine that writes the next generation.
pub(super) async fn engine<M: ReadModel, S: CommitSource>(
    live: &PgPool,
    (model, source): (M, S),
    views: &[&'static View],
) -> Result<Engine<M, S>, sqlx::Error> {
    let options = live.options().clone().after_connect(|connection, _| {
        Box::pin(async move { connection.execute(SESSION).await.map(|_| ()) })
    });
    let pool = options.connect_lazy_with(live.connect_options().as_ref().clone());
    let left_out = left_out(live).await?;
    Ok(Engine::new(pool, model, source).only(tables(views)).leaving_out(left_out))
}

/// The commits that somebody decided to leave out.
pub(super) async fn left_out(live: &PgPool) -> Result<BTreeSet<(StreamId, Version)>, sqlx::Error> {
    let sql = "select stream, version from next_generation.quarantine where resolution = 'skipped'";
    let skipped: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(live).await?;
    let known = skipped.into_iter().filter_map(|(stream, version)| {
        Some((stream.parse().ok()?, Version(version.unsigned_abs())))
    });
    Ok(known.collect())
}

/// The live generation, and the next one where there is one.
#[derive(Clone, Debug)]
pub struct Generations<M, S> {
    live: Engine<M, S>,
    next: Arc<Mutex<Option<Next<M, S>>>>,
}

#[derive(Clone, Debug)]
struct Next<M, S> {
    started_at: Timestamp,
    views: Vec<&'static View>,
    engine: Engine<M, S>,
}

impl<M, S> Next<M, S> {
    /// Whether the stream's commits are in any of its views.
    fn shows(&self, stream: &StreamId) -> bool {
        self.views.iter().any(|view| view.shows(stream))
    }
}

impl<M: ReadModel + Clone, S: CommitSource + Clone> Generations<M, S> {
    /// Generations of which `live` writes the live one.
    #[must_use]
    pub fn of(live: Engine<M, S>) -> Self {
        Self { live, next: Arc::default() }
    }

    /// The live generation's engine.
    #[must_use]
    pub fn live(&self) -> &Engine<M, S> {
        &self.live
    }

    /// Applies a batch to the live generation, and then to the next one where there is one. What
    /// the next one misses never holds up the live one: it catches up before it is swapped in.
    ///
    /// # Errors
    /// See [`Engine::apply`].
    pub async fn apply(&self, deliveries: Vec<Delivery>) -> Result<Report, ApplyError> {
        Ok(self.apply_each(deliveries).await?.report)
    }

    /// As [`Self::apply`], and tells of each commit that became visible in the live generation.
    ///
    /// # Errors
    /// See [`Engine::apply`].
    pub async fn apply_each(&self, deliveries: Vec<Delivery>) -> Result<Applied, ApplyError> {
        let again = self.live.is_followed().then(|| deliveries.clone());
        let applied = self.live.apply_each(deliveries).await?;
        self.follow(again, async |next, mut deliveries: Vec<Delivery>| {
            deliveries.retain(|delivery| next.shows(delivery.stream()));
            next.engine.apply(deliveries).await
        })
        .await;
        Ok(applied)
    }

    /// Folds streams anew in the live generation, and then in the next one where there is one.
    ///
    /// # Errors
    /// See [`Engine::refold`].
    pub async fn refold(&self, streams: BTreeSet<StreamId>) -> Result<Report, ApplyError> {
        if streams.is_empty() {
            return Ok(Report::default());
        }
        let report = self.live.refold(streams.clone()).await?;
        let again = self.live.is_followed().then_some(streams);
        self.follow(again, async |next, streams| {
            next.engine.refold(streams.into_iter().filter(|stream| next.shows(stream))).await
        })
        .await;
        Ok(report)
    }

    /// Removes streams from the live generation, and then from the next one where there is one.
    ///
    /// # Errors
    /// See [`Engine::remove`].
    pub async fn remove(&self, removed: Vec<Removed>) -> Result<Report, ApplyError> {
        if removed.is_empty() {
            return Ok(Report::default());
        }
        let report = self.live.remove(removed.clone()).await?;
        let again = self.live.is_followed().then_some(removed);
        self.follow(again, async |next, mut removed: Vec<Removed>| {
            removed.retain(|removed| next.shows(&removed.stream));
            next.engine.remove(removed).await
        })
        .await;
        Ok(report)
    }

    /// Does to the next generation what was done to the live one.
    async fn follow<T>(
        &self,
        again: Option<T>,
        what: impl AsyncFnOnce(Next<M, S>, T) -> Result<Report, ApplyError>,
    ) {
        let done = match again {
            Some(again) => match self.next().await {
                Ok(Some(next)) => what(next, again).await.map(drop),
                settled => settled.map(drop),
            },
            None => {
                *self.next.lock().await = None;
                return;
            }
        };
        if let Err(error) = done {
            warn!(%error, "the next generation missed a batch; it has to catch up");
            *self.next.lock().await = None;
        }
    }

    /// The next generation; made anew when it is another one than that of the last batch.
    async fn next(&self) -> Result<Option<Next<M, S>>, ApplyError> {
        let live = self.live.pool();
        let sql = "select started_at, views from rebuild where followed";
        let found: Option<(Timestamp, Vec<String>)> =
            sqlx::query_as(sql).fetch_optional(live).await?;
        let mut next = self.next.lock().await;
        let Some((started_at, names)) = found else {
            *next = None;
            return Ok(None);
        };
        if next.as_ref().is_none_or(|next| next.started_at != started_at) {
            // A view that this build does not have is of a newer one: its projectors write it.
            let Ok(views) = views::<M>(&names) else { return Ok(None) };
            // One that lacks a table is of an older one: for a name that it lacks, the live table
            // would be taken.
            if !is_whole(live, NEXT, &tables(&views)).await? {
                return Ok(None);
            }
            let parts = (self.live.model().clone(), self.live.source().clone());
            let engine = engine(live, parts, &views).await?;
            *next = Some(Next { started_at, views, engine });
        }
        Ok(next.clone())
    }
}
