//! Products, the most sold first: those that sold eight times or more by their popularity, which has
//! an index, and after the last of them all others.

use sqlx::{Postgres, QueryBuilder};

use super::find::{PRODUCT, ProductFilter, ProductPlace, ProductSort};
use crate::Limit;

/// The statement of the list. What is not popular is looked at only where the page goes on beyond
/// what is.
pub(super) fn push_list(
    sql: &mut QueryBuilder<Postgres>,
    filter: &ProductFilter,
    (after, limit): (Option<&ProductPlace>, Limit),
) {
    let push_part = |sql: &mut QueryBuilder<Postgres>, which| {
        sql.push(PRODUCT).push(which);
        filter.push(sql);
    };
    sql.push("with popular as materialized (");
    push_part(sql, " and s.popularity > 0");
    if let Some(ProductPlace { units_sold, sku, .. }) = after {
        sql.push(" and s.popularity <= popularity(").push_bind(*units_sold);
        // Of the sales alone, so that products are looked up for the page and not for what it skips.
        sql.push(") and (s.units, s.sku) < (").push_bind(*units_sold);
        sql.push(", ").push_bind(sku.clone()).push(")");
    }
    sql.push(" order by s.popularity desc, s.units desc, s.sku desc limit ");
    sql.push_bind(limit.and_one()).push(") select * from popular union all (");
    push_part(sql, " and coalesce(s.popularity, 0) = 0");
    if let Some(place) = after {
        place.push_after(ProductSort::MostSoldFirst, sql);
    }
    sql.push(" order by coalesce(s.units, 0) desc, p.sku desc limit ");
    sql.push_bind(limit.and_one()).push(" - (select count(*) from popular))");
    sql.push(" order by units_sold desc, sku desc");
}
