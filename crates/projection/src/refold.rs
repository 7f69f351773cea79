//! Streams folded anew, after somebody rewrote a commit in place: a redaction, or a mended poison.
//!
//! What was rewritten, how often and in which order does not matter, as it is always the table
//! that is read. The position is read before the table: so of two that fold the same stream anew,
//! the one whose rows stay has read what the other one has, or more.

use std::{collections::BTreeSet, slice};

use decider::{StreamId, Version};

use crate::{
    ApplyError, CommitSource, Delivery, Engine, ReadModel, Report, Statement,
    failure::{Meaning, Patience, meaning},
    position::{self, Advance, Position},
    quarantine,
    report::Applied,
};

/// Where the fold of a stream ends before its last commit.
#[derive(Clone, Copy)]
struct End<'a> {
    /// After so many of its commits.
    after: usize,
    /// What the database said of the next one; nothing, while that is still looked for.
    refused: Option<&'a str>,
}

impl<M: ReadModel, S: CommitSource> Engine<M, S> {
    /// Reads streams whole and replaces all of their rows, each in one transaction with its
    /// position. A parked stream is parked no more, unless a commit still cannot be applied; what
    /// was skipped stays so. Of a stream with no commit nothing is changed: its removal will come.
    ///
    /// # Errors
    /// [`ApplyError`] when the table or the database is away: fold them again.
    pub async fn refold(
        &self,
        streams: impl IntoIterator<Item = StreamId>,
    ) -> Result<Report, ApplyError> {
        let mut report = Report::default();
        for stream in streams {
            report += match self.refold_settled(&stream, None).await {
                Err(ApplyError::Database(refused)) if meaning(&refused) == Meaning::Poison => {
                    self.refold_as_far_as_it_goes(&stream, refused.to_string()).await?
                }
                settled => settled?,
            };
        }
        Ok(report)
    }

    /// Finds two neighbours of which the database takes the rows up to the first one, and refuses
    /// them up to the second. On the way the rows are always those of the position.
    async fn refold_as_far_as_it_goes(
        &self,
        stream: &StreamId,
        mut refused: String,
    ) -> Result<Report, ApplyError> {
        let commits = self.source().read_after(stream, Version::NONE).await;
        let (mut taken, mut too_far) = (0, commits.map_err(ApplyError::Source)?.len());
        while taken + 1 < too_far {
            let after = usize::midpoint(taken, too_far);
            match self.refold_settled(stream, Some(End { after, refused: None })).await {
                Ok(_) => taken = after,
                Err(ApplyError::Database(error)) if meaning(&error) == Meaning::Poison => {
                    (too_far, refused) = (after, error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        self.refold_settled(stream, Some(End { after: taken, refused: Some(&refused) })).await
    }

    async fn refold_settled(
        &self,
        stream: &StreamId,
        end: Option<End<'_>>,
    ) -> Result<Report, ApplyError> {
        let mut patience = Patience::default();
        loop {
            match self.refold_once(stream, end).await {
                Err(error) if patience.lasts(&error) => patience.pause().await,
                settled => return settled,
            }
        }
    }

    async fn refold_once(
        &self,
        stream: &StreamId,
        end: Option<End<'_>>,
    ) -> Result<Report, ApplyError> {
        let (mut positions, mut tables) = self.read(std::iter::once(stream)).await?;
        let position = positions.remove(stream).unwrap_or_default();
        if position.removed {
            return Ok(Report { gone: 1, ..Report::default() });
        }
        let refolds = self.refolds_after(stream, &position).await?;
        let commits = self.source().read_after(stream, Version::NONE).await;
        let commits = commits.map_err(ApplyError::Source)?;
        if commits.is_empty() {
            return Ok(Report::default());
        }
        let erases = commits.iter().any(Delivery::erases);
        let erased = if erases { slice::from_ref(stream) } else { &[] };
        self.leave_the_previous_generation(erased).await?;
        let skipped = quarantine::skipped(self.pool(), stream).await?;
        M::each(&mut tables).into_iter().for_each(|table| table.clear());
        let mut step = Advance::from(stream, &position);
        (step.applied, step.refolds) = (Version::NONE, refolds);
        self.fold_whole(&mut tables, &mut step, &commits, (&skipped, end));
        let mut statement = Statement::anew(vec![stream.clone()]);
        position::refold(&step, position.refolds, &mut statement).map_err(sqlx::Error::Encode)?;
        self.write(statement, tables).await?;
        self.leave_the_previous_generation(erased).await?;
        let mut done = Applied::default();
        done.note(step);
        Ok(Report { applied: 0, refolded: 1, ..done.report })
    }

    /// How often a stream was folded anew, this time included. The live generation counts; the next
    /// one only notes up to where it has seen what the live one has, asked before the commits are
    /// read: did it count, too, an erasure that it reads first would hide a later redaction.
    async fn refolds_after(
        &self,
        stream: &StreamId,
        position: &Position,
    ) -> Result<i64, ApplyError> {
        if self.writes_all() {
            return Ok(position.refolds + 1);
        }
        let sql = "select refolds from public.position where stream = $1";
        let live: Option<i64> =
            sqlx::query_scalar(sql).bind(stream.as_str()).fetch_optional(self.pool()).await?;
        Ok(position.refolds.max(live.unwrap_or(0)))
    }

    /// Folds a stream from its beginning, but for what is skipped, as far as it goes.
    fn fold_whole(
        &self,
        tables: &mut M::Tables,
        step: &mut Advance,
        commits: &[Delivery],
        (skipped, end): (&BTreeSet<Version>, Option<End<'_>>),
    ) {
        for (place, delivery) in commits.iter().enumerate() {
            pass_over(skipped, step);
            if delivery.version() <= step.applied {
                continue;
            }
            let end = end.filter(|end| place >= end.after);
            let far_enough = end.is_some_and(|end| end.refused.is_none());
            if far_enough || !self.fold(tables, step, delivery, end.and_then(|end| end.refused)) {
                return;
            }
        }
        pass_over(skipped, step);
    }
}

/// Moves a step over the commits that somebody decided to leave out.
fn pass_over(skipped: &BTreeSet<Version>, step: &mut Advance) {
    while skipped.contains(&step.applied.next()) {
        step.applied = step.applied.next();
    }
}
