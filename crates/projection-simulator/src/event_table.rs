//! The event table, in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use projection::{CommitSource, Delivery, StreamId, Version};

type Items = BTreeMap<StreamId, BTreeMap<Version, Delivery>>;

/// What was written, by stream and version. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct EventTable {
    items: Arc<Mutex<Items>>,
    away: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
}

impl EventTable {
    /// The same items, seen by somebody for whom the table can be away alone.
    pub(crate) fn seen_by_another(&self) -> Self {
        Self { items: self.items.clone(), ..Self::default() }
    }

    /// Writes items, in place of those that are there.
    pub fn put(&self, items: impl IntoIterator<Item = Delivery>) {
        let mut table = self.items();
        for item in items {
            let (stream, version) = place(&item);
            table.entry(stream.clone()).or_default().insert(version, item);
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.items().clear();
    }

    /// The newest version of each stream, as a scan of the table finds it.
    #[must_use]
    pub fn newest(&self) -> BTreeMap<StreamId, Version> {
        let items = self.items();
        let newest = items
            .iter()
            .filter_map(|(stream, commits)| Some((stream.clone(), *commits.keys().next_back()?)));
        newest.collect()
    }

    /// Refuses every read from now on, or none.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// How many reads were refused since this was last asked.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.swap(0, Ordering::SeqCst)
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where an item belongs.
pub(crate) fn place(item: &Delivery) -> (&StreamId, Version) {
    match item {
        Delivery::Commit(commit) => (&commit.stream, commit.version),
        Delivery::Unreadable(unreadable) => (&unreadable.stream, unreadable.version),
    }
}

impl CommitSource for EventTable {
    async fn read_after(&self, stream: &StreamId, after: Version) -> Result<Vec<Delivery>, String> {
        if self.away.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err("the event table is away, as planned".to_owned());
        }
        let items = self.items();
        let open = items.get(stream).into_iter().flat_map(|commits| commits.range(after.next()..));
        Ok(open.map(|(_, item)| item.clone()).collect())
    }
}
