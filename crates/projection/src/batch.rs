//! What is delivered, sorted by stream and version.

use std::collections::BTreeMap;

use decider::{Commit, StreamId, Version};

/// A commit, or what is known of one that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// A commit.
    Commit(Commit),
    /// There is a commit at this place, and this build cannot read it.
    Unreadable(Unreadable),
}

/// A commit that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its stream.
    pub stream: StreamId,
    /// Its place there.
    pub version: Version,
    /// Why not.
    pub error: String,
    /// What was there instead.
    pub payload: String,
}

impl Delivery {
    pub(crate) fn stream(&self) -> &StreamId {
        match self {
            Self::Commit(commit) => &commit.stream,
            Self::Unreadable(unreadable) => &unreadable.stream,
        }
    }

    /// Whether what is personal in its stream is no more from here on.
    pub(crate) fn erases(&self) -> bool {
        match self {
            Self::Commit(commit) => commit.erases(),
            Self::Unreadable(_) => false,
        }
    }

    pub(crate) fn version(&self) -> Version {
        match self {
            Self::Commit(commit) => commit.version,
            Self::Unreadable(unreadable) => unreadable.version,
        }
    }
}

/// Deliveries of one stream by version, each once.
pub(crate) type Steps = BTreeMap<Version, Delivery>;

/// Deliveries by stream.
pub(crate) type Batch = BTreeMap<StreamId, Steps>;

/// Sorts deliveries; gives how many were there more than once, too.
pub(crate) fn sort(deliveries: Vec<Delivery>) -> (Batch, u64) {
    let mut batch = Batch::new();
    let mut duplicates = 0;
    for delivery in deliveries {
        let commits = batch.entry(delivery.stream().clone()).or_default();
        if commits.insert(delivery.version(), delivery).is_some() {
            duplicates += 1;
        }
    }
    (batch, duplicates)
}
