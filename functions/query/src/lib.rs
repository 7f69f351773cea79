//! Request to SQL to JSON: the read side over HTTP.
//!
//! A handler reads its parameters, asks a view of `ordering-views`, and answers. Ownership is
//! checked here, from the claims that API Gateway's authorizer passes. What every query shares is
//! around the routes: waiting for a consistency token, the lag, and the shape of a refusal.

mod answer;
mod carts;
mod chart;
mod columns;
mod customers;
mod docs;
mod drawn;
mod export;
mod failure;
mod format;
mod freshness;
mod lag;
mod openapi;
mod orders;
mod paging;
mod parameters;
mod private;
mod products;
mod projection;
mod reports;
mod settings;
mod streams;
mod table;
mod written;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state, map_response},
};
use edge::Scope;
use ordering_views::CursorKey;
pub use settings::{BadCursorKey, connect, cursor_key, sessions};
use sqlx::PgPool;
use tower_http::compression::{CompressionLayer, predicate::SizeAbove};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::lag::Lag;

/// The scopes that see everybody's things; without one of them a caller sees their own.
const EVERYBODYS: &[Scope] = &[Scope::Staff, Scope::Analyst];

/// The fewest bytes that are compressed: what fits one packet arrives no sooner for it.
const WORTH_COMPRESSING: u64 = 1_400;

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
    let router = Router::from(routes())
        .route_layer(from_fn_with_state(queries.clone(), freshness::wait))
        .layer(from_fn(private::spare_the_known))
        .layer(map_response(private::keep_private))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(WORTH_COMPRESSING)))
        .layer(map_response(private::tag_the_coding))
        .with_state(queries.clone());
    let about_anything = edge::with_problems(router);
    let about_anything = about_anything.layer(from_fn_with_state(queries, lag::tell));
    edge::with_problems(docs::routes().into()).merge(about_anything)
}

/// What these queries say of themselves: this function's part of the OpenAPI document.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut api = routes().into_openapi();
    openapi::complete(&mut api);
    let mut of_docs = docs::routes().into_openapi();
    edge::openapi::describe_refusals(&mut of_docs, &[]);
    api.merge(of_docs);
    api
}

fn routes() -> OpenApiRouter<Queries> {
    let singles = OpenApiRouter::default()
        .routes(routes!(orders::find))
        .routes(routes!(customers::find))
        .routes(routes!(products::find))
        .routes(routes!(carts::find))
        .routes(routes!(projection::progress))
        .route_layer(from_fn(format::only_json));
    let reports = OpenApiRouter::default()
        .routes(routes!(reports::sales))
        .routes(routes!(reports::top_products))
        .routes(routes!(reports::top_customers))
        .routes(routes!(reports::bought_together))
        .routes(routes!(reports::retention))
        .routes(routes!(reports::fulfilment))
        .routes(routes!(reports::stock));
    let lists = OpenApiRouter::default()
        .routes(routes!(orders::list))
        .routes(routes!(customers::order_history))
        .routes(routes!(products::list))
        .routes(routes!(streams::events));
    singles.merge(lists).merge(reports)
}
