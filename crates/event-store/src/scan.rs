//! Reading the whole table, a page at a time.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    str::FromStr,
};

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use decider::{Commit, StreamId, Version};

use crate::{
    EventStore, StoreError, UnreadableCommit,
    error::by_meaning,
    item::{self, COMMIT, Item},
};

/// How many items a page has at most; DynamoDB ends it at 1 MB, too. The embedded engine ends it at
/// no size before it has read all the rest of the table.
const PAGE: i32 = 1_000;

/// A page of the table: the newest version that it has of each stream.
///
/// A stream may go on in the next page, with higher versions.
#[derive(Clone, Debug, Default)]
pub struct NewestVersions {
    /// By stream.
    pub newest: BTreeMap<StreamId, Version>,
    /// What the page cost, in read units.
    pub read_units: f64,
    /// Where the next page starts; `None` after the last.
    pub next: Option<PageStart>,
}

/// A page of the commits of a segment of the table, those of one stream in order.
#[derive(Clone, Debug, Default)]
pub struct CommitPage {
    /// What is there, also what this build cannot read.
    pub commits: Vec<Result<Commit, UnreadableCommit>>,
    /// What the page cost, in read units.
    pub read_units: f64,
    /// Where the next page starts; `None` after the last.
    pub next: Option<PageStart>,
}

/// One of the parts that several readers share a table by.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Which, from 0.
    pub number: u16,
    /// Of how many.
    pub of: u16,
}

impl Segment {
    /// Whether there are others. The embedded engine finds a page of the whole by its index, and
    /// one of a segment by reading the table from its start.
    fn is_part(self) -> bool {
        self.of > 1
    }
}

/// Where a page starts. As text it can be kept, for a reader that goes on tomorrow.
#[derive(Clone, Debug)]
pub struct PageStart(Item);

/// A text that says no place in the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in the event table")]
pub struct BadPageStart(String);

impl Display for PageStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not only commits: what a stream remembers lies at 0 and below.
        let stream = self.0.get("stream").and_then(|stream| stream.as_s().ok());
        let version = self.0.get("version").and_then(|version| version.as_n().ok());
        write!(f, "{} {}", version.ok_or(fmt::Error)?, stream.ok_or(fmt::Error)?)
    }
}

impl FromStr for PageStart {
    type Err = BadPageStart;

    fn from_str(text: &str) -> Result<Self, BadPageStart> {
        let bad = || BadPageStart(text.to_owned());
        let (version, stream) = text.split_once(' ').ok_or_else(bad)?;
        let version: i64 = version.parse().map_err(|_| bad())?;
        let stream: StreamId = stream.parse().map_err(|_| bad())?;
        Ok(Self(item::key(&stream, version)))
    }
}

impl EventStore {
    /// One page of the newest versions of all streams, in the table's own order.
    ///
    /// DynamoDB bills a scan by the size of what lies there, whatever is asked for of it; reading
    /// eventually consistently halves that, and what is missed is met by the next sweep.
    ///
    /// # Errors
    /// What the table said.
    pub async fn newest_versions(
        &self,
        from: Option<PageStart>,
    ) -> Result<NewestVersions, StoreError> {
        let page = self
            .client
            .scan()
            .table_name(&self.table)
            .limit(PAGE)
            .projection_expression("#stream, version")
            .expression_attribute_names("#stream", "stream")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .set_exclusive_start_key(from.map(|start| start.0))
            .send()
            .await
            .map_err(|error| by_meaning(&error))?;
        let mut found = NewestVersions {
            read_units: page.consumed_capacity().and_then(|c| c.capacity_units()).unwrap_or(0.0),
            next: page.last_evaluated_key.map(PageStart),
            ..NewestVersions::default()
        };
        for item in page.items.unwrap_or_default() {
            // What lies at 0 and below is no commit.
            let place = place(&item).filter(|(_, version)| *version > Version::NONE);
            let Some((stream, version)) = place else { continue };
            let newest = found.newest.entry(stream).or_default();
            *newest = version.max(*newest);
        }
        Ok(found)
    }

    /// About how many items the table has: DynamoDB counts them every six hours.
    ///
    /// # Errors
    /// What the table said.
    pub async fn item_count(&self) -> Result<u64, StoreError> {
        let description = self.client.describe_table().table_name(&self.table).send().await;
        let table = description.map_err(|error| by_meaning(&error))?.table;
        Ok(table.and_then(|table| table.item_count).unwrap_or_default().unsigned_abs())
    }

    /// One page of the commits of a segment, read eventually consistently at half the price: what
    /// is not there yet is for whoever compares versions afterwards.
    ///
    /// # Errors
    /// What the table said.
    pub async fn scan_commits(
        &self,
        segment: Segment,
        from: Option<PageStart>,
    ) -> Result<CommitPage, StoreError> {
        let page = self
            .client
            .scan()
            .table_name(&self.table)
            .set_segment(segment.is_part().then(|| segment.number.into()))
            .set_total_segments(segment.is_part().then(|| segment.of.into()))
            .limit(PAGE)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .set_exclusive_start_key(from.map(|start| start.0))
            .send()
            .await
            .map_err(|error| by_meaning(&error))?;
        let read_units = page.consumed_capacity().and_then(|c| c.capacity_units()).unwrap_or(0.0);
        let next = page.last_evaluated_key.map(PageStart);
        let items = page.items.unwrap_or_default().into_iter();
        let commits = items.filter(|item| item::is(COMMIT, item)).filter_map(|item| {
            let (stream, _) = place(&item)?;
            Some(item::read_commit(&stream, item))
        });
        let commits = self.reveal_all(commits.collect()).await?;
        Ok(CommitPage { commits, read_units, next })
    }
}

fn place(item: &Item) -> Option<(StreamId, Version)> {
    let stream = item.get("stream")?.as_s().ok()?.parse().ok()?;
    Some((stream, Version(item.get("version")?.as_n().ok()?.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_starts_anywhere_also_where_no_commit_lies() {
        for text in
            ["7 product-TEA", "0 product-TEA", "-2 product-TEA", "-1000000000000 product-TEA"]
        {
            let start: PageStart = text.parse().unwrap();
            assert_eq!(start.to_string(), text);
        }
        for text in ["", "product-TEA", "x product-TEA", "7 ", "7"] {
            assert_eq!(text.parse::<PageStart>().unwrap_err(), BadPageStart(text.to_owned()));
        }
    }
}
