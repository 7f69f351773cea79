//! Orders as people look them up: how far they are, what is in them, what happened to them.

mod filter;
mod find;
mod row;

use std::collections::BTreeSet;

pub use filter::OrderFilter;
pub use find::{
    Line, Lines, Order, OrderPlace, OrderSort, OrderWithTimeline, Timeline, TimelineEntry, find,
    list, owner, push_list,
};
use ordering::{
    Event, ItemsReturned, OrderEvent, OrderId, OrderImported, OrderLine, Status, Timestamp, Version,
};
use projection::{Table, Tally, Waiting};
pub use row::{OrderLineRow, OrderRefundRow, OrderRow, OrderTimelineRow};

use crate::{Happened, happened::bigint, words::joined};

/// A batch of some sixty orders or more is one of many, and they sell the same products: what it
/// sold waits. Adding up what waits at most costs a list of products some ten milliseconds.
const WAITING: Waiting = Waiting { from_keys: 500, most_keys: 40_000 };

/// The tables of this view.
#[derive(Debug)]
pub struct OrderTables {
    /// The orders.
    pub order: Table<OrderRow>,
    /// Their lines.
    pub line: Table<OrderLineRow>,
    /// What happened to them.
    pub timeline: Table<OrderTimelineRow>,
    /// What came back.
    pub refund: Table<OrderRefundRow>,
    /// Pieces sold, by product.
    pub sales: Tally,
}

impl Default for OrderTables {
    fn default() -> Self {
        Self {
            order: Table::default(),
            line: Table::default(),
            timeline: Table::default(),
            refund: Table::default(),
            sales: Tally::new("product_sales", ("sku", "units"), WAITING),
        }
    }
}

/// Notes the commit that the rows are as of; one without events moves that too.
pub(crate) fn as_of(rows: &mut OrderTables, id: OrderId, version: Version) {
    change(rows, id, |row| row.version = bigint(version.0));
}

/// Counts what the orders at hand sold: nothing, if they are cancelled.
pub(crate) fn count(rows: &mut OrderTables) {
    let OrderTables { order, line, sales, .. } = rows;
    for sold in order.iter().filter(|order| order.status != Status::Cancelled.as_str()) {
        for line in line.range((sold.id, 0)..=(sold.id, i64::MAX)) {
            sales.add(&line.sku, line.quantity);
        }
    }
}

/// Folds one event of the order `id` into its rows.
pub(crate) fn evolve(rows: &mut OrderTables, id: OrderId, happened: &Happened<OrderEvent>) {
    let at = happened.at;
    match &happened.event {
        OrderEvent::Placed(placed) => {
            let customer_id = placed.customer_id;
            let row = OrderRow::placed(id, customer_id, placed.total_cents, placed.currency, at);
            rows.order.put(row);
            put_lines(rows, id, &placed.lines);
        }
        OrderEvent::Imported(imported) => import(rows, id, imported, at),
        OrderEvent::Paid(_) => change(rows, id, |row| {
            row.status = Status::Paid.as_str().to_owned();
            row.paid_at = Some(at);
        }),
        OrderEvent::Shipped(shipped) => change(rows, id, |row| {
            row.status = Status::Shipped.as_str().to_owned();
            row.shipped_at = Some(at);
            row.carrier = Some(shipped.carrier.to_string());
            row.tracking_number = Some(shipped.tracking_number.to_string());
            row.words = joined([row.words.as_str(), shipped.tracking_number.as_str()]);
        }),
        OrderEvent::Delivered(_) => change(rows, id, |row| {
            row.status = Status::Delivered.as_str().to_owned();
            row.delivered_at = Some(at);
        }),
        OrderEvent::Cancelled(_) => change(rows, id, |row| {
            row.status = Status::Cancelled.as_str().to_owned();
            row.cancelled_at = Some(at);
        }),
        OrderEvent::Returned(returned) => take_back(rows, id, returned, happened),
    }
    // In today's shape, whatever it was stored in: no schema version goes with it.
    let current = happened.event.record();
    rows.timeline.put(OrderTimelineRow {
        order_id: id.0,
        version: bigint(happened.version.0),
        index: bigint(happened.index as u64),
        event_type: current.name,
        at,
        data: current.data,
    });
}

fn change(rows: &mut OrderTables, id: OrderId, change: impl FnOnce(&mut OrderRow)) {
    rows.order.update(&(id.0,), change);
}

fn put_lines(rows: &mut OrderTables, id: OrderId, lines: &[OrderLine]) {
    let products: BTreeSet<_> = lines.iter().map(|line| &line.sku).collect();
    change(rows, id, |row| {
        row.units = Some(lines.iter().map(|line| i64::from(line.quantity.get())).sum());
        row.repeated_lines = Some(bigint((lines.len() - products.len()) as u64));
    });
    for (line_no, line) in (1..).zip(lines) {
        let quantity = i64::from(line.quantity.get());
        rows.line.put(OrderLineRow {
            order_id: id.0,
            line_no,
            sku: line.sku.to_string(),
            quantity,
            returned_quantity: 0,
            unit_price_cents: line.unit_price_cents.get(),
            total_cents: line.unit_price_cents.get().saturating_mul(quantity),
        });
    }
}

/// How far it had come is known of an imported order, but not when: those times stay empty.
fn import(rows: &mut OrderTables, id: OrderId, imported: &OrderImported, at: Timestamp) {
    let customer_id = imported.customer_id;
    let mut row = OrderRow::placed(id, customer_id, imported.total_cents, imported.currency, at);
    row.reference = Some(imported.reference.to_string());
    row.status = imported.status.as_str().to_owned();
    row.words = joined([imported.reference.as_str()]);
    rows.order.put(row);
    put_lines(rows, id, &imported.lines);
}

fn take_back(
    rows: &mut OrderTables,
    id: OrderId,
    returned: &ItemsReturned,
    happened: &Happened<OrderEvent>,
) {
    change(rows, id, |row| row.refund_cents += returned.refund_cents.get());
    for back in &returned.lines {
        let (line_no, quantity) = (i64::from(back.line_no), i64::from(back.quantity.get()));
        rows.line.update(&(id.0, line_no), |line| line.returned_quantity += quantity);
        rows.refund.put(OrderRefundRow {
            order_id: id.0,
            version: bigint(happened.version.0),
            line_no,
            sku: back.sku.to_string(),
            quantity,
            refund_cents: back.refund_cents.get(),
            returned_at: happened.at,
        });
    }
}
