//! Reading no faster than allowed.

use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant, sleep_until};

/// What several readers may read together.
#[derive(Debug)]
pub(super) struct Pace {
    units_per_second: Option<u32>,
    since: Instant,
    spent: Mutex<f64>,
}

impl Pace {
    pub(super) fn new(units_per_second: Option<u32>) -> Self {
        Self { units_per_second, since: Instant::now(), spent: Mutex::default() }
    }

    /// Notes what a page cost, and waits until the average since the start is within the limit.
    pub(super) async fn spend(&self, units: f64) {
        let spent = {
            let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
            *spent += units;
            *spent
        };
        if let Some(limit) = self.units_per_second {
            sleep_until(self.since + Duration::from_secs_f64(spent / f64::from(limit))).await;
        }
    }

    /// What was read so far, in read units.
    pub(super) fn spent(&self) -> f64 {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn readers_together_stay_within_the_limit() {
        let pace = Pace::new(Some(100));
        let started = Instant::now();
        futures::join!(pace.spend(150.0), pace.spend(50.0));
        assert_eq!(started.elapsed().as_secs(), 2);
        assert!((pace.spent() - 200.0).abs() < f64::EPSILON);
    }
}
