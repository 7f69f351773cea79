//! Faults that production has and a laptop does not: what the stream may do to a projector.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How likely each fault is, from 0 to 1.
///
/// Written `twice=0.1,reorder=0.1,crash-before=0.05,crash-after=0.05,lose=0.01,seed=7`; what is
/// left out does not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaultPlan {
    /// A batch that was delivered comes again.
    pub twice: f64,
    /// A record changes places in its batch and one is held back to come after a later batch.
    pub reorder: f64,
    /// An invocation fails before the function ran.
    pub crash_before: f64,
    /// An invocation fails after the function did all its work.
    pub crash_after: f64,
    /// A record is never delivered.
    pub lose: f64,
    /// Equal seeds draw equal numbers.
    pub seed: u64,
}

impl FromStr for FaultPlan {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut plan = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .with_context(|| format!("fault `{part}` is not of the form name=probability"))?;
            let target = match name {
                "twice" => &mut plan.twice,
                "reorder" => &mut plan.reorder,
                "crash-before" => &mut plan.crash_before,
                "crash-after" => &mut plan.crash_after,
                "lose" => &mut plan.lose,
                "seed" => {
                    plan.seed = value
                        .parse()
                        .with_context(|| format!("seed `{value}` is no whole number"))?;
                    continue;
                }
                _ => bail!(
                    "fault `{name}` is unknown: there are twice, reorder, crash-before, crash-after, lose and seed"
                ),
            };
            let probability: f64 =
                value.parse().with_context(|| format!("fault {name}: `{value}` is no number"))?;
            ensure!(
                (0.0..=1.0).contains(&probability),
                "fault {name}: {value} is no probability from 0 to 1"
            );
            *target = probability;
        }
        Ok(plan)
    }
}

/// When an invocation is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// Before the function ran.
    Before,
    /// After it ran.
    After,
}

/// Draws what goes wrong.
#[derive(Debug)]
pub(crate) struct Faults {
    plan: FaultPlan,
    random: Mutex<StdRng>,
}

impl Faults {
    pub(crate) fn new(plan: FaultPlan) -> Self {
        Self { plan, random: Mutex::new(StdRng::seed_from_u64(plan.seed)) }
    }

    pub(crate) fn twice(&self) -> bool {
        self.draw(self.plan.twice)
    }

    pub(crate) fn lose(&self) -> bool {
        self.draw(self.plan.lose)
    }

    pub(crate) fn crash(&self) -> Option<Crash> {
        if self.draw(self.plan.crash_before) {
            Some(Crash::Before)
        } else {
            self.draw(self.plan.crash_after).then_some(Crash::After)
        }
    }

    /// Swaps two records of a batch and returns one of the others, to be delivered with a later
    /// batch.
    pub(crate) fn reorder<T>(&self, batch: &mut Vec<T>) -> Option<T> {
        if batch.is_empty() || !self.draw(self.plan.reorder) {
            return None;
        }
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let (one, other) =
            (random.random_range(0..batch.len()), random.random_range(0..batch.len()));
        batch.swap(one, other);
        let held_back = random.random_range(0..batch.len());
        Some(batch.remove(held_back))
    }

    fn draw(&self, probability: f64) -> bool {
        // Without faults nothing is drawn, so that a seed means the same whichever are on.
        probability > 0.0
            && self.random.lock().unwrap_or_else(PoisonError::into_inner).random_bool(probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_as_it_is_written() {
        let plan: FaultPlan = "twice=0.1, lose=0.01,seed=7".parse().expect("it is valid");
        assert_eq!(plan, FaultPlan { twice: 0.1, lose: 0.01, seed: 7, ..FaultPlan::default() });
        assert_eq!("".parse::<FaultPlan>().expect("no faults are valid"), FaultPlan::default());
    }

    #[test]
    fn a_mistake_in_a_plan_is_named() {
        for (text, complaint) in [
            (
                "thrice=0.1",
                "fault `thrice` is unknown: there are twice, reorder, crash-before, crash-after, lose and seed",
            ),
            ("lose=2", "fault lose: 2 is no probability from 0 to 1"),
            ("lose", "fault `lose` is not of the form name=probability"),
            ("lose=often", "fault lose: `often` is no number"),
        ] {
            assert_eq!(text.parse::<FaultPlan>().expect_err("it is wrong").to_string(), complaint);
        }
    }

    #[test]
    fn reordering_never_makes_or_loses_a_record() {
        let faults = Faults::new(FaultPlan { reorder: 1.0, ..FaultPlan::default() });
        for size in 1..20 {
            let mut batch: Vec<usize> = (0..size).collect();
            let held_back = faults.reorder(&mut batch);
            batch.extend(held_back);
            batch.sort_unstable();
            assert_eq!(batch, (0..size).collect::<Vec<_>>());
        }
    }
}
