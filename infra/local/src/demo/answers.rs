//! A few questions, and their answers for people.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::client::{Client, rows};
use super::load::Loaded;

/// The year of the baskets.
const YEAR: [(&str, &str); 2] = [("from", "2017-01-01"), ("to", "2018-01-01")];

/// How long the projector may take to catch up after the load.
const VISIBLE_WITHIN: Duration = Duration::from_secs(120);

const LOOK: Duration = Duration::from_millis(50);

/// Waits for the last writes by their tokens, and then until nothing is left to project.
pub(super) async fn wait_until_visible(
    client: &Client,
    last_writes: &VecDeque<String>,
) -> Result<()> {
    for token in last_writes {
        client.query("/products", &[("limit", "1")], Some(token)).await?;
    }
    let deadline = Instant::now() + VISIBLE_WITHIN;
    loop {
        let projection = client.query("/projection", &[], None).await?;
        if projection.get("caught_up").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "the rows have not caught up after {VISIBLE_WITHIN:?}: {projection}"
        );
        sleep(LOOK).await;
    }
}

/// Prints what was loaded, how fast it was visible, and what is in it.
pub(super) async fn print(client: &Client, loaded: &Loaded, lag_ms: &Histogram<u64>) -> Result<()> {
    let by = async |by: &str| {
        client.query("/reports/sales", &[YEAR[0], YEAR[1], ("by", by)], None).await
    };
    let (months, customers, products) =
        (by("month").await?, by("customer").await?, by("product").await?);
    let months = rows(&months)?;
    let orders: i64 = months.iter().map(|month| number(month, "orders")).sum();
    println!();
    println!(
        "{} orders, {} customers, {} products",
        grouped(orders),
        count(rows(&customers)?),
        count(rows(&products)?)
    );
    println!("  {}", what_is_new(loaded));
    println!("Commit to visible");
    println!("  {}", percentiles(lag_ms));
    println!("Net sales by month");
    for month in months {
        let [orders, units] = ["orders", "units"].map(|field| grouped(number(month, field)));
        println!(
            "  {}  {orders:>6} orders  {units:>8} units  {:>12}",
            text(month, "bucket"),
            money(number(month, "net_cents"))
        );
    }
    let net: i64 = months.iter().map(|month| number(month, "net_cents")).sum();
    println!("  {:42}{:>12}", "together", money(net));

    let largest =
        client.query("/orders", &[("sort", "-total_cents"), ("limit", "1")], None).await?;
    let largest = rows(&largest)?.first().context("there is no order")?;
    println!("Largest order");
    println!("  {}, {}", order_line(largest), text(largest, "customer_name"));
    print_household(client, text(largest, "customer_id")).await
}

async fn print_household(client: &Client, id: &str) -> Result<()> {
    let customer = client.query(&format!("/customers/{id}"), &[], None).await?;
    let history = client.query(&format!("/customers/{id}/orders"), &[("limit", "5")], None).await?;
    let (orders, lifetime) =
        (number(&customer, "order_count"), number(&customer, "lifetime_value_cents"));
    println!(
        "{}, {} orders for {}, the latest",
        text(&customer, "name"),
        grouped(orders),
        money(lifetime)
    );
    for order in rows(&history)? {
        println!("  {}", order_line(order));
    }
    Ok(())
}

fn order_line(order: &Value) -> String {
    let lines = order.get("lines").and_then(Value::as_array).map_or(0, Vec::len);
    let day = text(order, "placed_at").get(..10).unwrap_or_default();
    let total = money(number(order, "total_cents"));
    format!(
        "{day}  {}  {lines:>3} lines  {total:>8}  {}",
        text(order, "reference"),
        text(order, "status")
    )
}

fn what_is_new(loaded: &Loaded) -> String {
    let there = grouped_count(loaded.already_there);
    match (loaded.new, loaded.already_there) {
        (0, _) => format!("nothing new: all {there} were already there"),
        (new, 0) => format!("{} new", grouped_count(new)),
        (new, _) => format!("{} new, {there} were already there", grouped_count(new)),
    }
}

fn percentiles(lag_ms: &Histogram<u64>) -> String {
    if lag_ms.is_empty() {
        return "nothing was committed".to_owned();
    }
    let [p50, p99] = [0.5, 0.99].map(|quantile| lag_ms.value_at_quantile(quantile));
    format!(
        "p50 {p50} ms, p99 {p99} ms, over {} commits",
        grouped(i64::try_from(lag_ms.len()).unwrap_or(i64::MAX))
    )
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).and_then(Value::as_str).unwrap_or("-")
}

fn number(row: &Value, field: &str) -> i64 {
    row.get(field).and_then(Value::as_i64).unwrap_or(0)
}

fn count(rows: &[Value]) -> String {
    grouped_count(rows.len())
}

fn grouped_count(count: usize) -> String {
    grouped(i64::try_from(count).unwrap_or(i64::MAX))
}

/// 1234567 is `1,234,567`.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    format!("{}{}", if number < 0 { "-" } else { "" }, groups.join(","))
}

/// 123456 cents are `1,234.56`.
fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let whole = i64::try_from(cents.unsigned_abs() / 100).unwrap_or(i64::MAX);
    format!("{sign}{}.{:02}", grouped(whole), cents.unsigned_abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(-1_234_567)),
            ("0".into(), "999".into(), "-1,234,567".into())
        );
        assert_eq!(
            (money(6_425_968), money(5), money(-150)),
            ("64,259.68".into(), "0.05".into(), "-1.50".into())
        );
    }

    #[test]
    fn a_second_load_says_that_it_added_nothing() {
        let second = Loaded { already_there: 11_431, ..Loaded::default() };
        assert_eq!(what_is_new(&second), "nothing new: all 11,431 were already there");
    }
}
