//! The event table as the engine's source of what was not delivered.

use event_store::{EventStore, UnreadableCommit};
use ordering_views::{Commit, CommitSource, Delivery, StreamId, Unreadable, Version};

/// Reads commits from the event table.
#[derive(Clone, Debug)]
pub struct TableSource {
    store: EventStore,
}

impl TableSource {
    /// A source that reads from `store`.
    #[must_use]
    pub fn new(store: EventStore) -> Self {
        Self { store }
    }
}

impl CommitSource for TableSource {
    async fn read_after(&self, stream: &StreamId, after: Version) -> Result<Vec<Delivery>, String> {
        let found = self.store.read_each_after(stream, after).await;
        let found = found.map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(delivery).collect())
    }
}

/// What the engine is told of what the event table has.
#[must_use]
pub fn delivery(found: Result<Commit, UnreadableCommit>) -> Delivery {
    match found {
        Ok(commit) => Delivery::Commit(commit),
        Err(UnreadableCommit { stream, version, detail: error }) => {
            let payload = String::new(); // it is in the table, under this key
            Delivery::Unreadable(Unreadable { stream, version, error, payload })
        }
    }
}
