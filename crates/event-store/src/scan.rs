//! Reading the whole table, a page at a time.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use decider::{StreamId, Version};

use crate::{EventStore, StoreError, error::by_meaning, item::Item};

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

/// Where a page starts.
#[derive(Clone, Debug)]
pub struct PageStart(Item);

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
            let Some((stream, version)) = place(&item) else { continue };
            let newest = found.newest.entry(stream).or_default();
            *newest = version.max(*newest);
        }
        Ok(found)
    }
}

fn place(item: &Item) -> Option<(StreamId, Version)> {
    let stream = item.get("stream")?.as_s().ok()?.parse().ok()?;
    Some((stream, Version(item.get("version")?.as_n().ok()?.parse().ok()?)))
}
