//! The rows that a batch becomes, as values that either floor can write.

use ordering::Timestamp;
use ordering_views::{Commit, ReadModel, Shop, ShopTables};
use uuid::Uuid;

/// A value of a column.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Uuid(Uuid),
    Text(Option<String>),
    Bigint(i64),
    Moment(Option<Timestamp>),
    Boolean(bool),
    Json(String),
}

/// Rows of one table.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) table: &'static str,
    pub(crate) columns: &'static str,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// All rows that the commits of a batch become, position included.
pub(crate) fn of(batch: &[Commit]) -> anyhow::Result<Vec<Rows>> {
    let mut tables = ShopTables::default();
    for commit in batch {
        Shop.evolve(&mut tables, commit)?;
    }
    Ok(vec![positions(batch), orders(&tables), lines(&tables), timeline(&tables), audit(&tables)])
}

fn text(text: &str) -> Value {
    Value::Text(Some(text.to_owned()))
}

fn positions(batch: &[Commit]) -> Rows {
    let row = |commit: &Commit| {
        let at = Value::Moment(Some(commit.recorded_at));
        let (prior, applied) = (Value::Bigint(0), Value::Bigint(1));
        vec![text(commit.stream.as_str()), prior, applied, at.clone(), at, Value::Boolean(false)]
    };
    Rows {
        table: "position",
        columns: "stream, prior, applied, recorded_at, applied_at, parked",
        rows: batch.iter().map(row).collect(),
    }
}

fn orders(tables: &ShopTables) -> Rows {
    let rows = tables.order.order.iter().map(|row| {
        vec![
            Value::Uuid(row.id),
            Value::Text(row.reference.clone()),
            text(&row.status),
            Value::Uuid(row.customer_id),
            Value::Bigint(row.total_cents),
            Value::Bigint(row.refund_cents),
            text(&row.currency),
            Value::Moment(Some(row.placed_at)),
            Value::Bigint(row.units.unwrap_or(0)),
            Value::Bigint(row.repeated_lines.unwrap_or(0)),
            text(&row.words),
            Value::Bigint(row.version),
        ]
    });
    Rows {
        table: "order_history",
        columns: "id, reference, status, customer_id, total_cents, refund_cents, currency, \
                  placed_at, units, repeated_lines, words, version",
        rows: rows.collect(),
    }
}

fn lines(tables: &ShopTables) -> Rows {
    let rows = tables.order.line.iter().map(|row| {
        vec![
            Value::Uuid(row.order_id),
            Value::Bigint(row.line_no),
            text(&row.sku),
            Value::Bigint(row.quantity),
            Value::Bigint(row.returned_quantity),
            Value::Bigint(row.unit_price_cents),
            Value::Bigint(row.total_cents),
        ]
    });
    Rows {
        table: "order_line",
        columns: "order_id, line_no, sku, quantity, returned_quantity, unit_price_cents, \
                  total_cents",
        rows: rows.collect(),
    }
}

fn timeline(tables: &ShopTables) -> Rows {
    let rows = tables.order.timeline.iter().map(|row| {
        vec![
            Value::Uuid(row.order_id),
            Value::Bigint(row.version),
            Value::Bigint(row.index),
            text(&row.event_type),
            Value::Moment(Some(row.at)),
            Value::Json(row.data.clone()),
        ]
    });
    Rows {
        table: "order_timeline",
        columns: "order_id, version, index, event_type, at, data",
        rows: rows.collect(),
    }
}

fn audit(tables: &ShopTables) -> Rows {
    let rows = tables.audit.iter().map(|row| {
        vec![
            text(&row.stream),
            Value::Bigint(row.version),
            Value::Bigint(row.index),
            text(&row.event_type),
            Value::Bigint(row.schema_version),
            Value::Moment(Some(row.at)),
            Value::Moment(Some(row.recorded_at)),
            text(&row.actor),
            text(&row.command_id),
            text(&row.correlation_id),
            Value::Json(row.data.clone()),
        ]
    });
    Rows {
        table: "audit_trail",
        columns: "stream, version, index, event_type, schema_version, at, recorded_at, actor, \
                  command_id, correlation_id, data",
        rows: rows.collect(),
    }
}
