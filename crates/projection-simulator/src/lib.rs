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
//! A seed replays exactly: after a fault the simulator waits until the database is done with what
//! was left behind, and the several projectors of each fourth seed take turns, a statement at a
//! time, as the seed says. One thing is the network's where the database is reached over TCP: what
//! becomes of a statement whose connection breaks while it runs. [`Simulator::at_once`] lets them
//! run as they like, with locks to wait for; how they interleave is the machine's then, and the
//! result must be the same.

mod conductor;
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
