//! The read model of the shop: a folder a view (its row, its evolve, its SQL) and a folder a
//! report.
//!
//! A row is a function of the commits of its stream and of nothing else: no clock, no counter of
//! ours, no order between streams. What several streams feed is a tally or SQL at query time.

pub mod audit_trail;
pub mod bought_together;
pub mod cart;
mod cursor;
pub mod customer;
mod freshness;
pub mod fulfilment;
mod happened;
pub mod low_stock;
pub mod order_history;
mod page;
pub mod product;
mod progress;
pub mod retention;
pub mod sales;
mod search;
mod shop;
pub mod top_customers;
pub mod top_products;
mod words;

pub use cursor::{BadCursor, CursorKey};
pub use freshness::{Freshness, lag_ms, wait_for};
pub use happened::Happened;
pub use ordering::{Sku, Status, StreamId, Timestamp, Version};
pub use page::{BadLimit, Limit, Page};
pub use progress::{Progress, ViewProgress, progress, views_of};
pub use projection::{
    Applied, ApplyError, CaughtUp, Checked, Checkpoint, Commit, CommitSource, Delivery, Difference,
    Engine, FullRun, Generations, Heartbeat, Mismatch, Parity, Plan, QuarantinedCommit, ReadModel,
    Rebuild, RebuildError, RedriveError, Removal, Removed, Report, Swap, Swept, TableParity,
    Unfolded, Unreadable, Verifier, View, arrived, heartbeat, now, quarantined, removal, sent,
};
pub use search::Search;
pub use shop::{Shop, ShopTables};

/// The migrations of the read model, in order.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");
