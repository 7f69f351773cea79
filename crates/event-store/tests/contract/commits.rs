//! Promises about commits.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use aws_lambda_events::event::dynamodb::EventRecord;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use chrono::DateTime;
use event_store::{Change, Commit, StoreError, StreamId, Timestamp, Version};
use tokio::task::JoinSet;

use crate::{
    counter::{Counter, commit, stream},
    engine::Engine,
};

pub async fn a_commit_is_read_back_as_it_was_appended(engine: &Engine) -> anyhow::Result<()> {
    let (store, stream) = (engine.cold_store(), stream("a"));
    let written = commit(&stream, 1, 3);
    store.append(std::slice::from_ref(&written)).await?;
    let read = store.read_each_after(&stream, Version::NONE).await?;
    ensure!(read == [Ok(written)]);
    Ok(())
}

pub async fn a_place_in_a_stream_is_taken_once(engine: &Engine) -> anyhow::Result<()> {
    let mut writers = JoinSet::new();
    for by in 1..=20 {
        let store = engine.cold_store();
        writers.spawn(async move { store.append(&[commit(&stream("b"), 1, by)]).await });
    }
    let written = writers.join_all().await;
    ensure!(written.iter().filter(|written| written.is_ok()).count() == 1);
    let lost = written.iter().filter(|written| matches!(written, Err(StoreError::Conflict)));
    ensure!(lost.count() == 19);
    Ok(())
}

pub async fn an_item_beyond_400_kb_is_too_large(engine: &Engine) -> anyhow::Result<()> {
    let (store, stream) = (engine.cold_store(), stream("large"));
    let mut large = commit(&stream, 1, 1);
    large.metadata.correlation_id = "x".repeat(400 * 1_024);
    let alone = store.append(std::slice::from_ref(&large)).await;
    ensure!(matches!(alone, Err(StoreError::TooLarge)), "{alone:?}");
    let other = commit(&StreamId::new("counter", "small")?, 1, 1);
    let among_others = store.append(&[other, large]).await;
    ensure!(matches!(among_others, Err(StoreError::TooLarge)), "{among_others:?}");
    ensure!(store.read_each_after(&stream, Version::NONE).await?.is_empty());
    Ok(())
}

pub async fn a_transaction_lands_whole_or_not_at_all(engine: &Engine) -> anyhow::Result<()> {
    let store = engine.cold_store();
    let (here, there) = (stream("here"), stream("there"));
    store.append(&[commit(&here, 1, 1), commit(&there, 1, 1)]).await?;
    let taken = store.append(&[commit(&here, 2, 1), commit(&there, 1, 1)]).await;
    ensure!(matches!(taken, Err(StoreError::Conflict)), "{taken:?}");
    ensure!(store.read_each_after(&here, Version::NONE).await?.len() == 1);
    Ok(())
}

pub async fn a_stream_longer_than_a_page_is_read_whole(engine: &Engine) -> anyhow::Result<()> {
    let (store, stream) = (engine.cold_store(), stream("long"));
    let megabytes = 2;
    for version in 1..=megabytes * 8 {
        let mut large = commit(&stream, version, 1);
        large.metadata.correlation_id = "x".repeat(128 * 1024);
        store.append(&[large]).await?;
    }
    let versions = store.read_each_after(&stream, Version(1)).await?;
    let versions: Result<Vec<u64>, _> =
        versions.into_iter().map(|read| read.map(|commit: Commit| commit.version.0)).collect();
    ensure!(versions? == (2..=megabytes * 8).collect::<Vec<_>>());
    Ok(())
}

pub async fn a_commit_that_cannot_be_read_does_not_hide_the_others(
    engine: &Engine,
) -> anyhow::Result<()> {
    let (store, stream) = (engine.cold_store(), stream("odd"));
    store.append(&[commit(&stream, 1, 1)]).await?;
    let odd = engine.client.put_item().table_name(&engine.table);
    odd.item("stream", AttributeValue::S(stream.to_string()))
        .item("version", AttributeValue::N("2".to_owned()))
        .item("kind", AttributeValue::S("commit".to_owned()))
        .send()
        .await?;
    store.append(&[commit(&stream, 3, 1)]).await?;
    let read = store.read_each_after(&stream, Version::NONE).await?;
    ensure!(matches!(&read[..], [Ok(_), Err(odd), Ok(_)] if odd.version == Version(2)), "{read:?}");
    let folded = store.load::<Counter>(&stream).await;
    ensure!(matches!(folded, Err(StoreError::Unreadable(_))), "a decision is never made on less");
    Ok(())
}

pub async fn a_record_of_the_stream_gives_the_commit(engine: &Engine) -> anyhow::Result<()> {
    let (store, stream) = (engine.cold_store(), stream("records"));
    let written = commit(&stream, 1, 3);
    store.append(std::slice::from_ref(&written)).await?;
    let records = records(engine).await?;
    ensure!(Change::read(records[0].clone())? == Change::Committed(written));
    Ok(())
}

