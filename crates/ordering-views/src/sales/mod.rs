//! The sales report.

use ordering::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, FromRow, PgPool};
use utoipa::ToSchema;

/// What a row of the report stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SalesBy {
    /// A day in UTC, `2017-01-31`.
    Day,
    /// An ISO 8601 week, `2017-W05`; the days around New Year belong to the week they are in.
    Week,
    /// A month in UTC, `2017-01`.
    #[default]
    Month,
    /// A department. Empty for products that have not been seen yet.
    Department,
    /// A category. Empty for products that have none, or have not been seen yet.
    Category,
    /// A product, by number.
    Product,
    /// A customer, by id.
    Customer,
}

/// A row of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct SalesRow {
    /// What the row stands for.
    pub bucket: String,
    /// Orders with a sale in it.
    pub orders: i64,
    /// Pieces sold.
    pub units: i64,
    /// What was sold.
    pub gross_cents: i64,
    /// What was refunded.
    pub refund_cents: i64,
    /// The one less the other.
    pub net_cents: i64,
}

impl SalesBy {
    /// The statement. Times are grouped as times and written at the end, a few instead of all.
    fn sql(self) -> String {
        match self {
            Self::Day => by_time("day", "YYYY-MM-DD"),
            Self::Week => by_time("week", "IYYY-\"W\"IW"),
            Self::Month => by_time("month", "YYYY-MM"),
            Self::Customer => by_order("o.customer_id", "o.customer_id", "bucket::text"),
            Self::Department => by_shelf("p.department"),
            Self::Category => by_shelf("p.category"),
            Self::Product => include_str!("by_product.sql").to_owned(),
        }
    }
}

fn by_time(unit: &str, pattern: &str) -> String {
    let start = |of: &str| format!("date_trunc('{unit}', {of} at time zone 'UTC')");
    let label = format!("to_char(bucket, '{pattern}')");
    by_order(&start("o.placed_at"), &start("r.returned_at"), &label)
}

fn by_order(sold: &str, returned: &str, label: &str) -> String {
    let sql = include_str!("by_order.sql");
    sql.replace("{sold}", sold).replace("{returned}", returned).replace("{label}", label)
}

fn by_shelf(column: &str) -> String {
    include_str!("by_shelf.sql").replace("{shelf}", &format!("coalesce({column}, '')"))
}

/// The sales from one moment (inclusive) to another (exclusive), sorted by bucket. A bucket in
/// which nothing was sold and nothing came back has no row.
///
/// # Errors
/// When the database does not answer.
pub async fn sales(
    pool: &PgPool,
    by: SalesBy,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<Vec<SalesRow>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(by.sql())).bind(from).bind(to).fetch_all(pool).await
}
