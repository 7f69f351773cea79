//! What the views answer, against what a plain model of the same shop says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod baskets;
mod counted;
mod freshness;
mod model;
mod orders;
mod paging;
mod product_paging;
mod products;
mod report_edges;
mod reports;
mod sales;
mod search;
mod single;
mod stage;
