//! A stream as the write side remembers it: its version, its state, its recent requests.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{Commit, Decider, Event, Page, Timestamp, Undecodable, Version, memory::Memory};

/// A state with the version it was folded up to and the requests that led there.
///
/// The commits are the only memory of requests; this is a fold of them like the state itself, so
/// a snapshot carries both, and a conditional put at `version + 1` that succeeds proves that the
/// memory was complete. What is older than the last full [`Page`] lies in the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded<D> {
    /// The last commit that is folded in.
    pub version: Version,
    /// The state after it.
    pub state: D,
    /// When the first commit was recorded.
    #[serde(default)]
    began_at: Option<Timestamp>,
    memory: Memory,
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
        self.memory.note(commit);
        self
    }

    /// The commits since the last full page that may have accepted the request with this key,
    /// newest first. Only the commit itself says whether it did.
    pub fn may_have_accepted(&self, key: &str) -> impl Iterator<Item = Version> + use<D> {
        self.memory.candidates(self.version, key)
    }

    /// When the stream expires, if it does: see [`Decider::KEPT_DAYS`].
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        Some(self.began_at? + TimeDelta::days(D::KEPT_DAYS?))
    }

    /// The last full page, where it is not at hand any more and was closed at `horizon` or later:
    /// a request that was accepted since then may be on it, or on one before it.
    #[must_use]
    pub fn older_requests_since(&self, horizon: Timestamp) -> Option<u64> {
        self.memory.last_page(self.version, horizon)
    }

    /// The page that the newest commit has filled, if it has filled one.
    #[must_use]
    pub fn filled_page(&self) -> Option<Page> {
        self.memory.filled(self.version)
    }

    /// Whether the requests are those of this version. A snapshot that says otherwise is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.memory.fits(self.version)
    }
}
