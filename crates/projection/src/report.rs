//! What became of a batch.

use std::ops::AddAssign;

use decider::{StreamId, Timestamp};
use tracing::error;

use crate::position::{Advance, Quarantined};

/// What became of a batch, in commits, if it does not say otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Applied now.
    pub applied: u64,
    /// Dropped, as they were applied before.
    pub duplicates: u64,
    /// Streams that were read again because something was missing.
    pub heals: u64,
    /// Quarantined now; their streams are parked.
    pub quarantined: u64,
    /// Left alone, as their stream is parked.
    pub queued: u64,
    /// Dropped, as their stream is no more.
    pub gone: u64,
    /// Streams that were folded anew, because somebody rewrote a commit.
    pub refolded: u64,
    /// Streams that were removed now.
    pub removed: u64,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.applied += other.applied;
        self.duplicates += other.duplicates;
        self.heals += other.heals;
        self.quarantined += other.quarantined;
        self.queued += other.queued;
        self.gone += other.gone;
        self.refolded += other.refolded;
        self.removed += other.removed;
    }
}

/// What became of a batch, with each commit that became visible by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// In numbers.
    pub report: Report,
    /// The stream of each commit, and when it was recorded.
    pub visible: Vec<(StreamId, Timestamp)>,
}

impl AddAssign for Applied {
    fn add_assign(&mut self, other: Self) {
        self.report += other.report;
        self.visible.extend(other.visible);
    }
}

impl Applied {
    /// Counts a step that was written.
    pub(crate) fn note(&mut self, step: Advance) {
        let Advance { stream, recorded, quarantined, .. } = step;
        if let Some(Quarantined { version, error, .. }) = &quarantined {
            error!(%stream, %version, error, "quarantined; the stream is parked");
        }
        self.report.applied += recorded.len() as u64;
        self.report.quarantined += u64::from(quarantined.is_some());
        self.visible.extend(recorded.into_iter().map(|at| (stream.clone(), at)));
    }
}
