//! What the picture of each report shows.

use ordering_views::{
    Timestamp,
    bought_together::BoughtTogether,
    fulfilment::FulfilmentRow,
    low_stock::LowStock,
    retention::Cohort,
    sales::{SalesBy, SalesRow},
    top_customers::TopCustomer,
    top_products::TopProduct,
};

use super::{Chart, Series, Shape, Unit};

/// Cohorts that are drawn each by itself.
const MOST_COHORTS: usize = 6;

/// A time from a moment (inclusive) to another (exclusive), for people.
pub(crate) fn period(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    let moment = |moment: Timestamp| {
        let written = moment.format("%Y-%m-%d %H:%M:%S").to_string();
        written.strip_suffix(" 00:00:00").map_or(written.clone(), str::to_owned)
    };
    match (from.map(moment), to.map(moment)) {
        (None, None) => "all time".to_owned(),
        (Some(from), None) => format!("from {from} on, UTC"),
        (None, Some(to)) => format!("before {to}, UTC"),
        (Some(from), Some(to)) => format!("from {from} to before {to}, UTC"),
    }
}

/// Net sales; in time a line, else bars with the largest on top.
pub(crate) fn sales(rows: &[SalesRow], by: SalesBy, period: &str) -> Chart {
    let (categories, shape) = match by {
        SalesBy::Day => ("day", Shape::Lines),
        SalesBy::Week => ("week", Shape::Lines),
        SalesBy::Month => ("month", Shape::Lines),
        SalesBy::Department => ("department", Shape::Bars),
        SalesBy::Category => ("category", Shape::Bars),
        SalesBy::Product => ("product", Shape::Bars),
        SalesBy::Customer => ("customer", Shape::Bars),
    };
    let mut rows: Vec<&SalesRow> = rows.iter().collect();
    if shape == Shape::Bars {
        rows.sort_by_key(|row| std::cmp::Reverse(row.net_cents));
    }
    let named = |row: &&SalesRow| match row.bucket.as_str() {
        "" => "(not known)".to_owned(),
        bucket => bucket.to_owned(),
    };
    Chart {
        title: format!("Net sales by {categories}"),
        subtitle: format!("What was sold less what came back, {period}"),
        categories,
        values: "net sales",
        unit: Unit::Cents,
        shape,
        labels: rows.iter().map(named).collect(),
        series: vec![series("net sales", rows.iter().map(|row| Some(row.net_cents as f64)))],
    }
}

/// The products that brought in most.
pub(crate) fn top_products(rows: &[TopProduct], period: &str) -> Chart {
    bars(
        ("Products with the largest net sales", period, "product"),
        ("net sales", Unit::Cents),
        rows.iter().map(|row| {
            (row.product_name.as_ref().unwrap_or(&row.sku).clone(), Some(row.net_cents as f64))
        }),
    )
}

/// The customers who left most.
pub(crate) fn top_customers(rows: &[TopCustomer], period: &str) -> Chart {
    bars(
        ("Customers with the largest net sales", period, "customer"),
        ("net sales", Unit::Cents),
        rows.iter().map(|row| {
            let name = row.customer_name.clone();
            (name.unwrap_or_else(|| row.customer_id.to_string()), Some(row.net_cents as f64))
        }),
    )
}

/// How often another product is in the orders with this one.
pub(crate) fn bought_together(rows: &[BoughtTogether], sku: &str) -> Chart {
    bars(
        (&format!("Bought together with {sku}"), "Share of its orders, all time", "product"),
        ("in so many of its orders", Unit::Share),
        rows.iter().map(|row| {
            (row.product_name.as_ref().unwrap_or(&row.sku).clone(), Some(row.confidence))
        }),
    )
}

/// For how long the stock of what runs out will do.
pub(crate) fn stock(rows: &[LowStock], below: u32) -> Chart {
    let subtitle = format!(
        "Fewer than {below} pieces at hand, at the pace of the last 28 days; no bar: none sold"
    );
    bars(
        ("Days until the stock is gone", &subtitle, "product"),
        ("cover", Unit::Days),
        rows.iter().map(|row| (row.product_name.clone(), row.days_of_cover)),
    )
}

/// How long orders take from step to step.
pub(crate) fn fulfilment(rows: &[FulfilmentRow], period: &str) -> Chart {
    let of = |name, value: fn(&FulfilmentRow) -> f64| {
        series(name, rows.iter().map(|row| Some(value(row))))
    };
    Chart {
        title: "How long orders take".to_owned(),
        subtitle: format!("Orders placed: {period}"),
        categories: "step",
        values: "time",
        unit: Unit::Seconds,
        shape: Shape::Bars,
        labels: rows.iter().map(|row| row.step.replace('-', " ")).collect(),
        series: vec![
            of("half of them at most", |row| row.p50_seconds),
            of("90 % at most", |row| row.p90_seconds),
            of("99 % at most", |row| row.p99_seconds),
        ],
    }
}

/// Who ordered again: all cohorts together, and the largest ones each by itself.
pub(crate) fn retention(rows: &[Cohort]) -> Chart {
    let months = rows.iter().map(|cohort| cohort.months.len()).max().unwrap_or(0);
    let mut largest: Vec<&Cohort> = rows.iter().filter(|row| !row.months.is_empty()).collect();
    largest.sort_by_key(|cohort| std::cmp::Reverse(cohort.customers));
    largest.truncate(MOST_COHORTS);
    largest.sort_by(|one, other| one.cohort.cmp(&other.cohort));
    let together = series("all", (0..months).map(|month| together(rows, month)));
    let each = largest.into_iter().map(|cohort| {
        series(&cohort.cohort, (0..months).map(|month| cohort.months.get(month).copied()))
    });
    Chart {
        title: "Customers who ordered again".to_owned(),
        subtitle: format!(
            "Share of those with the same month of their first order; {} cohorts, the largest by \
             name",
            rows.len()
        ),
        categories: "months after the first order",
        values: "share of the cohort",
        unit: Unit::Share,
        shape: Shape::Lines,
        labels: (1..=months).map(|month| month.to_string()).collect(),
        series: [together].into_iter().chain(each).collect(),
    }
}

/// The share over all cohorts that have come so far, each by its size.
fn together(rows: &[Cohort], month: usize) -> Option<f64> {
    let known = rows.iter().filter_map(|row| Some((row.customers as f64, *row.months.get(month)?)));
    let (all, again) = known.fold((0.0, 0.0), |(all, again), (customers, share)| {
        (all + customers, again + customers * share)
    });
    (all > 0.0).then(|| again / all)
}

/// One bar a row, in the order of the rows.
fn bars(
    (title, subtitle, categories): (&str, &str, &'static str),
    (values, unit): (&'static str, Unit),
    rows: impl Iterator<Item = (String, Option<f64>)>,
) -> Chart {
    let (labels, numbers): (Vec<_>, Vec<_>) = rows.unzip();
    Chart {
        title: title.to_owned(),
        subtitle: subtitle.to_owned(),
        categories,
        values,
        unit,
        shape: Shape::Bars,
        labels,
        series: vec![series(values, numbers.into_iter())],
    }
}

fn series(name: &str, values: impl Iterator<Item = Option<f64>>) -> Series {
    Series { name: name.to_owned(), values: values.collect() }
}
