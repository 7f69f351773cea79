//! Beats: items that say nothing, written only so that they come through the table's stream.

use aws_sdk_dynamodb::types::AttributeValue;
use decider::{StreamId, Timestamp, Version};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::{
    EventStore, StoreError,
    error::by_meaning,
    item::{self, KIND},
};

/// How many beats are sent at a time. Each has a key of its own, so that several shards of the
/// stream, where there are several, have one to bring.
const BEATS: u32 = 8;

/// The category of the streams that hold beats; they have no commits.
const CATEGORY: &str = "heartbeat";

/// A beat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Its place, which each new one takes from the one before.
    pub stream: StreamId,
    /// When it was sent.
    pub at: Timestamp,
}

impl Beat {
    pub(crate) const KIND: &str = "heartbeat";
}

impl EventStore {
    /// Puts a beat of this moment at each of its places; gives them.
    ///
    /// # Errors
    /// What the table said. Some of them may be there.
    pub async fn beat(&self, at: Timestamp) -> Result<Vec<Beat>, StoreError> {
        let beats = (0..BEATS).map(|place| {
            let stream = StreamId::new(CATEGORY, place).expect("a number is an id");
            self.put_beat(Beat { stream, at })
        });
        try_join_all(beats).await
    }

    async fn put_beat(&self, beat: Beat) -> Result<Beat, StoreError> {
        let at = serde_dynamo::to_attribute_value(beat.at).expect("a time is a string");
        let put = self.client.put_item().table_name(&self.table);
        put.set_item(Some(item::key(&beat.stream, Version::NONE)))
            .item(KIND, AttributeValue::S(Beat::KIND.to_owned()))
            .item("at", at)
            .send()
            .await
            .map_err(|error| by_meaning(&error))?;
        Ok(beat)
    }
}
