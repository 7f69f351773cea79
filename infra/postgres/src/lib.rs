//! A real PostgreSQL for a laptop, a test run or a CI machine, as root or not.
//!
//! It owns finding (or fetching) the server's binaries, making a cluster, and the life of the
//! server process: it ends with the process that started it, also when that one is killed.
//! It must not know a table, a migration or anything else of what is stored.
//!
//! Linux only: that a server never outlives its owner rests on the parent-death signal.

mod account;
mod binaries;
mod cluster;
mod death_signal;
mod home;
mod postmaster;
mod server;
mod test_database;
mod throwaway;

pub use server::Server;
pub use test_database::{TEST_POSTGRES_URL, TestDatabase, test_database};
