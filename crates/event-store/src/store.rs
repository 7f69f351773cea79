//! The store itself: a client, a table, and a warm memory of folded streams.

use std::{any::Any, sync::Arc};

use aws_sdk_dynamodb::Client;
use decider::{Decider, Folded, Page, StreamId};
use quick_cache::sync::Cache;

use crate::course::Turns;

/// How many folded streams one process keeps.
const WARM_STREAMS: usize = 10_000;

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
    warm: Arc<Cache<StreamId, Arc<dyn Any + Send + Sync>>>,
    /// Pages never change, so what is here is never out of date.
    pub(crate) pages: Arc<Cache<(StreamId, u64), Arc<Page>>>,
    pub(crate) turns: Turns,
}

impl EventStore {
    /// A store on the table of that name.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        let (warm, pages) = (Arc::new(Cache::new(WARM_STREAMS)), Arc::new(Cache::new(WARM_PAGES)));
        Self { client, table: table.into(), warm, pages, turns: Turns::new() }
    }

    pub(crate) fn remembered<D: Decider>(&self, stream: &StreamId) -> Option<Arc<Folded<D>>> {
        self.warm.get(stream)?.downcast().ok()
    }

    pub(crate) fn remember(&self, stream: StreamId, folded: Arc<dyn Any + Send + Sync>) {
        self.warm.insert(stream, folded);
    }
}
