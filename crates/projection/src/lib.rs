//! The projection engine: commits in any order and any number of times, rows exactly once.
//!
//! It owns the tables `position` (how far each stream is), `quarantine` (what could not be
//! applied) and `heartbeat` (whether anything arrives at all), and knows no other table, no domain
//! and no event store: a [`ReadModel`] says what a commit means for rows, a [`CommitSource`] reads
//! again what the stream did not deliver.
//!
//! A batch costs two round trips. One statement reads the positions and the current rows of the
//! streams at hand, the folds run in memory, and one statement writes all rows of all tables and
//! moves the positions, if they are still where they were read. Of streams that begin in the batch
//! nothing is read: where all do, one round trip is enough.

mod batch;
mod changes;
mod engine;
mod erasure;
mod failure;
mod heartbeat;
mod load;
mod position;
mod quarantine;
mod rebuild;
mod refold;
mod removal;
mod report;
mod row;
mod settle;
mod statement;
mod sweep;
mod table;
mod tally;
mod verify;
mod view;

pub use batch::{Delivery, Unreadable};
pub use changes::{Changes, Owner};
pub use decider::{
    Commit, Event, Metadata, RecordedEvent, StreamId, Timestamp, Undecodable, Version,
};
pub use engine::{CommitSource, Engine, ReadModel};
pub use failure::ApplyError;
pub use heartbeat::{Heartbeat, arrived, heartbeat, now, sent};
pub use load::LoadPart;
pub use quarantine::{QuarantinedCommit, RedriveError, quarantined};
pub use rebuild::{
    CaughtUp, Checkpoint, Generations, Parity, Plan, Rebuild, RebuildError, Swap, TableParity,
};
pub use removal::{Removal, Removed, removal};
pub use report::{Applied, Report};
pub use row::{Column, Row};
pub use statement::Statement;
pub use sweep::Swept;
pub use table::Table;
pub use tally::{Tally, Waiting};
pub use verify::{Checked, Comparison, Difference, FullRun, Mismatch, Unfolded, Verifier};
pub use view::View;

#[doc(hidden)]
pub mod for_macros {
    pub use serde;
    pub use sqlx::{Arguments, error::BoxDynError, postgres::PgArguments};
}
