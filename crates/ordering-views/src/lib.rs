//! The read model of the shop: a folder a view (its row, its evolve, its SQL) and a folder a
//! report.
//!
//! A row is a function of the commits of its stream and of nothing else: no clock, no counter of
//! ours, no order between streams. What several streams feed is a tally or SQL at query time.

pub mod audit_trail;
pub mod cart;
pub mod customer;
mod happened;
pub mod order_history;
pub mod product;
mod shop;
mod words;

pub use happened::Happened;
pub use ordering::{StreamId, Timestamp, Version};
pub use projection::{
    ApplyError, Commit, CommitSource, Delivery, Engine, ReadModel, Report, Unreadable,
};
pub use shop::{Shop, ShopTables};

/// The migrations of the read model, in order.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");
