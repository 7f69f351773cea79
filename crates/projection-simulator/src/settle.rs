//! When the dust has settled: mended, swept, redriven, and compared.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use projection::{Checked, Delivery, RedriveError, Report, StreamId, Version};

use crate::{
    Domain, Plan, Simulator,
    plan::WayOut,
    rows::{self, Rows},
    simulator::told,
};

impl Plan {
    /// What is at a place of the history once everything that can be mended is.
    pub(crate) fn in_the_end(&self, place: usize) -> Delivery {
        let mut poison = self.poison.iter();
        if poison.any(|poison| poison.place == place && poison.way_out == WayOut::Mended) {
            Delivery::Commit(self.history[place].clone())
        } else {
            self.written(place)
        }
    }

    /// The place of a commit that cannot be applied, and what becomes of it.
    fn poisoned(&self, stream: &StreamId, version: Version) -> Option<(usize, WayOut)> {
        let at = |place: usize| {
            let commit = &self.history[place];
            commit.stream == *stream && commit.version == version
        };
        let poison = self.poison.iter().find(|poison| at(poison.place))?;
        Some((poison.place, poison.way_out))
    }

    pub(crate) fn is_skipped(&self, stream: &StreamId, version: Version) -> bool {
        self.poisoned(stream, version).is_some_and(|(_, way_out)| way_out == WayOut::Skipped)
    }
}

impl<D: Domain> Simulator<D> {
    /// What an operator does once the faults are over.
    pub(crate) async fn settle(&self, plan: &Plan) -> anyhow::Result<()> {
        self.table.put(plan.all_written());
        self.sweep().await?;
        while let Some((stream, version)) = self.parked().await? {
            let Some((place, way_out)) = plan.poisoned(&stream, version) else {
                let error = self.quarantined_for(&stream, version).await?;
                bail!("{stream} is parked at {version}, which nobody poisoned: {error}");
            };
            let report = match way_out {
                WayOut::Mended => {
                    self.table.put([plan.in_the_end(place)]);
                    self.engine.redrive(&stream).await
                }
                WayOut::Skipped => self.engine.skip(&stream, "as planned").await,
            };
            report.with_context(|| format!("{stream} {version}, {way_out:?}"))?;
            ensure!(
                self.parked().await? != Some((stream.clone(), version)),
                "{stream} {version} is {way_out:?} and still parked"
            );
        }
        self.sweep().await
    }

    async fn sweep(&self) -> anyhow::Result<()> {
        let newest = self.table.newest();
        self.engine.sweep(&newest).await.context("a sweep in the end")?;
        let again = self.engine.sweep(&newest).await.context("a second sweep")?;
        ensure!(again.behind == 0, "{} streams are behind after a sweep", again.behind);
        Ok(())
    }

    /// What must hold in the end.
    pub(crate) async fn check(&self, plan: &Plan, expected: &Rows) -> anyhow::Result<()> {
        self.check_quarantine(plan).await?;
        let known: BTreeSet<_> = plan.history.iter().map(|commit| &commit.stream).collect();
        let checked = self.verify(plan, &known).await.context("verifying")?;
        told(&checked)?;
        let unfinished = checked.lagging_streams + checked.parked_streams + checked.absent_streams;
        ensure!(unfinished == 0, "{unfinished} streams are behind, parked or unknown");
        let (streams, all) = (checked.streams, known.len());
        ensure!(streams == all as u64, "{streams} of {all} streams have rows");
        let found = self.rows().await?;
        if let Some(difference) = rows::difference(expected, &found) {
            bail!("the rows are not those of the same commits one by one:\n{difference}");
        }
        self.deliver_all_again(plan, &found).await
    }

    async fn verify(&self, plan: &Plan, known: &BTreeSet<&StreamId>) -> anyhow::Result<Checked> {
        if !plan.thorough {
            let streams: Vec<_> = known.iter().copied().cloned().collect();
            return Ok(self.verifier.verify(&streams).await?);
        }
        let mut all = Checked::default();
        let mut run = self.verifier.all().await?;
        while let Some(checked) = run.next().await? {
            all += checked;
        }
        Ok(all)
    }

    /// Late duplicates change nothing, those of what was mended since neither.
    async fn deliver_all_again(&self, plan: &Plan, before: &Rows) -> anyhow::Result<()> {
        let all = plan.all_written();
        let duplicates = all.len() as u64;
        let report = self.engine.apply(all).await.context("all of it once more")?;
        let expected = Report { duplicates, ..Report::default() };
        ensure!(report == expected, "all of it once more: {report:?}");
        let after = self.rows().await?;
        match rows::difference(before, &after) {
            Some(difference) => bail!("all of it once more changed rows:\n{difference}"),
            None => Ok(()),
        }
    }

    /// Only what was poisoned was ever in quarantine, and it is dealt with.
    async fn check_quarantine(&self, plan: &Plan) -> anyhow::Result<()> {
        let all = projection::quarantined(&self.control, true).await.context("the quarantine")?;
        for commit in all {
            let (stream, version) =
                (commit.stream.parse()?, Version(commit.version.unsigned_abs()));
            let place = format!("{stream} {version} ({})", commit.error);
            ensure!(
                plan.poisoned(&stream, version).is_some(),
                "{place} was in quarantine, and nobody poisoned it"
            );
            ensure!(commit.resolution.is_some(), "{place} is still in quarantine");
        }
        Ok(())
    }

    /// A stream that is parked, and at which commit.
    pub(crate) async fn parked(&self) -> anyhow::Result<Option<(StreamId, Version)>> {
        let sql = "select stream, applied + 1 from position where parked order by stream limit 1";
        let found: Option<(String, i64)> =
            sqlx::query_as(sql).fetch_optional(&self.control).await.context("what is parked")?;
        let Some((stream, version)) = found else { return Ok(None) };
        Ok(Some((stream.parse()?, Version(version.unsigned_abs()))))
    }

    /// Redrives all that is parked, whether or not that helps.
    pub(crate) async fn redrive(&self) -> anyhow::Result<()> {
        let sql = "select stream from position where parked order by stream";
        let parked: Vec<String> = sqlx::query_scalar(sql).fetch_all(&self.control).await?;
        for stream in parked {
            match self.engine.redrive(&stream.parse()?).await {
                // Somebody else was faster.
                Ok(_) | Err(RedriveError::NotParked(_)) => {}
                Err(RedriveError::Apply(error)) => return Err(error).context("a redrive"),
            }
        }
        Ok(())
    }

    async fn quarantined_for(&self, stream: &StreamId, version: Version) -> anyhow::Result<String> {
        let sql = "select error from quarantine where stream = $1 and version = $2";
        let error = sqlx::query_scalar(sql).bind(stream.as_str()).bind(i64::try_from(version.0)?);
        let error: Option<String> = error.fetch_optional(&self.control).await?;
        Ok(error.unwrap_or_else(|| "without a word in the quarantine".to_owned()))
    }
}
