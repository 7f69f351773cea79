//! The sales report.

use ordering::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, FromRow, PgPool};

/// What a row of the report stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
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

/// How a kind of bucket is told in SQL: of a sale, of a refund, and written.
struct Bucket {
    sold: &'static str,
    returned: &'static str,
    label: &'static str,
}

impl SalesBy {
    /// Times are grouped as times and written at the end, a few instead of all.
    fn bucket(self) -> Bucket {
        let of_both = |bucket| Bucket { sold: bucket, returned: bucket, label: "bucket" };
        match self {
            Self::Day => Bucket {
                sold: "date_trunc('day', o.placed_at at time zone 'UTC')",
                returned: "date_trunc('day', r.returned_at at time zone 'UTC')",
                label: "to_char(bucket, 'YYYY-MM-DD')",
            },
            Self::Week => Bucket {
                sold: "date_trunc('week', o.placed_at at time zone 'UTC')",
                returned: "date_trunc('week', r.returned_at at time zone 'UTC')",
                label: "to_char(bucket, 'IYYY-\"W\"IW')",
            },
            Self::Month => Bucket {
                sold: "date_trunc('month', o.placed_at at time zone 'UTC')",
                returned: "date_trunc('month', r.returned_at at time zone 'UTC')",
                label: "to_char(bucket, 'YYYY-MM')",
            },
            Self::Department => of_both("coalesce(p.department, '')"),
            Self::Category => of_both("coalesce(p.category, '')"),
            Self::Product => Bucket { sold: "l.sku", returned: "r.sku", label: "bucket" },
            Self::Customer => of_both("o.customer_id::text"),
        }
    }
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
    let Bucket { sold, returned, label } = by.bucket();
    let sql = include_str!("sales.sql");
    let sql = sql.replace("{sold}", sold).replace("{returned}", returned);
    let sql = AssertSqlSafe(sql.replace("{label}", label));
    sqlx::query_as(sql).bind(from).bind(to).fetch_all(pool).await
}
