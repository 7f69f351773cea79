//! Which orders.

use ordering::{Sku, Status, Timestamp};
use serde::Serialize;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use crate::Search;

/// How many words of a search are looked up; each costs a look into the indexes.
const LOOKED_UP: usize = 32;

/// What an order must be like; what is empty does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OrderFilter {
    /// Who bought.
    pub customer_id: Option<Uuid>,
    /// One of these.
    pub statuses: Vec<Status>,
    /// Placed then or later.
    pub placed_from: Option<Timestamp>,
    /// Placed before.
    pub placed_to: Option<Timestamp>,
    /// A line has this product.
    pub sku: Option<Sku>,
    /// A line has a product of this department.
    pub department: Option<String>,
    /// Costs this or more.
    pub min_total_cents: Option<i64>,
    /// Costs this or less.
    pub max_total_cents: Option<i64>,
    /// Each word is in a product of it, in its customer's name, its reference or its tracking
    /// number.
    pub q: Search,
}

impl OrderFilter {
    /// Adds the conditions to a statement about an order `o`, but for the words.
    pub(crate) fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Some(customer_id) = self.customer_id {
            sql.push(" and o.customer_id = ").push_bind(customer_id);
        }
        self.push_statuses(sql);
        if let Some(from) = self.placed_from {
            sql.push(" and o.placed_at >= ").push_bind(from);
        }
        if let Some(to) = self.placed_to {
            sql.push(" and o.placed_at < ").push_bind(to);
        }
        if let Some(least) = self.min_total_cents {
            sql.push(" and o.total_cents >= ").push_bind(least);
        }
        if let Some(most) = self.max_total_cents {
            sql.push(" and o.total_cents <= ").push_bind(most);
        }
        self.push_contents(sql);
    }

    /// One status is compared by itself: only then does its index give the orders in order.
    fn push_statuses(&self, sql: &mut QueryBuilder<Postgres>) {
        match self.statuses.as_slice() {
            [] => {}
            [status] => {
                sql.push(" and o.status = ").push_bind(status.as_str());
            }
            statuses => {
                let statuses: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
                sql.push(" and o.status = any(").push_bind(statuses).push(")");
            }
        }
    }

    fn push_contents(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Some(sku) = &self.sku {
            sql.push(" and o.id in (select l.order_id from order_line l where l.sku = ");
            sql.push_bind(sku.as_str()).push(")");
        }
        if let Some(department) = &self.department {
            sql.push(
                " and o.id in (select l.order_id from order_line l \
                 join product p on p.sku = l.sku where p.department = ",
            );
            sql.push_bind(department).push(")");
        }
    }

    /// The orders that have all words: a set of orders a word, and of these what they have in
    /// common. As sets and not as conditions: the planner's work grows with the number of words and
    /// no faster. What has so many of the words is rare, and looked through for the rest of them.
    /// Each once, also so that the planner takes them for few, and a look for one of them for cheap.
    pub(crate) fn push_found(&self, sql: &mut QueryBuilder<Postgres>) {
        let mut queries = self.q.queries();
        let looked_up: Vec<_> = queries.by_ref().take(LOOKED_UP).collect();
        let rest: Vec<_> = queries.collect();
        if !rest.is_empty() {
            sql.push("with candidate (id) as materialized (");
        }
        sql.push("select distinct id from (");
        for (place, query) in looked_up.into_iter().enumerate() {
            sql.push(if place == 0 { "" } else { " intersect " });
            sql.push("(select h.id from order_history h where h.search @@ ");
            sql.push_bind(query.clone()).push("::tsquery");
            sql.push(
                " union all select h.id from customer c \
                 join order_history h on h.customer_id = c.id where c.search @@ ",
            );
            sql.push_bind(query.clone()).push("::tsquery");
            sql.push(
                " union all select l.order_id from product p \
                 join order_line l on l.sku = p.sku where p.search @@ ",
            );
            sql.push_bind(query).push("::tsquery)");
        }
        sql.push(") matched");
        if !rest.is_empty() {
            push_those_with(sql, rest);
        }
    }
}

/// Which of the candidates have the rest of the words, too.
fn push_those_with(sql: &mut QueryBuilder<Postgres>, queries: Vec<String>) {
    sql.push(") select o.id from candidate o where not exists (select from unnest(");
    sql.push_bind(queries);
    sql.push(
        "::text[]::tsquery[]) word (query) where not exists (\
             select from order_history h where h.id = o.id and h.search @@ word.query \
         ) and not exists (\
             select from order_history h join customer c on c.id = h.customer_id \
             where h.id = o.id and c.search @@ word.query \
         ) and not exists (\
             select from order_line l join product p on p.sku = l.sku \
             where l.order_id = o.id and p.search @@ word.query))",
    );
}