pub async fn what_is_done_to_a_commit_later_is_told_as_what_it_is(
    engine: &Engine,
) -> anyhow::Result<()> {
    let (store, stream) = (engine.cold_store(), stream("later"));
    let written = commit(&stream, 1, 3);
    store.append(std::slice::from_ref(&written)).await?;
    let rewrite = engine.client.update_item().table_name(&engine.table);
    rewrite
        .set_key(Some(place(&stream, 1)))
        .update_expression("set redacted = :true")
        .expression_attribute_values(":true", AttributeValue::Bool(true))
        .send()
        .await?;
    let delete = engine.client.delete_item().table_name(&engine.table);
    delete.set_key(Some(place(&stream, 1))).send().await?;
    let beats = store.beat(Timestamp::UNIX_EPOCH).await?;
    ensure!(beats.len() > 1, "one for more than one shard");
    let told = records(engine).await?.into_iter().map(Change::read);
    let told: Vec<Change> = told.collect::<Result<_, _>>()?;
    ensure!(told[0] == Change::Committed(written));
    ensure!(told[1] == Change::Rewritten(stream.clone()));
    let removed = matches!(&told[2], Change::Removed { stream: gone, version, expired, at }
        if (gone, *version, *expired) == (&stream, Version(1), false) && at.timestamp() > 0);
    ensure!(removed, "{:?}", told[2]);
    let came: Vec<_> = told[3..].iter().collect();
    ensure!(came.len() == beats.len());
    ensure!(beats.into_iter().all(|beat| came.contains(&&Change::Beat(beat))), "{came:?}");
    Ok(())
}

pub async fn a_beat_is_no_commit(engine: &Engine) -> anyhow::Result<()> {
    let (store, stream) = (engine.cold_store(), stream("beaten"));
    store.append(&[commit(&stream, 1, 1)]).await?;
    let beats = store.beat(Timestamp::UNIX_EPOCH).await?;
    let page = store.newest_versions(None).await?;
    ensure!(page.newest.get(&stream) == Some(&Version(1)));
    ensure!(page.newest.len() == 1, "{:?}", page.newest);
    ensure!(store.read_each_after(&beats[0].stream, Version::NONE).await?.is_empty());
    Ok(())
}

/// Eventually consistent, which is half the price of consistent, and every item once.
pub async fn the_newest_versions_are_had_for_half_of_what_reading_all_costs(
    engine: &Engine,
) -> anyhow::Result<()> {
    let (store, last) = (engine.cold_store(), 40);
    for version in 1..=last {
        let mut large = commit(&stream("swept"), version, 1);
        large.metadata.correlation_id = "x".repeat(8 * 1024);
        store.append(&[large]).await?;
    }
    let page = store.newest_versions(None).await?;
    ensure!(page.newest.get(&stream("swept")) == Some(&Version(last)) && page.next.is_none());
    let all = engine.client.scan().table_name(&engine.table).consistent_read(true);
    let all = all.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await?;
    let all = all.consumed_capacity.and_then(|cost| cost.capacity_units).context("a cost")?;
    ensure!(page.read_units > 0.0 && page.read_units <= all / 2.0 + 1.0, "{page:?} of {all}");
    Ok(())
}

/// The key of a commit.
pub fn place(stream: &StreamId, version: impl ToString) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("stream".to_owned(), AttributeValue::S(stream.to_string())),
        ("version".to_owned(), AttributeValue::N(version.to_string())),
    ])
}

/// The records of the table's stream, in the form that Lambda gives them.
async fn records(engine: &Engine) -> anyhow::Result<Vec<EventRecord>> {
    let streams = engine.streams.list_streams().table_name(&engine.table).send().await?;
    let arn = streams.streams()[0].stream_arn().unwrap_or_default().to_owned();
    let described = engine.streams.describe_stream().stream_arn(&arn).send().await?;
    let shards = described.stream_description.map(|stream| stream.shards().to_vec());
    let shard = shards.unwrap_or_default()[0].shard_id().unwrap_or_default().to_owned();
    let iterator = engine.streams.get_shard_iterator().stream_arn(arn).shard_id(shard);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?;
    let records = engine.streams.get_records().set_shard_iterator(iterator.shard_iterator);
    let records = records.send().await?;
    records.records().iter().map(as_lambda_gives_it).collect()
}

fn as_lambda_gives_it(told: &Record) -> anyhow::Result<EventRecord> {
    let change = told.dynamodb().cloned().context("a record without a change")?;
    let item = |item: Option<_>| serde_dynamo::Item::from(item.unwrap_or_default());
    let mut record = EventRecord::default();
    told.event_name()
        .context("a record without a name")?
        .as_str()
        .clone_into(&mut record.event_name);
    record.change.keys = item(change.keys);
    record.change.new_image = item(change.new_image);
    record.change.old_image = item(change.old_image);
    let created = change.approximate_creation_date_time.map_or(0, |at| at.secs());
    let created = DateTime::from_timestamp(created, 0).context("a record without a time")?;
    record.change.approximate_creation_date_time = created;
    Ok(record)
}
