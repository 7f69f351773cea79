//! Events on DynamoDB: load, append, transact; and the reading of the table's stream records.
//!
//! One commit is one item, keyed `(stream, version)`, and the condition on that key is the only
//! lock. A snapshot is an item of the same stream, below its commits: a hint that may be missing, old
//! or of another shape. Streams may expire, see [`Decider::KEPT_DAYS`]. This crate knows no domain and no read model.

mod append;
mod client;
mod course;
mod error;
mod execute;
mod export;
mod heartbeat;
mod item;
mod load;
mod memory;
mod personal;
mod record;
mod scan;
mod snapshot;
mod store;
mod unit;

pub use client::within_a_request;
pub use decider::{
    Commit, Decider, Event, Folded, Metadata, RecordedEvent, Request, StreamId, Timestamp,
    TraceParent, Undecodable, Version,
};
pub use error::StoreError;
pub use execute::{Accepted, Intent, Refused, Start};
pub use export::{BadExport, ExportedCommit, exported};
pub use heartbeat::Beat;
pub use item::UnreadableCommit;
pub use record::{BadRecord, Change};
pub use scan::{BadPageStart, CommitPage, NewestVersions, PageStart, Segment};
pub use snapshot::SNAPSHOT_AT;
pub use store::EventStore;
pub use unit::{Decided, Unit};
