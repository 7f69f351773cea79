//! The reports, counted order by order and line by line in plain Rust.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use chrono::{Datelike, Duration};
use ordering::{CustomerId, Status};
use ordering_views::{
    Timestamp, bought_together::BoughtTogether, fulfilment::FulfilmentRow, low_stock::LowStock,
    retention::Cohort, top_customers::TopCustomer, top_products::TopProduct,
};

use crate::model::{Model, Order};

impl Model {
    fn sold(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter().filter(|order| order.status != Status::Cancelled)
    }
}

pub(crate) fn top_products(
    model: &Model,
    within: impl Fn(Timestamp) -> bool,
    limit: usize,
) -> Vec<TopProduct> {
    let mut counts: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for order in model.sold() {
        for line in &order.lines {
            if within(order.placed_at) {
                let (units, net) = counts.entry(&line.sku).or_default();
                *units += line.quantity;
                *net += line.quantity * line.price;
            }
            if line.returned > 0 && order.returned_at.is_some_and(&within) {
                counts.entry(&line.sku).or_default().1 -= line.returned * line.price;
            }
        }
    }
    let row = |(sku, (units, net_cents)): (&str, (i64, i64))| TopProduct {
        sku: sku.to_owned(),
        product_name: model.product(sku).map(|product| product.name.clone()),
        units,
        net_cents,
    };
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(sku, (_, net))| (Reverse(*net), *sku));
    counts.into_iter().take(limit).map(row).collect()
}

pub(crate) fn top_customers(
    model: &Model,
    within: impl Fn(Timestamp) -> bool,
    limit: usize,
) -> Vec<TopCustomer> {
    let mut rows: BTreeMap<CustomerId, TopCustomer> = BTreeMap::new();
    for order in model.sold() {
        let row = || TopCustomer {
            customer_id: order.customer.0,
            customer_name: model.name_of(order.customer).map(str::to_owned),
            orders: 0,
            net_cents: 0,
        };
        if within(order.placed_at) {
            let row = rows.entry(order.customer).or_insert_with(row);
            row.orders += 1;
            row.net_cents += order.total();
        }
        if order.returned_at.is_some_and(&within) {
            rows.entry(order.customer).or_insert_with(row).net_cents -= order.refund();
        }
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    rows.sort_by_key(|row| (Reverse(row.net_cents), row.customer_id));
    rows.truncate(limit);
    rows
}

pub(crate) fn bought_together(model: &Model, sku: &str, limit: usize) -> Vec<BoughtTogether> {
    let baskets: Vec<BTreeSet<&str>> = model
        .sold()
        .map(|order| order.lines.iter().map(|line| line.sku.as_str()).collect())
        .collect();
    let (mut with, mut both): (BTreeMap<&str, i64>, BTreeMap<&str, i64>) = Default::default();
    for basket in &baskets {
        for product in basket {
            *with.entry(product).or_default() += 1;
            if basket.contains(sku) && *product != sku {
                *both.entry(product).or_default() += 1;
            }
        }
    }
    let mut both: Vec<_> = both.into_iter().collect();
    both.sort_by_key(|(other, orders)| (Reverse(*orders), *other));
    let share = |part: i64, of: usize| part as f64 / of as f64;
    let row = |(other, orders): (&str, i64)| {
        let confidence = share(orders, with[sku] as usize);
        BoughtTogether {
            sku: other.to_owned(),
            product_name: model.product(other).map(|product| product.name.clone()),
            orders,
            support: share(orders, baskets.len()),
            confidence,
            lift: confidence / share(with[other], baskets.len()),
        }
    };
    both.into_iter().take(limit).map(row).collect()
}

/// Months since the year 0.
fn month(at: Timestamp) -> i32 {
    at.year() * 12 + at.month0() as i32
}

pub(crate) fn retention(model: &Model) -> Vec<Cohort> {
    let mut active: BTreeMap<CustomerId, BTreeSet<i32>> = BTreeMap::new();
    for order in model.sold() {
        active.entry(order.customer).or_default().insert(month(order.placed_at));
    }
    let newest = active.values().flatten().copied().max().unwrap_or(0);
    let mut cohorts: BTreeMap<i32, Vec<&BTreeSet<i32>>> = BTreeMap::new();
    for months in active.values() {
        cohorts.entry(*months.first().unwrap()).or_default().push(months);
    }
    let row = |(first, members): (i32, Vec<&BTreeSet<i32>>)| {
        let share = |month: i32| {
            let again = members.iter().filter(|months| months.contains(&month)).count();
            again as f64 / members.len() as f64
        };
        Cohort {
            cohort: format!("{:04}-{:02}", first / 12, first % 12 + 1),
            customers: members.len() as i64,
            months: (first + 1..=newest).map(share).collect(),
        }
    };
    cohorts.into_iter().map(row).collect()
}

pub(crate) fn fulfilment(model: &Model, within: impl Fn(Timestamp) -> bool) -> Vec<FulfilmentRow> {
    let steps = ["placed-to-paid", "paid-to-shipped", "shipped-to-delivered"];
    let row = |(place, step): (usize, &str)| {
        let orders = model.sold().filter(|order| within(order.placed_at));
        let took = orders.filter_map(|order| {
            let times = [vec![order.placed_at], order.steps()].concat();
            Some((*times.get(place + 1)? - times[place]).num_seconds())
        });
        let mut took: Vec<_> = took.collect();
        took.sort_unstable();
        // The smallest time that so many percent of the orders did not exceed.
        let rank = |percent: usize| took[(took.len() * percent).div_ceil(100) - 1] as f64;
        (!took.is_empty()).then(|| FulfilmentRow {
            step: step.to_owned(),
            orders: took.len() as i64,
            p50_seconds: rank(50),
            p90_seconds: rank(90),
            p99_seconds: rank(99),
        })
    };
    steps.into_iter().enumerate().filter_map(row).collect()
}

pub(crate) fn low_stock(model: &Model, below: i64, now: Timestamp, limit: usize) -> Vec<LowStock> {
    let mut units: BTreeMap<&str, i64> = BTreeMap::new();
    for order in model.sold() {
        if order.placed_at >= now - Duration::days(28) && order.placed_at < now {
            for line in &order.lines {
                *units.entry(&line.sku).or_default() += line.quantity;
            }
        }
    }
    let low = model.products.iter().filter(|p| p.stock < below && !p.discontinued);
    let row = |product: &crate::model::Product| {
        let sold = units.get(product.sku.as_str()).copied();
        LowStock {
            sku: product.sku.clone(),
            product_name: product.name.clone(),
            stock: product.stock,
            units_sold_28d: sold.unwrap_or(0),
            days_of_cover: sold.map(|sold| product.stock as f64 * 28.0 / sold as f64),
        }
    };
    let mut rows: Vec<_> = low.map(row).collect();
    rows.sort_by(|a, b| {
        let urgency = |row: &LowStock| row.days_of_cover.unwrap_or(f64::INFINITY);
        let rest = |row: &LowStock| (Reverse(row.units_sold_28d), row.stock, row.sku.clone());
        urgency(a).total_cmp(&urgency(b)).then_with(|| rest(a).cmp(&rest(b)))
    });
    rows.truncate(limit);
    rows
}
