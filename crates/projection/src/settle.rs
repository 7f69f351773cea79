//! A batch until it is settled: what is refused is halved, and who was too late tries again.

use decider::Version;
use tracing::debug;

use crate::{
    ApplyError, CommitSource, Engine, ReadModel,
    batch::Batch,
    engine::begins,
    failure::{Meaning, Patience, meaning},
    report::Applied,
};

/// Of which streams the rows are not read before they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Of those that begin in the batch.
    New,
    /// Of none.
    None,
}

impl<M: ReadModel, S: CommitSource> Engine<M, S> {
    /// Poison takes nobody with it: a batch that the database refuses is halved until the commit
    /// that it refuses stands alone.
    pub(crate) async fn apply_or_split(&self, batch: Batch) -> Result<Applied, ApplyError> {
        let mut done = Applied::default();
        let mut open = vec![batch];
        while let Some(mut batch) = open.pop() {
            let refused = match self.apply_settled(&batch, None).await {
                Ok(applied) => {
                    done += applied;
                    continue;
                }
                Err(ApplyError::Database(refused)) if meaning(&refused) == Meaning::Poison => {
                    refused
                }
                Err(error) => return Err(error),
            };
            let middle = batch.keys().nth(batch.len() / 2).cloned();
            match middle {
                Some(middle) if batch.len() > 1 => {
                    open.push(batch.split_off(&middle));
                    open.push(batch);
                }
                _ => done += self.apply_one_by_one(batch, &refused).await?,
            }
        }
        Ok(done)
    }

    /// One stream whose commits the database refuses as a whole: as far as it goes, then park.
    async fn apply_one_by_one(
        &self,
        batch: Batch,
        refused: &sqlx::Error,
    ) -> Result<Applied, ApplyError> {
        let mut done = Applied::default();
        let (positions, _) = self.read(batch.keys()).await?;
        let Some((stream, mut steps)) = batch.into_iter().next() else { return Ok(done) };
        let applied = positions.get(&stream).map_or(Version::NONE, |position| position.applied);
        let healed = self.source().read_after(&stream, applied).await;
        for delivery in healed.map_err(ApplyError::Source)? {
            steps.insert(delivery.version(), delivery);
        }
        for (version, delivery) in steps {
            let alone = Batch::from([(stream.clone(), [(version, delivery)].into())]);
            match self.apply_settled(&alone, None).await {
                Ok(applied) => done += applied,
                Err(ApplyError::Database(error)) if meaning(&error) == Meaning::Poison => {
                    done += self.apply_settled(&alone, Some(&error)).await?;
                    return Ok(done);
                }
                Err(error) => return Err(error),
            }
        }
        debug!(%stream, error = %refused, "refused together, accepted one by one");
        Ok(done)
    }

    /// Tries until no other projector is faster.
    async fn apply_settled(
        &self,
        batch: &Batch,
        refused: Option<&sqlx::Error>,
    ) -> Result<Applied, ApplyError> {
        // Most streams are new when their first commit comes: then there is nothing to read. If
        // one is not, the write fails, as it does when somebody was faster; and what the database
        // refuses may have been mended since. So nothing but success settles it.
        let is_new = refused.is_none() && batch.values().any(begins);
        let mut unread = if is_new { Unread::New } else { Unread::None };
        let mut patience = Patience::default();
        loop {
            match self.apply_once(batch, refused, unread).await {
                Err(ApplyError::Database(error))
                    if unread == Unread::New && meaning(&error) != Meaning::Infrastructure =>
                {
                    unread = Unread::None;
                }
                Err(error) if patience.lasts(&error) => patience.pause().await,
                settled => return settled,
            }
        }
    }
}
