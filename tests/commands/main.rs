//! The command function and its table: what it costs, what it survives, whom it obeys.

mod contention;
mod costs;
mod every;
mod faults;
mod idempotency;
mod keys;
mod limits;
mod long_streams;
mod plain;
mod process;
mod scopes;
mod script;
