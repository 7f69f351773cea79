//! What is told of a seed.

use std::{collections::BTreeMap, fmt, ops::AddAssign};

use projection::Report;

use crate::{Fault, Plan};

/// What happened while plans were carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Plans.
    pub seeds: u64,
    /// Commits in their histories.
    pub commits: u64,
    /// Invocations of a projector, failed ones too.
    pub invocations: u64,
    /// How often each fault came about, not only in the plan.
    pub faults: BTreeMap<Fault, u64>,
    /// What the invocations that came through said.
    pub report: Report,
    /// Tells one order of the projectors' turns from another.
    pub order: u64,
}

impl Summary {
    /// Counts one invocation.
    pub(crate) fn count(&mut self, struck: Option<Fault>, report: Option<&Report>) {
        self.invocations += 1;
        if let Some(fault) = struck {
            *self.faults.entry(fault).or_default() += 1;
        }
        self.report += report.copied().unwrap_or_default();
    }
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.commits += other.commits;
        self.invocations += other.invocations;
        for (fault, times) in other.faults {
            *self.faults.entry(fault).or_default() += times;
        }
        self.report += other.report;
        self.order = self.order.wrapping_add(other.order);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, commits, invocations, faults, report, .. } = self;
        let Report { applied, duplicates, heals, quarantined, queued, .. } = report;
        write!(
            f,
            "{seeds} seeds, {commits} commits, {invocations} invocations: {applied} applied, \
             {duplicates} duplicates, {heals} heals, {quarantined} quarantined, {queued} queued; \
             faults:"
        )?;
        for (fault, times) in faults {
            write!(f, " {fault:?} {times}")?;
        }
        Ok(())
    }
}

/// A seed that came out otherwise than it must.
#[derive(Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What was wrong in the smallest plan.
    pub reason: anyhow::Error,
    /// The smallest plan that was found to fail.
    pub plan: Plan,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, reason, plan } = self;
        writeln!(f, "SEED={seed} fails, and so does less of it: {plan}{reason:#}")
    }
}

impl std::error::Error for Failure {}
