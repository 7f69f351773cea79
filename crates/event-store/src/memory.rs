//! Finding the commit that accepted a request, however many came after it.
//!
//! The newest requests are in the fold. Older ones are on pages: items of the same stream at the
//! versions -1, -2 and so on, written once by whoever filled them. A page is a hint like a
//! snapshot: one that is missing is made anew from its commits.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use decider::{Commit, Decider, Folded, MEMORY_HOURS, PAGE, Page, StreamId, Timestamp, Version};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{EventStore, Intent, StoreError, error::by_meaning, item};

/// How many pages the first query asks for, of 3 KB each: 2,000 commits in 25 hours are on them. Of
/// a stream that had more, the next queries ask for more.
pub(crate) const PAGES_AT_FIRST: i32 = 4;
const PAGES_AT_A_TIME: i32 = 50;

/// A page as an item.
#[derive(Serialize, Deserialize)]
struct PageItem {
    stream: StreamId,
    /// The page's number, negative.
    version: i64,
    kind: String,
    /// When the table may drop it, in seconds since 1970: with its stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(flatten)]
    page: Page,
}

const KIND: &str = "page";

impl EventStore {
    /// The commit that accepted the request of `intent`, if one of the last 25 hours did.
    ///
    /// What lies on older pages is asked for only where it can be there: a command without a key
    /// of the caller's cannot have been accepted before it was first tried.
    pub(crate) async fn accepted<D: Decider>(
        &self,
        (stream, folded): (&StreamId, &Folded<D>),
        intent: &Intent,
        is_first_try: bool,
    ) -> Result<Option<Commit>, StoreError> {
        let at_hand = folded.may_have_accepted(&intent.key);
        let found = self.first_with_key(stream, at_hand, &intent.key).await?;
        if found.is_some() || (is_first_try && !intent.keyed) {
            return Ok(found);
        }
        let horizon = intent.at - TimeDelta::hours(MEMORY_HOURS);
        let mut next = folded.older_requests_since(horizon);
        let mut at_a_time = PAGES_AT_FIRST;
        while let Some(number) = next.filter(|number| *number > 0) {
            let page = self.page((stream, number), at_a_time, folded.expires_at()).await?;
            at_a_time = PAGES_AT_A_TIME;
            if page.closed_at < horizon {
                break;
            }
            let on_page = page.candidates(&intent.key);
            if let Some(found) = self.first_with_key(stream, on_page, &intent.key).await? {
                return Ok(Some(found));
            }
            next = number.checked_sub(1);
        }
        Ok(None)
    }

    /// The first of these commits that accepted a request with this very key.
    async fn first_with_key(
        &self,
        stream: &StreamId,
        candidates: impl Iterator<Item = Version>,
        key: &str,
    ) -> Result<Option<Commit>, StoreError> {
        for version in candidates {
            let hole = || StoreError::Hole { stream: stream.clone(), version };
            let commit = self.read_one(stream, version).await?.ok_or_else(hole)?;
            if commit.metadata.request.as_ref().is_some_and(|request| request.key == key) {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    async fn page(
        &self,
        (stream, number): (&StreamId, u64),
        at_a_time: i32,
        expires_at: Option<Timestamp>,
    ) -> Result<Arc<Page>, StoreError> {
        let place = (stream.clone(), number);
        if let Some(page) = self.pages.get(&place) {
            return Ok(page);
        }
        self.read_pages((stream, number), at_a_time).await?;
        if let Some(page) = self.pages.get(&place) {
            return Ok(page);
        }
        warn!(%stream, number, "a page of requests is missing and is made anew");
        let before = Page::before(number);
        let commits = self.read_between(stream, before, Version(number * PAGE)).await?;
        let page = Page::of(&commits)
            .ok_or_else(|| StoreError::Hole { stream: stream.clone(), version: before.next() })?;
        self.keep_page(stream, page.clone(), expires_at).await;
        Ok(Arc::new(page))
    }

    /// Reads page `newest` and those before it, as far as one query goes.
    async fn read_pages(
        &self,
        (stream, newest): (&StreamId, u64),
        at_a_time: i32,
    ) -> Result<(), StoreError> {
        let found = self
            .places(stream, "version between :newest and :first")
            .expression_attribute_values(":newest", AttributeValue::N(format!("-{newest}")))
            .expression_attribute_values(":first", AttributeValue::N("-1".to_owned()))
            .limit(at_a_time)
            .send()
            .await
            .map_err(|error| by_meaning(&error))?;
        self.remember_pages(stream, found.items.unwrap_or_default());
        Ok(())
    }

    /// Remembers the pages that these items are. What is damaged, or no page, is left out.
    pub(crate) fn remember_pages(&self, stream: &StreamId, items: Vec<item::Item>) {
        let pages = items.into_iter().filter_map(|item| serde_dynamo::from_item(item).ok());
        for page in pages.map(|item: PageItem| item.page).filter(Page::is_whole) {
            self.pages.insert((stream.clone(), page.number), Arc::new(page));
        }
    }

    /// Keeps a page. It saves reads and nothing else, so a failure is logged and the command
    /// succeeds.
    pub(crate) async fn keep_page(
        &self,
        stream: &StreamId,
        page: Page,
        expires_at: Option<Timestamp>,
    ) {
        self.pages.insert((stream.clone(), page.number), Arc::new(page.clone()));
        let version = -page.number.cast_signed();
        let (stream, kind) = (stream.clone(), KIND.to_owned());
        let expires_at = expires_at.map(|at| at.timestamp());
        let item = PageItem { stream, version, kind, expires_at, page };
        let item: item::Item = serde_dynamo::to_item(&item)
            .expect("a page is a struct of strings and numbers, which make an item");
        let kept = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        if let Err(error) = kept.map_err(|error| by_meaning(&error)) {
            warn!(version, %error, "a page of requests was not kept");
        }
    }
}
