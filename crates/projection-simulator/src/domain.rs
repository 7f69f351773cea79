//! What is put to the test: somebody's read model, and histories for it.

use projection::{Commit, Delivery, ReadModel, RecordedEvent};

/// A read model, and what it needs to be tried.
pub trait Domain: Send + Sync {
    /// The read model.
    type Model: ReadModel + Clone;

    /// The read model.
    fn model(&self) -> Self::Model;

    /// A history, in the order in which its commits were made; equal seeds give equal ones. Each
    /// stream counts its commits from 1 without a gap. Twenty to forty commits of a handful of
    /// streams find more in a minute than a few long histories do.
    fn history(&self, seed: u64) -> Vec<Commit>;

    /// A commit as something that cannot be applied, in one of several ways; equal draws give
    /// equal ones. Without this it becomes an event of a name that nobody knows.
    fn poison(&self, commit: &Commit, draw: u64) -> Delivery {
        let _ = draw;
        Delivery::Commit(of_an_unknown_name(commit))
    }

    /// Tables beside the rows: what they hold is no function of the commits.
    fn beside_the_rows(&self) -> &[&str] {
        &[]
    }
}

/// A commit whose first event has a name that no read model knows.
#[must_use]
pub fn of_an_unknown_name(commit: &Commit) -> Commit {
    let mut commit = commit.clone();
    let name = "PoisonedBySimulator".to_owned();
    match commit.events.first_mut() {
        Some(event) => event.name = name,
        None => commit.events.push(RecordedEvent {
            name,
            schema_version: 1,
            data: "{}".to_owned(),
            ..RecordedEvent::default()
        }),
    }
    commit
}
