//! The store itself: a client, a table, and a warm memory of folded streams.

use std::{
    any::Any,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::Client;
use decider::{Decider, Folded, Page, StreamId};
use personal_data::Keys;
use quick_cache::sync::Cache;

use crate::course::Turns;

/// How many folded streams one process keeps.
const WARM_STREAMS: usize = 10_000;

/// For how long a stream that nobody writes to is remembered. It bounds how old what is remembered
/// can be, where no append proves it.
const WARM_FOR: Duration = Duration::from_secs(15 * 60);

/// How many pages of requests one process keeps, of 2 KB each.
const WARM_PAGES: usize = 2_000;

/// The event table, and what this process remembers of it. Cheap to clone.
///
/// What is remembered is never trusted alone: an append at the remembered version is conditional,
/// and whatever no append proves, a refusal or a state that was only looked at by
/// [`Unit::load`](crate::Unit::load), is decided again on consistent reads.
#[derive(Clone, Debug)]
pub struct EventStore {
    pub(crate) client: Client,
    pub(crate) table: String,
    warm: Arc<Cache<StreamId, Warm>>,
    /// Pages never change, so what is here is never out of date.
    pub(crate) pages: Arc<Cache<(StreamId, u64), Arc<Page>>>,
    pub(crate) turns: Turns,
    /// What seals and reveals what is personal.
    pub(crate) keys: Option<Arc<Keys>>,
}

/// A folded stream, and since when it is as it is.
type Warm = (Instant, Arc<dyn Any + Send + Sync>);

impl EventStore {
    /// A store on the table of that name.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        let (warm, pages) = (Arc::new(Cache::new(WARM_STREAMS)), Arc::new(Cache::new(WARM_PAGES)));
        Self { client, table: table.into(), warm, pages, turns: Turns::new(), keys: None }
    }

    /// The same, with the keys to what is personal. Without them nothing personal is written, and
    /// what is sealed is unreadable.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = Some(Arc::new(keys));
        self
    }

    pub(crate) fn remembered<D: Decider>(&self, stream: &StreamId) -> Option<Arc<Folded<D>>> {
        let (since, folded) = self.warm.get(stream)?;
        if since.elapsed() >= WARM_FOR {
            self.warm.remove(stream);
            return None;
        }
        folded.downcast().ok()
    }

    pub(crate) fn remember(&self, stream: StreamId, folded: Arc<dyn Any + Send + Sync>) {
        self.warm.insert(stream, (Instant::now(), folded));
    }
}
