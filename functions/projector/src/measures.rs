//! What the projector tells CloudWatch, by name.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ordering_views::{Applied, Progress, views_of};
use telemetry::{Metric, Telemetry, Unit};

use crate::Sweep;

/// The projector's metrics.
#[derive(Clone, Debug)]
pub(crate) struct Measures {
    telemetry: Telemetry,
}

impl Measures {
    pub(crate) fn new(telemetry: Telemetry) -> Self {
        Self { telemetry }
    }

    /// A batch of so many records is done.
    pub(crate) fn batch(&self, records: usize, applied: &Applied) {
        let report = applied.report;
        let metrics = [
            Metric::count("BatchSize", records as u64),
            Metric::count("Applied", report.applied),
            Metric::count("Duplicates", report.duplicates + report.gone),
            Metric::count("Heals", report.heals),
            Metric::count("Quarantined", report.quarantined),
            Metric::count("Refolded", report.refolded),
            Metric::count("Removed", report.removed),
        ];
        self.telemetry.record(&[], &metrics);
        self.visible(applied, Utc::now());
    }

    /// A batch has to come again. To Lambda that is an answer like any other, and no error.
    pub(crate) fn failed(&self) {
        self.telemetry.record(&[], &[Metric::count("FailedBatches", 1)]);
    }

    /// From the clock of the command function to that of this one, for each view that shows it.
    fn visible(&self, applied: &Applied, now: DateTime<Utc>) {
        let mut lags: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        for (stream, recorded_at) in &applied.visible {
            let lag_ms = (now - *recorded_at).num_milliseconds().max(0);
            for view in views_of(stream.category()) {
                // No lag has more milliseconds than a float has places.
                lags.entry(view).or_default().push(lag_ms as f64);
            }
        }
        for (view, lags) in lags {
            let lag = Metric::distribution("CommitToVisible", Unit::Milliseconds, lags);
            self.telemetry.record(&[("View", view)], &[lag]);
        }
    }

    /// A sweep is done.
    pub(crate) fn swept(&self, sweep: &Sweep) {
        let read_units = sweep.read_units.ceil().max(0.0) as u64;
        let metrics = [
            Metric::count("SweepReadUnits", read_units),
            Metric::count("SweepBehind", sweep.behind),
            Metric::count("Applied", sweep.applied),
        ];
        self.telemetry.record(&[], &metrics);
    }

    /// How the projection stands, before the next beats.
    pub(crate) fn beat(&self, progress: &Progress, waiting_ms: i64) {
        let parked = progress.views.iter().map(|view| view.parked_streams).max().unwrap_or(0);
        let lag = Metric::distribution("BeatLag", Unit::Milliseconds, vec![waiting_ms as f64]);
        let metrics = [
            Metric::count("Parked", parked.unsigned_abs()),
            Metric::count("ProjectionStopped", u64::from(progress.stopped)),
            lag,
        ];
        self.telemetry.record(&[], &metrics);
        for view in &progress.views {
            let Some(at) = view.last_applied_at else { continue };
            let seconds = at.timestamp().unsigned_abs();
            self.telemetry.record(&[("View", &view.name)], &[Metric::count("Position", seconds)]);
        }
    }
}
