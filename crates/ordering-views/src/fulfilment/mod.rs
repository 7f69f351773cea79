//! How long orders take from one step to the next.

use ordering::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

/// A row of the report: one step of an order's way. The times are nearest-rank percentiles: a
/// time that an order really took.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow, ToSchema)]
pub struct FulfilmentRow {
    /// `placed-to-paid`, `paid-to-shipped` or `shipped-to-delivered`.
    pub step: String,
    /// Orders that took it, with both times known.
    pub orders: i64,
    /// Half of them took no longer.
    pub p50_seconds: f64,
    /// 90 % of them took no longer.
    pub p90_seconds: f64,
    /// 99 % of them took no longer.
    pub p99_seconds: f64,
}

/// The steps of the orders that were placed from one moment (inclusive) to another (exclusive),
/// in the order of the way. A step that no order took has no row.
///
/// # Errors
/// When the database does not answer.
pub async fn fulfilment(
    pool: &PgPool,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<Vec<FulfilmentRow>, sqlx::Error> {
    sqlx::query_as(include_str!("fulfilment.sql")).bind(from).bind(to).fetch_all(pool).await
}
