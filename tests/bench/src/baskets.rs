//! Orders to project: the baskets of `tests/data`, over and over under other references.

use std::{fs, path::Path};

use anyhow::Context;
use chrono::{DateTime, Utc};
use ordering::{
    Commit, CustomerId, Decider, Event, Import, Metadata, Order, OrderCommand, OrderId, OrderLine,
    Status, Version,
};
use serde::Deserialize;

#[derive(Clone, Deserialize)]
struct Basket {
    reference: String,
    customer: String,
    placed_at: DateTime<Utc>,
    lines: Vec<OrderLine>,
}

/// As many commits, each the import of one order.
pub(crate) fn imports(orders: usize) -> anyhow::Result<Vec<Commit>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/baskets/orders.ndjson");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let baskets: Vec<Basket> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let round = |number: usize| number / baskets.len();
    let commits = baskets.iter().cycle().take(orders).enumerate();
    commits.map(|(number, basket)| import(basket, round(number))).collect()
}

/// The whole year, each basket once, in the order of time; `make year` fetches it.
pub(crate) fn year() -> anyhow::Result<Vec<Commit>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/year/orders.ndjson");
    let text = fs::read_to_string(&file).context("`make year` fetches the year of baskets")?;
    text.lines().map(|line| import(&serde_json::from_str(line)?, 0)).collect()
}

fn import(basket: &Basket, round: usize) -> anyhow::Result<Commit> {
    let reference = format!("{}-{round}", basket.reference);
    let id = OrderId::imported(&reference);
    let import = Import {
        reference: reference.clone().try_into()?,
        customer_id: CustomerId::derived(&basket.customer),
        placed_at: basket.placed_at,
        status: Status::Delivered,
        lines: basket.lines.clone(),
    };
    let events = Order::default().decide(OrderCommand::Import(import));
    let events = events.context("a basket is an order")?;
    Ok(Commit {
        stream: id.stream(),
        version: Version(1),
        recorded_at: basket.placed_at,
        events: events.iter().map(Event::record).collect(),
        metadata: Metadata {
            actor: "bench".to_owned(),
            command_id: reference.clone(),
            correlation_id: reference,
            ..Metadata::default()
        },
    })
}
