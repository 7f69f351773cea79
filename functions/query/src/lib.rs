//! Request to SQL to JSON: the read side over HTTP.
//!
//! A handler reads its parameters, asks a view of `ordering-views`, and answers. Ownership is
//! checked here, from the claims that API Gateway's authorizer passes. What every query shares is
//! around the routes: waiting for a consistency token, the lag, and the shape of a refusal.

mod answer;
mod carts;
mod customers;
mod failure;
mod freshness;
mod lag;
mod orders;
mod paging;
mod parameters;
mod products;
mod projection;
mod reports;
mod settings;
mod streams;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn_with_state, map_response},
    routing::get,
};
use edge::Scope;
use ordering_views::CursorKey;
pub use settings::{BadCursorKey, connect, cursor_key};
use sqlx::PgPool;

use crate::lag::Lag;

/// The scopes that see everybody's things; without one of them a caller sees their own.
const EVERYBODYS: &[Scope] = &[Scope::Staff, Scope::Analyst];

/// The read side: a database and a key, shared by all requests of a process.
#[derive(Clone, Debug)]
pub struct Queries {
    pool: PgPool,
    cursors: CursorKey,
    lag: Arc<Lag>,
}

impl Queries {
    /// Queries to `pool`, with cursors that are signed by `cursor_key`.
    #[must_use]
    pub fn new(pool: PgPool, cursor_key: Vec<u8>) -> Self {
        Self { pool, cursors: CursorKey::new(&cursor_key), lag: Arc::default() }
    }
}

/// All queries of the API, by route.
pub fn router(queries: Queries) -> Router {
    let router = Router::new()
        .route("/orders", get(orders::list))
        .route("/orders/{id}", get(orders::find))
        .route("/customers/{id}", get(customers::find))
        .route("/customers/{id}/orders", get(customers::order_history))
        .route("/products", get(products::list))
        .route("/products/{sku}", get(products::find))
        .route("/carts/{id}", get(carts::find))
        .route("/streams/{stream}/events", get(streams::events))
        .route("/projection", get(projection::progress))
        .route("/reports/sales", get(reports::sales))
        .route("/reports/top-products", get(reports::top_products))
        .route("/reports/top-customers", get(reports::top_customers))
        .route("/reports/bought-together", get(reports::bought_together))
        .route("/reports/retention", get(reports::retention))
        .route("/reports/fulfilment", get(reports::fulfilment))
        .route("/reports/stock", get(reports::stock))
        .route_layer(from_fn_with_state(queries.clone(), freshness::wait))
        .layer(map_response(answer::keep_private))
        .with_state(queries.clone());
    edge::with_problems(router).layer(from_fn_with_state(queries, lag::tell))
}
