//! Which seeds a test runs.

use std::env;

use crate::{Domain, Failure, Simulator, Summary};

/// Names one seed to be run in place of all.
pub const SEED: &str = "SEED";

/// A share of a fixed set of seeds, for a test that runs beside others: of `0..all` those that
/// leave `number` when divided by `shares`. With `SEED=n` in the environment, that seed alone and
/// only in the share that it would belong to.
///
/// # Panics
/// When `SEED` is not a number.
#[must_use]
pub fn seeds(all: u64, number: u64, shares: u64) -> Vec<u64> {
    let named = env::var(SEED).ok().map(|seed| {
        seed.parse().unwrap_or_else(|error| panic!("the environment variable {SEED}: {error}"))
    });
    of_share(named, all, number, shares)
}

fn of_share(named: Option<u64>, all: u64, number: u64, shares: u64) -> Vec<u64> {
    let candidates = named.map_or(0..all, |seed| seed..seed.saturating_add(1));
    candidates.filter(|seed| seed % shares == number).collect()
}

impl<D: Domain> Simulator<D> {
    /// Runs seeds one after the other, up to the first that fails.
    ///
    /// # Errors
    /// Its [`Failure`].
    pub async fn run_all(
        &self,
        seeds: impl IntoIterator<Item = u64> + Send,
    ) -> Result<Summary, Box<Failure>> {
        let mut summary = Summary::default();
        for seed in seeds.into_iter().collect::<Vec<_>>() {
            summary += self.run(seed).await?;
        }
        Ok(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_hold_each_seed_once() {
        let mut all: Vec<u64> = (0..4).flat_map(|share| of_share(None, 10, share, 4)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_named_seed_is_run_by_one_share_alone() {
        let runs = |share| of_share(Some(4711), 10, share, 4);
        assert_eq!([runs(0), runs(1), runs(2), runs(3)], [vec![], vec![], vec![], vec![4711]]);
        assert_eq!(of_share(Some(u64::MAX - 1), 10, 2, 4), [u64::MAX - 1]);
    }
}
