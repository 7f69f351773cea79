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

/// The columns of [`Product`] but for what was sold of it.
pub(super) const PRODUCT: &str = "p.sku, p.name, p.department, p.category, p.brand, \
     p.unit_price_cents, p.stock, p.discontinued, p.version";

/// What was sold and waits to be added to `product_sales`. A batch that is not large leaves none.
pub(super) const STILL_TO_ADD: &str = "select sku, sum(units)::bigint as units \
     from (select unnest(keys) as sku, unnest(counts) as units from product_sales_waiting) batch";

/// The product with this number.
///
/// # Errors
/// When the database does not answer.
pub async fn find(pool: &PgPool, sku: &str) -> Result<Option<Product>, sqlx::Error> {
    let mut sql = QueryBuilder::default();
    push_page(&mut sql, |sql| {
        sql.push(" and p.sku = ").push_bind(sku.to_owned());
    });
    sql.build_query_as().fetch_optional(pool).await
}

/// Products that `push` picks, before it is added up what was sold of each: of most it is not asked.
fn push_page(sql: &mut QueryBuilder<Postgres>, push: impl FnOnce(&mut QueryBuilder<Postgres>)) {
    sql.push(format_args!(
        "with page as materialized (\
         select {PRODUCT}, coalesce(s.units, 0) as units \
         from product p left join product_sales s on s.sku = p.sku where true"
    ));
    push(sql);
    sql.push(format_args!(
        "), waiting as materialized ({STILL_TO_ADD} where sku in (select sku from page) group by sku) \
         select {PRODUCT}, p.units + coalesce(w.units, 0) as units_sold \
         from page p left join waiting w on w.sku = p.sku"
    ));
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
    let (column, beyond, direction) = match sort {
        ProductSort::Name => ("p.name", ">", ""),
        ProductSort::CheapestFirst => ("p.unit_price_cents", ">", ""),
        ProductSort::DearestFirst => ("p.unit_price_cents", "<", " desc"),
        ProductSort::MostSoldFirst => {
            return most_sold::push_list(sql, filter, (after.as_ref(), limit));
        }
    };
    let order = format!(" order by {column}{direction}, p.sku{direction}");
    push_page(sql, |sql| {
        filter.push(sql);
        if let Some(place) = after {
            // A comparison of rows, which an index on both columns answers.
            sql.push(format_args!(" and ({column}, p.sku) {beyond} ("));
            if sort == ProductSort::Name {
                sql.push_bind(place.name);
            } else {
                sql.push_bind(place.unit_price_cents);
            }
            sql.push(", ").push_bind(place.sku).push(")");
        }
        sql.push(&order).push(" limit ").push_bind(limit.and_one());
    });
    sql.push(order);
}
