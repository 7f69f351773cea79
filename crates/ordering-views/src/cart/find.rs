//! Carts as they are asked for: priced as of now.

use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

/// A cart at the prices of now; the order freezes them at checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cart {
    /// Which cart.
    pub id: Uuid,
    /// Whose.
    pub customer_id: Uuid,
    /// `open` or `checked_out`.
    #[schema(pattern = "^(open|checked_out)$")]
    pub status: String,
    /// What is in it, by product number.
    pub lines: Vec<CartLine>,
    /// What the lines cost whose price is known.
    pub total_cents: i64,
    /// The order that it became.
    pub order_id: Option<Uuid>,
    /// The commit that this is as of; prices do not count.
    pub version: i64,
}

/// What a cart holds of one product. Name and price are empty until the product has been seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CartLine {
    /// Which product.
    pub sku: String,
    /// What the shelf says.
    pub product_name: Option<String>,
    /// Pieces.
    pub quantity: i64,
    /// What a piece costs now.
    pub unit_price_cents: Option<i64>,
    /// What they cost together, at most 2⁶³ - 1.
    pub total_cents: Option<i64>,
}

#[derive(FromRow)]
struct Found {
    id: Uuid,
    customer_id: Uuid,
    status: String,
    lines: Vec<(String, Option<String>, i64, Option<i64>)>,
    order_id: Option<Uuid>,
    version: i64,
}

impl From<Found> for Cart {
    fn from(found: Found) -> Self {
        let line = |(sku, product_name, quantity, unit_price_cents): (_, _, i64, Option<i64>)| {
            let total_cents = unit_price_cents.map(|price| price.saturating_mul(quantity));
            CartLine { sku, product_name, quantity, unit_price_cents, total_cents }
        };
        let lines: Vec<_> = found.lines.into_iter().map(line).collect();
        let total_cents = lines.iter().filter_map(|line| line.total_cents);
        Self {
            id: found.id,
            customer_id: found.customer_id,
            status: found.status,
            total_cents: total_cents.fold(0, i64::saturating_add),
            lines,
            order_id: found.order_id,
            version: found.version,
        }
    }
}

/// The cart with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Cart>, sqlx::Error> {
    let sql = "select c.id, c.customer_id, c.status, \
         array( \
           select row(l.sku, p.name, l.quantity, p.unit_price_cents) \
           from cart_line l left join product p on p.sku = l.sku \
           where l.cart_id = c.id order by l.sku \
         ) as lines, \
         c.order_id, c.version from cart c where c.id = $1";
    let found: Option<Found> = sqlx::query_as(sql).bind(id).fetch_optional(pool).await?;
    Ok(found.map(Cart::from))
}

/// Whose cart this is.
///
/// # Errors
/// When the database does not answer.
pub async fn owner(pool: &PgPool, id: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    let sql = "select customer_id from cart where id = $1";
    sqlx::query_scalar(sql).bind(id).fetch_optional(pool).await
}
