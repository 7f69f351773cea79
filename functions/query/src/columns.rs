//! Which columns lists and reports have as tables.

use ordering_views::{
    audit_trail::AuditedEvent,
    bought_together::BoughtTogether,
    fulfilment::FulfilmentRow,
    low_stock::LowStock,
    order_history::{Line, Order},
    product::Product,
    retention::Cohort,
    sales::SalesRow,
    top_customers::TopCustomer,
    top_products::TopProduct,
};

use crate::table::{Cell, Field, Tabular, tabular};

tabular!(Product: sku, name, department, category, brand, unit_price_cents, stock, units_sold,
    discontinued, version);

tabular!(SalesRow: bucket, orders, units, gross_cents, refund_cents, net_cents);
tabular!(TopProduct: sku, product_name, units, net_cents);
tabular!(TopCustomer: customer_id, customer_name, orders, net_cents);
tabular!(BoughtTogether: sku, product_name, orders, support, confidence, lift);
tabular!(FulfilmentRow: step, orders, p50_seconds, p90_seconds, p99_seconds);
tabular!(LowStock: sku, product_name, stock, units_sold_28d, days_of_cover);

/// A row a later month, counted from 1; a cohort that has none yet has one row without.
impl Tabular for Cohort {
    const COLUMNS: &'static [&'static str] = &["cohort", "customers", "month", "share"];

    fn rows<'a>(&'a self, row: &mut dyn FnMut(Vec<Cell<'a>>)) {
        let (cohort, customers) = (self.cohort.cell(), self.customers.cell());
        if self.months.is_empty() {
            row(vec![cohort.clone(), customers.clone(), Cell::Nothing, Cell::Nothing]);
        }
        for (month, share) in (1..).zip(&self.months) {
            row(vec![cohort.clone(), customers.clone(), Cell::Number(month), share.cell()]);
        }
    }
}

/// A row a line, each with all of its order: what a spreadsheet can filter and add up. What
/// belongs to the line stands last; its total has another name than the order's.
impl Tabular for Order {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "reference",
        "status",
        "customer_id",
        "customer_name",
        "total_cents",
        "refund_cents",
        "currency",
        "placed_at",
        "paid_at",
        "shipped_at",
        "delivered_at",
        "cancelled_at",
        "carrier",
        "tracking_number",
        "version",
        "line_no",
        "sku",
        "product_name",
        "department",
        "quantity",
        "returned_quantity",
        "unit_price_cents",
        "line_total_cents",
    ];

    fn rows<'a>(&'a self, row: &mut dyn FnMut(Vec<Cell<'a>>)) {
        for line in &self.lines.0 {
            let mut cells = of_order(self);
            cells.extend(of_line(line));
            row(cells);
        }
    }
}

fn of_order(order: &Order) -> Vec<Cell<'_>> {
    vec![
        order.id.cell(),
        order.reference.cell(),
        order.status.cell(),
        order.customer_id.cell(),
        order.customer_name.cell(),
        order.total_cents.cell(),
        order.refund_cents.cell(),
        order.currency.cell(),
        order.placed_at.cell(),
        order.paid_at.cell(),
        order.shipped_at.cell(),
        order.delivered_at.cell(),
        order.cancelled_at.cell(),
        order.carrier.cell(),
        order.tracking_number.cell(),
        order.version.cell(),
    ]
}

fn of_line(line: &Line) -> [Cell<'_>; 8] {
    [
        line.line_no.cell(),
        line.sku.cell(),
        line.product_name.cell(),
        line.department.cell(),
        line.quantity.cell(),
        line.returned_quantity.cell(),
        line.unit_price_cents.cell(),
        line.total_cents.cell(),
    ]
}

impl Tabular for AuditedEvent {
    const COLUMNS: &'static [&'static str] = &[
        "stream",
        "version",
        "index",
        "type",
        "schema_version",
        "at",
        "recorded_at",
        "actor",
        "command_id",
        "correlation_id",
        "causation_id",
        "data",
    ];

    fn rows<'a>(&'a self, row: &mut dyn FnMut(Vec<Cell<'a>>)) {
        row(vec![
            self.stream.cell(),
            self.version.cell(),
            self.index.cell(),
            self.event_type.cell(),
            self.schema_version.cell(),
            self.at.cell(),
            self.recorded_at.cell(),
            self.actor.cell(),
            self.command_id.cell(),
            self.correlation_id.cell(),
            self.causation_id.cell(),
            Cell::Text(self.data.get().into()),
        ]);
    }
}
