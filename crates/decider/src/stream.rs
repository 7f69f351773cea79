//! What names a history: the stream, and the place in it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The name of one stream: a category and an id, written `order-0190c5…`.
///
/// The category is everything before the first `-` and is lower-case ASCII; the id is the rest,
/// opaque here, and may itself hold `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId {
    text: String,
    dash: usize,
}

/// A text that does not name a stream.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a stream is named <category>-<id>, with at most {} bytes", StreamId::MAX_BYTES)]
pub struct BadStreamId;

impl StreamId {
    /// The longest name, in bytes; DynamoDB would take 2,048 for a partition key.
    pub const MAX_BYTES: usize = 200;

    /// Names the stream of `id` in `category`.
    ///
    /// # Errors
    /// [`BadStreamId`] when either part is empty, the category is not lower-case ASCII, or the
    /// whole is too long.
    pub fn new(category: &str, id: impl fmt::Display) -> Result<Self, BadStreamId> {
        format!("{category}-{id}").parse()
    }

    /// The part before the first dash, for example `order`.
    #[must_use]
    pub fn category(&self) -> &str {
        &self.text[..self.dash]
    }

    /// The part after the first dash.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.text[self.dash + 1..]
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for StreamId {
    type Err = BadStreamId;

    fn from_str(text: &str) -> Result<Self, BadStreamId> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for StreamId {
    type Error = BadStreamId;

    fn try_from(text: String) -> Result<Self, BadStreamId> {
        let (category, id) = text.split_once('-').ok_or(BadStreamId)?;
        let sound = !category.is_empty()
            && category.bytes().all(|byte| byte.is_ascii_lowercase())
            && !id.is_empty()
            && !id.chars().any(char::is_control)
            && text.len() <= Self::MAX_BYTES;
        let dash = category.len();
        if sound { Ok(Self { text, dash }) } else { Err(BadStreamId) }
    }
}

impl From<StreamId> for String {
    fn from(stream: StreamId) -> Self {
        stream.text
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A place in a stream: the number of commits up to and including it. 0 is "before the first".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// Before the first commit.
    pub const NONE: Self = Self(0);

    /// The place of the commit after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Whether `later` comes right after this place.
    #[must_use]
    pub fn precedes(self, later: Self) -> bool {
        self.next() == later
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_name_splits_at_its_first_dash() {
        let stream: StreamId = "product-P-1".parse().unwrap();
        assert_eq!((stream.category(), stream.id()), ("product", "P-1"));
    }

    #[test]
    fn a_name_without_category_or_id_is_refused() {
        let long = format!("order-{}", "x".repeat(StreamId::MAX_BYTES));
        for text in ["", "order", "order-", "-1", "Order-1", "order-\u{0}", long.as_str()] {
            assert_eq!(text.parse::<StreamId>(), Err(BadStreamId), "{text:?}");
        }
    }
}
