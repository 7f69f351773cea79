//! An event as the views see it.

use ordering::{Event, Timestamp, Undecodable, Version};
use projection::Commit;

/// One event, with where and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened<E> {
    /// The commit that holds it.
    pub version: Version,
    /// Its place in the commit, from 0.
    pub index: usize,
    /// When it happened: when it was recorded, unless the event itself says otherwise.
    pub at: Timestamp,
    /// What happened.
    pub event: E,
}

impl<E: Event> Happened<E> {
    /// Reads all events of a commit.
    ///
    /// # Errors
    /// [`Undecodable`] for the first that this build cannot read.
    pub fn read(commit: &Commit) -> Result<Vec<Self>, Undecodable> {
        let events = commit.events.iter().enumerate().map(|(index, recorded)| {
            let at = recorded.occurred_at.unwrap_or(commit.recorded_at);
            let event = E::read(recorded)?;
            Ok(Self { version: commit.version, index, at, event })
        });
        events.collect()
    }
}

/// A version or an index as Postgres holds it; none of ours comes near 2⁶³.
pub(crate) fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
