//! The sales report, against the same counted in Rust.

use std::collections::BTreeMap;

use chrono::Datelike;
use ordering::Status;
use ordering_views::{
    Timestamp,
    sales::{SalesBy, SalesRow, sales},
};

use crate::{
    model::{Line, Model, Order, order_happens},
    stage::{Stage, at},
};

pub(crate) const ALL: [SalesBy; 7] = [
    SalesBy::Day,
    SalesBy::Week,
    SalesBy::Month,
    SalesBy::Department,
    SalesBy::Category,
    SalesBy::Product,
    SalesBy::Customer,
];

fn bucket(model: &Model, by: SalesBy, order: &Order, line: &Line, when: Timestamp) -> String {
    let product = model.product(&line.sku);
    match by {
        SalesBy::Day => format!("{:04}-{:02}-{:02}", when.year(), when.month(), when.day()),
        SalesBy::Week => {
            format!("{:04}-W{:02}", when.iso_week().year(), when.iso_week().week())
        }
        SalesBy::Month => format!("{:04}-{:02}", when.year(), when.month()),
        SalesBy::Department => product.map(|p| p.department.clone()).unwrap_or_default(),
        SalesBy::Category => product.and_then(|p| p.category.clone()).unwrap_or_default(),
        SalesBy::Product => line.sku.clone(),
        SalesBy::Customer => order.customer.to_string(),
    }
}

/// The report, counted line by line.
pub(crate) fn counted(
    model: &Model,
    by: SalesBy,
    within: impl Fn(Timestamp) -> bool,
) -> Vec<SalesRow> {
    let mut rows: BTreeMap<String, (Vec<usize>, SalesRow)> = BTreeMap::new();
    let empty = |bucket: &str| SalesRow {
        bucket: bucket.to_owned(),
        orders: 0,
        units: 0,
        gross_cents: 0,
        refund_cents: 0,
        net_cents: 0,
    };
    for (place, order) in model.orders.iter().enumerate() {
        if order.status == Status::Cancelled {
            continue;
        }
        for line in &order.lines {
            if within(order.placed_at) {
                let key = bucket(model, by, order, line, order.placed_at);
                let (orders, row) = rows.entry(key.clone()).or_insert((vec![], empty(&key)));
                orders.push(place);
                row.units += line.quantity;
                row.gross_cents += line.quantity * line.price;
            }
            if let Some(returned_at) = order.returned_at.filter(|at| within(*at))
                && line.returned > 0
            {
                let key = bucket(model, by, order, line, returned_at);
                let (_, row) = rows.entry(key.clone()).or_insert((vec![], empty(&key)));
                row.refund_cents += line.returned * line.price;
            }
        }
    }
    let finish = |(mut orders, mut row): (Vec<usize>, SalesRow)| {
        orders.dedup();
        row.orders = orders.len() as i64;
        row.net_cents = row.gross_cents - row.refund_cents;
        row
    };
    rows.into_values().map(finish).collect()
}

#[tokio::test]
async fn the_report_counts_what_was_sold_and_what_came_back_in_every_kind_of_bucket() {
    let mut stage = Stage::set().await;
    let model = Model::grow(12, 300);
    model.happens_on(&mut stage).await;
    let (from, to) =
        (at("2017-01-01T00:00:00Z"), model.orders[0].placed_at.max(at("2017-01-20T00:00:00Z")));
    for by in ALL {
        let all = sales(&stage.pool, by, None, None).await.unwrap();
        assert_eq!(all, counted(&model, by, |_| true), "{by:?}");
        assert!(all.iter().any(|row| row.refund_cents > 0));
        let some = sales(&stage.pool, by, Some(from), Some(to)).await.unwrap();
        assert_eq!(some, counted(&model, by, |when| when >= from && when < to), "{by:?}");
    }
}

pub(crate) fn order(reference: &str, placed_at: &str, lines: usize, status: Status) -> Order {
    let line = Line { sku: "X000".to_owned(), quantity: 2, price: 50, returned: 0 };
    Order {
        id: ordering::OrderId::imported(reference),
        reference: reference.to_owned(),
        customer: ordering::CustomerId::derived("c"),
        status,
        placed_at: at(placed_at),
        lines: vec![line; lines],
        tracking: Some("T1".to_owned()),
        returned_at: None,
    }
}

