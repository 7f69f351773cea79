//! The query function from API Gateway's event to its answer, on a real read model.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod answers;
mod bad_input;
mod caller;
mod charts;
mod contract;
mod export;
mod freshness;
mod kept;
mod paging;
mod protection;
mod removed;
mod stage;
mod stopped;
