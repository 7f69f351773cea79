//! The time from a commit to its rows.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use hdrhistogram::Histogram;

/// How long commits took from being recorded to their batch's success, in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Lag(Arc<Mutex<Histogram<u64>>>);

impl Lag {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Histogram::new(3).expect("3 significant digits are in 0..=5"))))
    }

    /// Counts a commit that was recorded at `recorded_at` and is visible `now`.
    pub(crate) fn record(&self, recorded_at: DateTime<Utc>, now: DateTime<Utc>) {
        let lag_ms = u64::try_from((now - recorded_at).num_milliseconds()).unwrap_or(0);
        let mut histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.saturating_record(lag_ms);
    }

    pub(crate) fn snapshot(&self) -> Histogram<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
