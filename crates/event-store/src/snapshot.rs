//! A stream folded up to some commit, beside its commits: a hint that saves reads, never the truth.

use aws_sdk_dynamodb::types::AttributeValue;
use decider::{Decider, Folded, StreamId, Version};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{
    EventStore, StoreError,
    error::by_meaning,
    item::{self, Item, Rewritten},
};

/// A snapshot is written every so many commits.
pub(crate) const SNAPSHOT_EVERY: u64 = 25;

/// Where a snapshot lies in its stream: below the pages of requests, the newest of which has the
/// lowest number. So one query from here upwards reads the snapshot and the newest pages.
pub const SNAPSHOT_AT: i64 = -1_000_000_000_000;

const KIND: &str = "snapshot";

/// The state of a snapshot.
const FOLDED: &str = "folded";

/// The key and the folded state, as of some commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    stream: StreamId,
    version: i64,
    kind: String,
    /// The last commit that is folded in.
    folded_version: Version,
    /// [`Decider::SHAPE`] of the state.
    shape: u32,
    /// A [`Folded`], as JSON.
    folded: String,
    /// When the table may drop it, in seconds since 1970: with its stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl Snapshot {
    /// What is to be kept of a stream; `None` if its state has no JSON form.
    pub(crate) fn of<D: Decider>(stream: &StreamId, folded: &Folded<D>) -> Option<Self> {
        Some(Self {
            stream: stream.clone(),
            version: SNAPSHOT_AT,
            kind: KIND.to_owned(),
            folded_version: folded.version,
            shape: D::SHAPE,
            folded: serde_json::to_string(folded).ok()?,
            expires_at: folded.expires_at().map(|at| at.timestamp()),
        })
    }

    fn into_item(self) -> Item {
        serde_dynamo::to_item(self)
            .expect("a snapshot is a struct of strings and numbers, which make an item")
    }

    /// This in the place of another one; `None` if that holds no state.
    pub(crate) fn instead_of(self, mut other: Item) -> Option<Rewritten> {
        let as_read = other.remove(FOLDED)?;
        Some(Rewritten { item: self.into_item(), attribute: FOLDED, as_read })
    }
}

/// What the item holds, if it is a snapshot of this build's shape.
fn folded<D: Decider>(item: Item) -> Option<Folded<D>> {
    let snapshot: Snapshot = serde_dynamo::from_item(item).ok()?;
    let of_this_shape = Some(snapshot).filter(|snapshot| snapshot.shape == D::SHAPE)?;
    serde_json::from_str(&of_this_shape.folded).ok().filter(Folded::is_sound)
}

impl EventStore {
    /// What the snapshot of a stream holds, if there is one of this build's shape. Up to `pages` of
    /// the newest pages of requests come with it, and are remembered.
    pub(crate) async fn snapshot<D: Decider>(
        &self,
        stream: &StreamId,
        pages: i32,
    ) -> Result<Option<Folded<D>>, StoreError> {
        let found = self
            .places(stream, "version < :beats")
            .expression_attribute_values(":beats", AttributeValue::N("0".to_owned()))
            .limit(1 + pages)
            .send()
            .await
            .map_err(|error| by_meaning(&error))?;
        let items = found.items.unwrap_or_default().into_iter();
        let (snapshots, others): (Vec<_>, Vec<_>) = items.partition(|item| item::is(KIND, item));
        self.remember_pages(stream, others);
        let Some(item) = snapshots.into_iter().next() else { return Ok(None) };
        let folded = folded(item);
        if folded.is_none() {
            warn!(%stream, "the snapshot is of another shape; the stream is folded from its start");
        }
        Ok(folded)
    }

    /// The snapshot that lies there, of whatever shape.
    pub(crate) async fn snapshot_item(
        &self,
        stream: &StreamId,
    ) -> Result<Option<Item>, StoreError> {
        self.get(stream, SNAPSHOT_AT).await
    }

    /// Keeps a snapshot. One that is newer and of the same shape stays. A snapshot saves reads
    /// and nothing else, so a failure is logged and the command succeeds.
    pub(crate) async fn keep_snapshot(&self, snapshot: Snapshot) {
        let (stream, version) = (snapshot.stream.clone(), snapshot.folded_version);
        let shape = snapshot.shape;
        let kept = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(snapshot.into_item()))
            .condition_expression(
                "attribute_not_exists(version) or folded_version < :version or shape <> :shape",
            )
            .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
            .expression_attribute_values(":shape", AttributeValue::N(shape.to_string()))
            .send()
            .await
            .map_err(|error| by_meaning(&error));
        match kept {
            Ok(_) | Err(StoreError::Conflict) => {}
            Err(error) => warn!(%stream, %error, "no snapshot was kept"),
        }
    }
}
