//! Customers as they are asked for.

use ordering::Timestamp;
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

/// A customer with what they bought. Cancelled orders count as nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct Customer {
    /// Who.
    pub id: Uuid,
    /// What another system calls them.
    pub reference: Option<String>,
    /// What to call them.
    pub name: String,
    /// Where mail goes.
    pub email: String,
    /// Since when.
    pub registered_at: Timestamp,
    /// How many orders they placed.
    pub order_count: i64,
    /// What they paid for them, less what was refunded.
    pub lifetime_value_cents: i64,
    /// When they placed the first.
    pub first_order_at: Option<Timestamp>,
    /// When they placed the last.
    pub last_order_at: Option<Timestamp>,
    /// The commit that this is as of; orders do not count.
    pub version: i64,
}

/// The customer with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Customer>, sqlx::Error> {
    let sql = "select c.id, c.reference, c.name, c.email, c.registered_at, bought.*, c.version \
         from customer c cross join lateral ( \
           select count(*) as order_count, \
             least(coalesce(sum(o.total_cents - o.refund_cents), 0), 9223372036854775807)::bigint \
               as lifetime_value_cents, \
             min(o.placed_at) as first_order_at, max(o.placed_at) as last_order_at \
           from order_history o where o.customer_id = c.id and o.status <> 'cancelled' \
         ) bought where c.id = $1";
    sqlx::query_as(sql).bind(id).fetch_optional(pool).await
}

/// Whether anything is known of this customer: an order may be seen before who placed it.
///
/// # Errors
/// When the database does not answer.
pub async fn is_known(pool: &PgPool, id: Uuid) -> Result<bool, sqlx::Error> {
    let sql = "select exists (select from customer where id = $1) \
         or exists (select from order_history where customer_id = $1)";
    sqlx::query_scalar(sql).bind(id).fetch_one(pool).await
}
