//! How the SDK has to behave where somebody waits for the answer.

use std::time::Duration;

use aws_sdk_dynamodb::config::{Builder, retry::RetryConfig, timeout::TimeoutConfig};
use tracing::warn;

use crate::{EventStore, StreamId, Version};

/// Long enough for a handshake across a region.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Ten times what DynamoDB takes for a transaction of 100 items on a bad day.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The settings of a client whose store carries out commands.
///
/// The SDK by itself waits for an answer without end, and repeats a write whose answer was lost:
/// the second one then fails by its condition, though the first has landed. So it tries once
/// here, and not for long; [`EventStore::execute`] tries again, after a look at what is there.
#[must_use]
pub fn within_a_request(config: Builder) -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_WITHIN)
        .operation_attempt_timeout(ANSWER_WITHIN)
        .build();
    config.retry_config(RetryConfig::disabled()).timeout_config(timeouts)
}

impl EventStore {
    /// Reads a place where nothing is, so that credentials and connection are there when the
    /// first command comes. A failure is logged; the first command then finds out for itself.
    pub async fn prime(&self) {
        let nothing = StreamId::new("nothing", "here").expect("a category and an id");
        if let Err(error) = self.read_one(&nothing, Version(1)).await {
            warn!(%error, "the event table does not answer yet");
        }
    }
}
