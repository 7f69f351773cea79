//! The customers who left most.

use ordering::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Limit;

/// A row of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct TopCustomer {
    /// Who.
    pub customer_id: Uuid,
    /// What to call them; empty until the customer has been seen.
    pub customer_name: Option<String>,
    /// Orders that they placed.
    pub orders: i64,
    /// What they bought less what was refunded.
    pub net_cents: i64,
}

/// The customers with the largest net sales from one moment (inclusive) to another (exclusive),
/// the largest first; equals by id.
///
/// # Errors
/// When the database does not answer.
pub async fn top_customers(
    pool: &PgPool,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Limit,
) -> Result<Vec<TopCustomer>, sqlx::Error> {
    let sql = sqlx::query_as(include_str!("top_customers.sql"));
    sql.bind(from).bind(to).bind(limit.most()).fetch_all(pool).await
}