async fn report(stage: &Stage, by: SalesBy, from: &str, to: &str) -> Vec<(String, i64, i64, i64)> {
    let rows = sales(&stage.pool, by, Some(at(from)), Some(at(to))).await.unwrap();
    rows.into_iter()
        .map(|row| (row.bucket, row.orders, row.gross_cents, row.refund_cents))
        .collect()
}

#[tokio::test]
async fn a_refund_counts_when_the_goods_came_back() {
    let mut stage = Stage::set().await;
    let mut returned = order("a", "2017-01-31T23:59:59Z", 1, Status::Delivered);
    returned.lines[0].returned = 1;
    returned.returned_at = Some(at("2017-03-01T00:00:00Z"));
    order_happens(&mut stage, &returned);
    stage.project().await;
    let year = report(&stage, SalesBy::Month, "2017-01-01T00:00:00Z", "2018-01-01T00:00:00Z").await;
    assert_eq!(year, [("2017-01".into(), 1, 100, 0), ("2017-03".into(), 0, 0, 50)]);
    let march =
        report(&stage, SalesBy::Product, "2017-03-01T00:00:00Z", "2017-04-01T00:00:00Z").await;
    assert_eq!(march, [("X000".into(), 0, 0, 50)]);
}

#[tokio::test]
async fn nothing_and_only_cancelled_orders_are_an_empty_report() {
    let mut stage = Stage::set().await;
    order_happens(&mut stage, &order("a", "2017-01-31T12:00:00Z", 3, Status::Cancelled));
    order_happens(&mut stage, &order("b", "2017-02-01T00:00:00Z", 1, Status::Placed));
    stage.project().await;
    for by in ALL {
        let january = report(&stage, by, "2017-01-01T00:00:00Z", "2017-02-01T00:00:00Z").await;
        assert_eq!(january, []);
        let backwards = report(&stage, by, "2018-01-01T00:00:00Z", "2017-01-01T00:00:00Z").await;
        assert_eq!(backwards, []);
    }
}

#[tokio::test]
async fn a_week_around_new_year_belongs_to_the_year_of_its_thursday() {
    let mut stage = Stage::set().await;
    for (place, when) in [
        "2016-12-31T12:00:00Z",
        "2017-01-01T23:59:59Z",
        "2017-01-02T00:00:00Z",
        "2018-12-31T00:00:00Z",
    ]
    .into_iter()
    .enumerate()
    {
        order_happens(&mut stage, &order(&place.to_string(), when, 1, Status::Placed));
    }
    stage.project().await;
    let weeks = report(&stage, SalesBy::Week, "2016-01-01T00:00:00Z", "2020-01-01T00:00:00Z").await;
    let week = |name: &str, orders| (name.to_owned(), orders, orders * 100, 0);
    assert_eq!(weeks, [week("2016-W52", 2), week("2017-W01", 1), week("2019-W01", 1)]);
}

#[tokio::test]
async fn an_order_of_161_lines_is_one_order() {
    let mut stage = Stage::set().await;
    order_happens(&mut stage, &order("a", "2017-01-31T12:00:00Z", 161, Status::Placed));
    stage.project().await;
    let day = report(&stage, SalesBy::Day, "2017-01-31T00:00:00Z", "2017-02-01T00:00:00Z").await;
    assert_eq!(day, [("2017-01-31".into(), 1, 16_100, 0)]);
}

#[tokio::test]
async fn sums_beyond_64_bits_are_cut_and_no_error() {
    let mut stage = Stage::set().await;
    for reference in ["a", "b"] {
        let mut dear = order(reference, "2017-01-31T12:00:00Z", 1, Status::Placed);
        dear.lines[0] = Line { quantity: 1, price: i64::MAX, ..dear.lines[0].clone() };
        order_happens(&mut stage, &dear);
    }
    stage.project().await;
    let day = report(&stage, SalesBy::Day, "2017-01-31T00:00:00Z", "2017-02-01T00:00:00Z").await;
    assert_eq!(day, [("2017-01-31".into(), 2, i64::MAX, 0)]);
}
