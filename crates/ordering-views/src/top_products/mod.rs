//! The products that brought in most.

use ordering::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

use crate::Limit;

/// A row of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct TopProduct {
    /// Which product.
    pub sku: String,
    /// What the shelf says; empty until the product has been seen.
    pub product_name: Option<String>,
    /// Pieces sold, whatever came back later.
    pub units: i64,
    /// What was sold less what was refunded.
    pub net_cents: i64,
}

/// The products with the largest net sales from one moment (inclusive) to another (exclusive),
/// the largest first; equals by sku.
///
/// # Errors
/// When the database does not answer.
pub async fn top_products(
    pool: &PgPool,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Limit,
) -> Result<Vec<TopProduct>, sqlx::Error> {
    let sql = sqlx::query_as(include_str!("top_products.sql"));
    sql.bind(from).bind(to).bind(limit.most()).fetch_all(pool).await
}
