//! Products, the most sold first: those that sold by the index on how much, and after the last of
//! them those that did not.

use sqlx::{Postgres, QueryBuilder};

use super::find::{PRODUCT, ProductFilter, ProductPlace, STILL_TO_ADD};
use crate::Limit;

/// What sold and moves no more, by the index. `not in` is a look into a hash for each product, and
/// leaves the order as it is.
const SOLD: Part = Part {
    name: "sold",
    units: Some("s.units"),
    sku: "s.sku",
    from: "product_sales s join product p on p.sku = s.sku \
           where s.units > 0 and s.sku not in (select sku from waiting)",
};

/// What is still to be added to: its place is another one than the index has for it. Sorted by
/// itself (`offset 0`), so that products are looked up until the page is full, and not all.
const MOVED: Part = Part {
    name: "moved",
    units: Some("s.units"),
    sku: "s.sku",
    from: "(select w.sku, coalesce(s.units, 0) + w.units as units \
            from waiting w left join product_sales s on s.sku = w.sku \
            order by units desc, w.sku desc offset 0) s \
           join product p on p.sku = s.sku where true",
};

/// What did not sell.
const UNSOLD: Part = Part {
    name: "unsold",
    units: None,
    sku: "p.sku",
    from: "product p where p.sku not in (select sku from waiting) \
           and not exists (select from product_sales s where s.sku = p.sku and s.units > 0)",
};

/// The statement of the list: the first of the first of each part. What did not sell is looked at
/// only where the page goes on beyond what did.
pub(super) fn push_list(
    sql: &mut QueryBuilder<Postgres>,
    filter: &ProductFilter,
    (after, limit): (Option<&ProductPlace>, Limit),
) {
    sql.push(format_args!("with waiting as materialized ({STILL_TO_ADD} group by sku)"));
    for part in [SOLD, MOVED, UNSOLD] {
        part.push(sql, filter, after);
        sql.push(" limit ").push_bind(limit.and_one());
        sql.push(if part.units.is_none() { " - (select count(*) from sold))" } else { ")" });
    }
    sql.push(
        " select * from sold union all select * from moved union all select * from unsold \
         order by units_sold desc, sku desc limit ",
    );
    sql.push_bind(limit.and_one());
}

/// Some of the products.
struct Part {
    name: &'static str,
    /// What was sold of each; `None` where nothing was.
    units: Option<&'static str>,
    /// The number, by the table that is walked through.
    sku: &'static str,
    from: &'static str,
}

impl Part {
    /// Its products that pass the filter and come after the place, in order.
    fn push(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        filter: &ProductFilter,
        after: Option<&ProductPlace>,
    ) {
        let Self { name, units, sku, from } = self;
        let sold = units.unwrap_or("0::bigint");
        sql.push(format_args!(
            ", {name} as materialized (select {PRODUCT}, {sold} as units_sold from {from}"
        ));
        filter.push(sql);
        match (units, after) {
            (Some(units), Some(place)) => {
                sql.push(format_args!(" and ({units}, {sku}) < (")).push_bind(place.units_sold);
                sql.push(", ").push_bind(place.sku.clone()).push(")");
            }
            (None, Some(place)) if place.units_sold == 0 => {
                sql.push(format_args!(" and {sku} < ")).push_bind(place.sku.clone());
            }
            (_, None) | (None, Some(_)) => {}
        }
        let most = units.map(|units| format!("{units} desc, ")).unwrap_or_default();
        sql.push(format_args!(" order by {most}{sku} desc"));
    }
}
