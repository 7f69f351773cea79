//! The smallest plan that still fails.

use std::collections::BTreeSet;

use projection::{StreamId, Version};
use tokio::time::{Duration, Instant};

use crate::{Domain, Plan, Simulator, plan::Step};

/// Longer than this nobody wants to wait for a smaller plan.
const PATIENCE: Duration = Duration::from_secs(30);

/// A plan without the nth thing of a kind; `None` where there are not so many.
type Without = fn(&Plan, usize) -> Option<Plan>;

/// What is left out, the coarse before the fine.
const ORDER: [Without; 7] =
    [all_lanes_but_one, a_stream, a_step, a_fault, a_poison, a_last_commit, a_record];

impl<D: Domain> Simulator<D> {
    /// Leaves out what can be left out while the plan still fails, for whatever reason; gives the
    /// last plan that did, with its reason.
    pub(crate) async fn shrink(
        &self,
        mut plan: Plan,
        mut reason: anyhow::Error,
    ) -> (Plan, anyhow::Error) {
        let deadline = Instant::now() + PATIENCE;
        for without in ORDER {
            let mut number = 0;
            while let Some(smaller) = without(&plan, number) {
                if Instant::now() > deadline {
                    return (plan, reason);
                }
                match self.try_out(&smaller).await {
                    Ok(_) => number += 1,
                    Err(still) => (plan, reason) = (smaller, still),
                }
            }
        }
        (plan, reason)
    }
}

fn all_lanes_but_one(plan: &Plan, number: usize) -> Option<Plan> {
    (plan.lanes > 1 && number == 0).then(|| Plan { lanes: 1, ..plan.clone() })
}

fn a_stream(plan: &Plan, number: usize) -> Option<Plan> {
    let stream = stream(plan, number)?;
    Some(plan.without(|commit| commit.stream == stream))
}

fn a_last_commit(plan: &Plan, number: usize) -> Option<Plan> {
    let stream = stream(plan, number)?;
    let commits = plan.history.iter().filter(|commit| commit.stream == stream).count();
    let last = Version(commits as u64);
    Some(plan.without(|commit| commit.stream == stream && commit.version == last))
}

fn stream(plan: &Plan, number: usize) -> Option<StreamId> {
    let streams: BTreeSet<_> = plan.history.iter().map(|commit| &commit.stream).collect();
    streams.into_iter().nth(number).cloned()
}

fn a_step(plan: &Plan, number: usize) -> Option<Plan> {
    let mut smaller = plan.clone();
    (number < plan.steps.len()).then(|| smaller.steps.remove(number))?;
    Some(smaller)
}

fn a_poison(plan: &Plan, number: usize) -> Option<Plan> {
    let mut smaller = plan.clone();
    (number < plan.poison.len()).then(|| smaller.poison.remove(number))?;
    Some(smaller)
}

fn a_fault(plan: &Plan, number: usize) -> Option<Plan> {
    let mut smaller = plan.clone();
    let mut before = 0;
    for step in &mut smaller.steps {
        let Step::Deliver(invocation) = step else { continue };
        if number - before < invocation.faults.len() {
            invocation.faults.remove(number - before);
            return Some(smaller);
        }
        before += invocation.faults.len();
    }
    None
}

/// From a batch of several; a batch of one is a step.
fn a_record(plan: &Plan, number: usize) -> Option<Plan> {
    let mut smaller = plan.clone();
    let mut before = 0;
    for step in &mut smaller.steps {
        let Step::Deliver(invocation) = step else { continue };
        let records = &mut invocation.records;
        if records.len() == 1 {
            continue;
        }
        if number - before < records.len() {
            records.remove(number - before);
            return Some(smaller);
        }
        before += records.len();
    }
    None
}
