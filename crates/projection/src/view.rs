//! What is rebuilt together.

use decider::StreamId;

/// A view: tables that one fold fills, from the streams of one category or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Its name, as `GET /projection` has it.
    pub name: &'static str,
    /// The category of its streams; `None` where it is made of all.
    pub category: Option<&'static str>,
    /// Its tables, tallies and what waits for them among them. No other view writes them.
    pub tables: &'static [&'static str],
}

impl View {
    /// Whether the stream's commits are in this view.
    #[must_use]
    pub fn shows(&self, stream: &StreamId) -> bool {
        self.category.is_none_or(|category| category == stream.category())
    }
}
