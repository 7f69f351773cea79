//! What else is in the orders that a product is in.

use ordering::Sku;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

use crate::Limit;

/// A row of the report: another product in the same orders.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow, ToSchema)]
pub struct BoughtTogether {
    /// The other product.
    pub sku: String,
    /// What the shelf says; empty until the product has been seen.
    pub product_name: Option<String>,
    /// Orders with both.
    pub orders: i64,
    /// Their share of all orders, 0 to 1.
    pub support: f64,
    /// Their share of the orders with the product that was asked for, 0 to 1.
    pub confidence: f64,
    /// How many times more often than if the two had nothing to do with each other: confidence
    /// over the other product's share of all orders.
    pub lift: f64,
}

/// The products that are most often in one order with `sku`, the most frequent first; equals by
/// sku.
///
/// # Errors
/// When the database does not answer.
pub async fn bought_together(
    pool: &PgPool,
    sku: &Sku,
    limit: Limit,
) -> Result<Vec<BoughtTogether>, sqlx::Error> {
    let sql = sqlx::query_as(include_str!("bought_together.sql"));
    sql.bind(sku.as_str()).bind(limit.most()).fetch_all(pool).await
}
