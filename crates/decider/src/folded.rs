//! A stream as the write side remembers it: its version, its state, its recent requests.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{Commit, Decider, Event, Timestamp, Undecodable, Version};

/// For how many hours a stream remembers the requests that it accepted.
pub const MEMORY_HOURS: i64 = 25;

/// A state with the version it was folded up to and the requests that led there.
///
/// The commits are the only memory of requests; this is a fold of them like the state itself, so
/// a snapshot carries both, and a conditional put at `version + 1` that succeeds proves that the
/// memory was complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded<D> {
    /// The last commit that is folded in.
    pub version: Version,
    /// The state after it.
    pub state: D,
    /// When the first commit was recorded.
    #[serde(default)]
    began_at: Option<Timestamp>,
    requests: BTreeMap<String, Accepted>,
}

/// Where an accepted request is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Accepted {
    version: Version,
    at: Timestamp,
}

impl<D: Default> Default for Folded<D> {
    fn default() -> Self {
        let (state, requests) = (D::default(), BTreeMap::new());
        Self { version: Version::NONE, state, began_at: None, requests }
    }
}

impl<D: Decider> Folded<D> {
    /// Folds in the commit that follows.
    ///
    /// # Errors
    /// [`Undecodable`] when this build cannot read one of its events; nothing is folded then.
    ///
    /// # Panics
    /// When the commit is not the next one: a hole in a history must never be folded over.
    pub fn fold(self, commit: &Commit) -> Result<Self, Undecodable> {
        let events =
            commit.events.iter().map(D::Event::read).collect::<Result<Vec<_>, Undecodable>>()?;
        Ok(self.advance(commit, &events))
    }

    /// Folds in the commit that follows, whose events are at hand in decoded form.
    ///
    /// # Panics
    /// When the commit is not the next one.
    #[must_use]
    pub fn advance(mut self, commit: &Commit, events: &[D::Event]) -> Self {
        assert!(
            self.version.precedes(commit.version),
            "commit {} of {} cannot follow version {}",
            commit.version,
            commit.stream,
            self.version
        );
        self.state = events.iter().fold(self.state, D::evolve);
        self.version = commit.version;
        self.began_at = self.began_at.or(Some(commit.recorded_at));
        if let Some(request) = &commit.metadata.request {
            let accepted = Accepted { version: commit.version, at: commit.recorded_at };
            self.requests.insert(request.key.clone(), accepted);
        }
        self
    }

    /// The commit that accepted the request with this key, if it is remembered.
    #[must_use]
    pub fn accepted(&self, key: &str) -> Option<Version> {
        self.requests.get(key).map(|accepted| accepted.version)
    }

    /// When the stream expires, if it does: see [`Decider::KEPT_DAYS`].
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        Some(self.began_at? + TimeDelta::days(D::KEPT_DAYS?))
    }

    /// Forgets requests that are older than [`MEMORY_HOURS`] at `now`.
    pub fn forget(&mut self, now: Timestamp) {
        let horizon = now - TimeDelta::hours(MEMORY_HOURS);
        self.requests.retain(|_, accepted| accepted.at >= horizon);
    }
}
