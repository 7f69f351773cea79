//! The vocabulary of event sourcing: streams, versions, commits, and the [`Decider`].
//!
//! Everything here is pure. This crate knows no database, no clock and no domain: time, ids and
//! randomness arrive in a command, and whatever has to wait lives in the crates around it.

mod commit;
mod decider;
mod event;
mod folded;
mod memory;
mod personal;
mod stream;
pub mod testing;
mod trace;

pub use commit::{Commit, Metadata, RecordedEvent, Request, Timestamp};
pub use decider::Decider;
pub use event::{Event, Payload, Undecodable, Upcast, read, record, upcast};
pub use folded::Folded;
pub use memory::{MEMORY_HOURS, PAGE, Page};
pub use personal::{Personal, without_plain};
pub use stream::{BadStreamId, StreamId, Version};
pub use trace::{NoTrace, TraceParent};
