//! A test kit for read models: histories delivered in every bad way there is.
//!
//! It owns the faults, an event table in memory, and the comparison at the end; the read model,
//! its histories and a database with its tables come from whoever uses it, so it must not know a
//! domain. For each seed a [`Simulator`] draws a plan: records lost, doubled, displaced and split
//! into batches, invocations that fail in the ways of [`Fault`], commits that cannot be applied,
//! operators who sweep, redrive and verify in the middle of it. When the dust has settled, the rows
//! must be those of the same commits in order, in every column, and [`projection::Verifier`] must
//! find nothing.
//!
//! Of four seeds three deliver one batch after the other, and replay exactly: after a fault the
//! simulator waits until the database is done with what was left behind. One thing is the
//! database's: what becomes of a statement whose connection breaks while it runs. The fourth seed
//! delivers to several projectors at once; how they interleave is the machine's, and the result
//! must be the same.

mod domain;
mod event_table;
mod lane;
mod line;
mod outcome;
mod plan;
mod planning;
mod quiet;
mod relay;
mod rows;
mod seeds;
mod settle;
mod shrink;
mod simulator;
mod wire;

pub use domain::{Domain, of_an_unknown_name};
pub use event_table::EventTable;
pub use line::Line;
pub use outcome::{Failure, Summary};
pub use plan::{Fault, Plan};
pub use seeds::{SEED, seeds};
pub(crate) use simulator::LANES;
pub use simulator::Simulator;
