//! The SQL of each report beside the least that any statement over these tables has to do for it.

use std::hint::black_box;

use sqlx::PgPool;

use super::{
    reports::{REPORTS, bare},
    shop::Shop,
    stopwatch::by_turns,
};
use crate::report::Figure;

const ROUNDS: usize = 9;

/// What a report cannot do without: every row that it counts is read once, falls into its group, and
/// the groups are sent. Refunds, ties, products that an order has on two lines, shares and ranks are
/// left out. Two statements where two are faster than one.
pub(crate) struct Least(pub(crate) &'static [&'static str]);

pub(crate) const SALES_BY_MONTH: Least = Least(&[
    "select date_trunc('month', placed_at at time zone 'UTC'), count(*), sum(units), sum(total_cents) \
     from order_history where status <> 'cancelled' group by 1",
]);

pub(crate) const SALES_BY_CUSTOMER: Least =
    Least(&["select customer_id::text, count(*), sum(units)::bigint, sum(total_cents)::bigint \
     from order_history where status <> 'cancelled' group by customer_id \
     order by customer_id::text collate \"C\""]);

/// An order counts once in a department, so pairs of both are told apart. Sums alone are added up by
/// all cores; of the pairs one core makes a table. Here they are bits of a number, which works for 63
/// departments and no categories: the other way that there is.
pub(crate) const SALES_BY_DEPARTMENT: Least = Least(&[
    "select p.department, sum(l.quantity)::bigint, sum(l.total_cents)::bigint \
     from order_history o join order_line l on l.order_id = o.id left join product p on p.sku = l.sku \
     where o.status <> 'cancelled' group by p.department",
    "select bits, count(*) from (select bit_or(1::bigint << d.place) as bits \
     from order_history o join order_line l on l.order_id = o.id join product p on p.sku = l.sku \
     join (select department, dense_rank() over (order by department)::integer as place \
         from product group by department) d on d.department = p.department \
     where o.status <> 'cancelled' group by l.order_id) as orders group by bits",
]);

pub(crate) const SALES_BY_PRODUCT: Least =
    Least(&["select l.sku, count(*), sum(l.quantity)::bigint, sum(l.total_cents)::bigint \
     from order_history o join order_line l on l.order_id = o.id \
     where o.status <> 'cancelled' group by l.sku order by l.sku collate \"C\""]);

pub(crate) const TOP_PRODUCTS: Least =
    Least(&["select l.sku, sum(l.quantity)::bigint, sum(l.total_cents)::bigint as cents \
     from order_history o join order_line l on l.order_id = o.id \
     where o.status <> 'cancelled' group by l.sku order by cents desc limit 20"]);

pub(crate) const TOP_CUSTOMERS: Least = Least(&[
    "select customer_id, count(*), sum(total_cents)::bigint as cents \
     from order_history where status <> 'cancelled' group by customer_id order by cents desc limit 20",
]);

pub(crate) const BOUGHT_TOGETHER: Least =
    Least(&["select sku, count(*) as orders from order_line \
     where order_id in (select order_id from order_line where sku = 'P01082185') \
     group by sku order by orders desc limit 20"]);

pub(crate) const RETENTION: Least = Least(&["select month, count(*) from (\
     select distinct customer_id, date_trunc('month', placed_at at time zone 'UTC') as month \
     from order_history where status <> 'cancelled') as active group by month"]);

pub(crate) const FULFILMENT: Least = Least(&[
    "select count(paid_at - placed_at), count(shipped_at - paid_at), count(delivered_at - shipped_at) \
     from order_history where status <> 'cancelled'",
]);

pub(crate) const STOCK: Least =
    Least(&["select sku, name, stock from product where stock < 10 and not discontinued \
     order by stock, sku limit 20"]);

/// Each report's SQL beside that.
pub(crate) async fn each(shop: &Shop) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for report in &REPORTS {
        let (ours, floor) = by_turns(
            ROUNDS,
            async |_| bare(shop, report.name).await,
            async |_| run(&shop.bare, &report.least).await,
        )
        .await?;
        let against = "rows counted, read once and grouped, p50, asked for: 2";
        let (ours, floor) = (ours.percentile(50), floor.percentile(50));
        figures.push(Figure::new(report.sql_row, ours, "µs", floor, against));
    }
    Ok(figures)
}

async fn run(pool: &PgPool, least: &Least) -> anyhow::Result<()> {
    for statement in least.0 {
        black_box(sqlx::query(*statement).fetch_all(pool).await?.len());
    }
    Ok(())
}
