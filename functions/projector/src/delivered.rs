//! A batch of records, sorted by what is to be done about them.

use std::collections::BTreeSet;

use aws_lambda_events::event::dynamodb::EventRecord;
use event_store::{BadRecord, Beat, Change};
use ordering_views::{Commit, Removal, Removed, StreamId, Unreadable};

/// What a batch says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivered {
    pub(crate) commits: Vec<Commit>,
    /// Commits that this build cannot read.
    pub(crate) unreadable: Vec<Unreadable>,
    /// Streams of which a commit was rewritten.
    pub(crate) rewritten: BTreeSet<StreamId>,
    pub(crate) removed: Vec<Removed>,
    pub(crate) beats: Vec<Beat>,
    /// Their keys are none of ours: they belong to no stream that could be parked.
    pub(crate) strange: Vec<BadRecord>,
}

impl Delivered {
    pub(crate) fn read(records: Vec<EventRecord>) -> Self {
        let mut delivered = Self::default();
        for record in records {
            match Change::read(record) {
                Ok(change) => delivered.add(change),
                Err(bad) => delivered.strange.push(bad),
            }
        }
        delivered
    }

    fn add(&mut self, change: Change) {
        match change {
            Change::Committed(commit) => self.commits.push(commit),
            Change::Unreadable(commit, payload) => {
                let (stream, version, error) = (commit.stream, commit.version, commit.detail);
                self.unreadable.push(Unreadable { stream, version, error, payload });
            }
            Change::Rewritten(stream) => {
                self.rewritten.insert(stream);
            }
            Change::Removed { stream, version, expired, at } => {
                let removal = if expired { Removal::Expired } else { Removal::Erased };
                self.removed.push(Removed { stream, version, removal, at });
            }
            Change::Beat(beat) => self.beats.push(beat),
            Change::Other => {}
        }
    }
}
