//! The bare writes: what a command wrote, put again at other keys, by the same SDK.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::Context;
use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, TransactWriteItem},
};
use journeys::{TABLE, Table};

pub(crate) type Item = HashMap<String, AttributeValue>;

const NOT_THERE: &str = "attribute_not_exists(version)";

/// A commit as it lies in the table.
pub(crate) async fn commit(table: &Table, stream: &str, version: u64) -> anyhow::Result<Item> {
    let get = table.client().get_item().table_name(TABLE).consistent_read(true);
    let found = get
        .key("stream", AttributeValue::S(stream.to_owned()))
        .key("version", AttributeValue::N(version.to_string()))
        .send()
        .await?;
    found.item.with_context(|| format!("{stream} has no version {version}"))
}

/// Puts the item at `count` new places, each under the condition that nothing is there.
pub(crate) async fn put(
    client: &Client,
    pattern: &Item,
    (name, count): (&str, usize),
) -> anyhow::Result<Vec<Duration>> {
    let mut taken = Vec::with_capacity(count);
    for version in 1..=count {
        let start = Instant::now();
        client
            .put_item()
            .table_name(TABLE)
            .set_item(Some(at(pattern, name, version)))
            .condition_expression(NOT_THERE)
            .send()
            .await?;
        taken.push(start.elapsed());
    }
    Ok(taken)
}

/// Puts all of the items at new places, in one transaction, `count` times.
pub(crate) async fn transact(
    client: &Client,
    patterns: &[Item],
    (name, count): (&str, usize),
) -> anyhow::Result<Vec<Duration>> {
    let mut taken = Vec::with_capacity(count);
    for version in 1..=count {
        let start = Instant::now();
        let puts = patterns.iter().enumerate().map(|(place, pattern)| {
            let item = at(pattern, &format!("{name}-{place}"), version);
            let put = Put::builder().table_name(TABLE).set_item(Some(item));
            let put = put.condition_expression(NOT_THERE).build()?;
            Ok(TransactWriteItem::builder().put(put).build())
        });
        let puts = puts.collect::<anyhow::Result<Vec<_>>>()?;
        client.transact_write_items().set_transact_items(Some(puts)).send().await?;
        taken.push(start.elapsed());
    }
    Ok(taken)
}

/// The item in a stream whose name is as long as it was.
fn at(pattern: &Item, name: &str, version: usize) -> Item {
    let mut item = pattern.clone();
    let long = pattern.get("stream").and_then(|stream| stream.as_s().ok()).map_or(0, String::len);
    item.insert("stream".to_owned(), AttributeValue::S(format!("bare-{name:0>long$}")));
    item.insert("version".to_owned(), AttributeValue::N(version.to_string()));
    item
}
