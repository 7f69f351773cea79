//! What the views answer, against what a plain model of the same shop says.

mod baskets;
mod freshness;
mod model;
mod orders;
mod paging;
mod products;
mod sales;
mod search;
mod single;
mod stage;
