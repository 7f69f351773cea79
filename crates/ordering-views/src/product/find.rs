//! Products as they are asked for.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use utoipa::ToSchema;

use super::most_sold;
use crate::{Limit, Page, Search};

/// A product with what was sold of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct Product {
    /// Its number.
    pub sku: String,
    /// What the shelf says.
    pub name: String,
    /// Where it stands.
    pub department: String,
    /// What kind of thing it is.
    pub category: Option<String>,
    /// Who makes it.
    pub brand: Option<String>,
    /// What a piece costs now.
    pub unit_price_cents: i64,
    /// Pieces at hand.
    pub stock: i64,
    /// Pieces in orders that are not cancelled, whatever came back later.
    pub units_sold: i64,
    /// Whether it is no longer sold.
    pub discontinued: bool,
    /// The commit that this is as of; sales do not count.
    pub version: i64,
}

/// The columns of [`Product`], with where they come from.
pub(super) const PRODUCT: &str = "select p.sku, p.name, p.department, p.category, p.brand, \
     p.unit_price_cents, p.stock, coalesce(s.units, 0) as units_sold, p.discontinued, p.version \
     from product p left join product_sales s on s.sku = p.sku where true";

/// The product with this number.
///
/// # Errors
/// When the database does not answer.
pub async fn find(pool: &PgPool, sku: &str) -> Result<Option<Product>, sqlx::Error> {
    let mut sql = QueryBuilder::new(PRODUCT);
    sql.push(" and p.sku = ").push_bind(sku);
    sql.build_query_as().fetch_optional(pool).await
}

/// What a product must be like; what is empty does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProductFilter {
    /// Each word is in its name or is its number.
    pub q: Search,
    /// Where it stands.
    pub department: Option<String>,
    /// What kind of thing it is.
    pub category: Option<String>,
    /// Whether there is any.
    pub in_stock: Option<bool>,
    /// Costs this or more.
    pub min_price_cents: Option<i64>,
    /// Costs this or less.
    pub max_price_cents: Option<i64>,
}

impl ProductFilter {
    pub(super) fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Some(query) = self.q.query() {
            sql.push(" and p.search @@ ").push_bind(query).push("::tsquery");
        }
        if let Some(department) = &self.department {
            sql.push(" and p.department = ").push_bind(department);
        }
        if let Some(category) = &self.category {
            sql.push(" and p.category = ").push_bind(category);
        }
        if let Some(in_stock) = self.in_stock {
            sql.push(if in_stock { " and p.stock > 0" } else { " and p.stock <= 0" });
        }
        if let Some(least) = self.min_price_cents {
            sql.push(" and p.unit_price_cents >= ").push_bind(least);
        }
        if let Some(most) = self.max_price_cents {
            sql.push(" and p.unit_price_cents <= ").push_bind(most);
        }
    }
}

/// By what products are sorted; equals by their number, in the same direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ProductSort {
    /// By name, as the database's collation has it.
    #[default]
    #[serde(rename = "name")]
    Name,
    /// The cheapest first.
    #[serde(rename = "unit_price_cents")]
    CheapestFirst,
    /// The dearest first.
    #[serde(rename = "-unit_price_cents")]
    DearestFirst,
    /// The most sold first.
    #[serde(rename = "-units_sold")]
    MostSoldFirst,
}

impl ProductSort {
    fn column(self) -> &'static str {
        match self {
            Self::Name => "p.name",
            Self::CheapestFirst | Self::DearestFirst => "p.unit_price_cents",
            Self::MostSoldFirst => "coalesce(s.units, 0)",
        }
    }

    fn descends(self) -> bool {
        matches!(self, Self::DearestFirst | Self::MostSoldFirst)
    }
}

/// The place of a product in any sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductPlace {
    /// What the shelf says.
    pub name: String,
    /// What a piece cost when the page was made.
    pub unit_price_cents: i64,
    /// Pieces sold by then.
    pub units_sold: i64,
    /// Which product.
    pub sku: String,
}

impl ProductPlace {
    fn of(product: &Product) -> Self {
        let Product { name, unit_price_cents, units_sold, sku, .. } = product.clone();
        Self { name, unit_price_cents, units_sold, sku }
    }

    /// A comparison of rows, which an index on both columns answers.
    pub(super) fn push_after(&self, sort: ProductSort, sql: &mut QueryBuilder<Postgres>) {
        let direction = if sort.descends() { "<" } else { ">" };
        sql.push(format_args!(" and ({}, p.sku) {direction} (", sort.column()));
        match sort {
            ProductSort::Name => sql.push_bind(self.name.clone()),
            ProductSort::CheapestFirst | ProductSort::DearestFirst => {
                sql.push_bind(self.unit_price_cents)
            }
            ProductSort::MostSoldFirst => sql.push_bind(self.units_sold),
        };
        sql.push(", ").push_bind(self.sku.clone()).push(")");
    }
}

/// A page of the products that pass a filter, those that are no longer sold among them.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    pool: &PgPool,
    filter: &ProductFilter,
    sort: ProductSort,
    (after, limit): (Option<ProductPlace>, Limit),
) -> Result<Page<Product, ProductPlace>, sqlx::Error> {
    let mut sql = QueryBuilder::default();
    push_list(&mut sql, filter, sort, (after, limit));
    let found = sql.build_query_as().fetch_all(pool).await?;
    Ok(Page::cut(found, limit, ProductPlace::of))
}

/// The statement of [`list`], for whoever explains or measures it.
pub fn push_list(
    sql: &mut QueryBuilder<Postgres>,
    filter: &ProductFilter,
    sort: ProductSort,
    (after, limit): (Option<ProductPlace>, Limit),
) {
    if sort == ProductSort::MostSoldFirst {
        return most_sold::push_list(sql, filter, (after.as_ref(), limit));
    }
    sql.push(PRODUCT);
    filter.push(sql);
    if let Some(place) = after {
        place.push_after(sort, sql);
    }
    let (column, direction) = (sort.column(), if sort.descends() { " desc" } else { "" });
    sql.push(format_args!(" order by {column}{direction}, p.sku{direction} limit "));
    sql.push_bind(limit.and_one());
}
