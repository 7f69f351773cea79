//! Products that run out.

use ordering::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

use crate::Limit;

/// A row of the report.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow, ToSchema)]
pub struct LowStock {
    /// Which product.
    pub sku: String,
    /// What the shelf says.
    pub product_name: String,
    /// Pieces at hand.
    pub stock: i64,
    /// Pieces sold within the last 28 days.
    pub units_sold_28d: i64,
    /// For how many days the stock lasts if it goes on like that; empty when nothing was sold.
    pub days_of_cover: Option<f64>,
}

/// The products with less than `below` pieces at hand that are still sold: first those that run
/// out first, of those that have run out the most bought first, and last those that nobody bought
/// within the 28 days up to `now`. Equals by stock, then by sku.
///
/// # Errors
/// When the database does not answer.
pub async fn low_stock(
    pool: &PgPool,
    below: i64,
    now: Timestamp,
    limit: Limit,
) -> Result<Vec<LowStock>, sqlx::Error> {
    let sql = sqlx::query_as(include_str!("low_stock.sql"));
    sql.bind(below).bind(now).bind(limit.most()).fetch_all(pool).await
}
