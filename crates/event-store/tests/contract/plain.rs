//! Promises about what is personal and was never sealed.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::ensure;
use aws_sdk_dynamodb::types::AttributeValue;
use event_store::{
    Accepted, Commit, Event, EventStore, Intent, RecordedEvent, Refused, SNAPSHOT_AT, Start,
    StreamId, Version,
};

use crate::{
    counter::{Counter, CounterEvent, Full, Signed, commit, intent, stream},
    engine::Engine,
};

type Outcome = anyhow::Result<()>;

const NAME: &str = "Zebulon Quartermaine";

/// What `Signed` is without its name.
const NAMELESS: &str = r#"{"name":{"erased":true},"remark":"read"}"#;

pub async fn what_is_plain_and_personal_is_rewritten_with_the_commit_that_asks_for_it(
    engine: &Engine,
) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("plain"));
    sign(engine, &stream, 3).await?;
    engine.calls.since();
    forget(&store, &stream, &intent("1"), nothing).await?;
    let calls = engine.calls.since();
    ensure!(calls == 4, "two reads, a look at the snapshot and a transaction, not {calls}");
    let data = data(engine, &stream).await?;
    ensure!(data == [NAMELESS, NAMELESS, NAMELESS, r#"{"by":1}"#], "{data:?}");
    Ok(())
}

/// Three transactions go before the one of 100, for which the snapshot waits with 98 commits: the
/// first, and the newest ones.
pub async fn more_than_a_transaction_takes_is_rewritten_before_it(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("plainer"));
    sign(engine, &stream, 300).await?;
    let take_the_place =
        || async { Ok(engine.cold_store().append(&[commit(&stream, 301, 5)]).await?) };
    let moved = Intent { expected: Some(Version(300)), ..intent("1") };
    let refused = forget(&store, &stream, &moved, take_the_place).await;
    ensure!(matches!(refused, Err(Refused::Moved(Version(301)))), "{refused:?}");
    let named = |data: &[String]| data.iter().map(|data| data.contains(NAME)).collect::<Vec<_>>();
    let left = named(&data(engine, &stream).await?);
    ensure!(left.iter().filter(|named| **named).count() == 98 && left[0] && left[299]);

    forget(&store, &stream, &intent("2"), nothing).await?;
    let data = data(engine, &stream).await?;
    ensure!(data.len() == 302 && !named(&data).contains(&true), "{data:?}");
    Ok(())
}

pub async fn what_was_rewritten_meanwhile_is_read_again(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), &stream("redacted"));
    sign(engine, stream, 2).await?;
    let redact = || async move {
        let update = engine.client.update_item().table_name(&engine.table);
        update
            .key("stream", AttributeValue::S(stream.to_string()))
            .key("version", AttributeValue::N("2".to_owned()))
            .update_expression("set events[0].#data = :data")
            .expression_attribute_names("#data", "data")
            .expression_attribute_values(":data", AttributeValue::S(signed("redacted").data))
            .send()
            .await?;
        Ok(())
    };
    forget(&store, stream, &intent("1"), redact).await?;
    let data = data(engine, stream).await?;
    let redacted = NAMELESS.replace("read", "redacted");
    ensure!(data == [NAMELESS, &redacted, r#"{"by":1}"#], "{data:?}");
    Ok(())
}

pub async fn a_snapshot_that_was_taken_out_meanwhile_does_not_come_back(
    engine: &Engine,
) -> Outcome {
    let (store, stream) = (engine.cold_store(), &stream("unshot"));
    sign(engine, stream, 2).await?;
    let place = || AttributeValue::N(SNAPSHOT_AT.to_string());
    let put = engine.client.put_item().table_name(&engine.table);
    put.item("stream", AttributeValue::S(stream.to_string()))
        .item("version", place())
        .item("kind", AttributeValue::S("snapshot".to_owned()))
        .item("folded", AttributeValue::S(NAME.to_owned()))
        .send()
        .await?;
    let take_out = || async move {
        let delete = engine.client.delete_item().table_name(&engine.table);
        let delete = delete.key("stream", AttributeValue::S(stream.to_string()));
        delete.key("version", place()).send().await?;
        Ok(())
    };
    forget(&store, stream, &intent("1"), take_out).await?;
    let items = engine.client.scan().table_name(&engine.table).consistent_read(true).send().await?;
    let of_it =
        items.items().iter().filter(|item| item["stream"].as_s() == Ok(&stream.to_string()));
    let mut places: Vec<_> = of_it.map(|item| item["version"].clone()).collect();
    places.sort_by_key(|place| format!("{place:?}"));
    ensure!(places == ["1", "2", "3"].map(|place| AttributeValue::N(place.to_owned())));
    Ok(())
}

pub async fn nothing_is_rewritten_for_what_is_refused_on_the_latest_state(
    engine: &Engine,
) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("refused"));
    sign(engine, &stream, 120).await?;
    store.load::<Counter>(&stream).await?;
    engine.cold_store().append(&[commit(&stream, 121, 1)]).await?;
    let before = data(engine, &stream).await?;
    let as_remembered = Intent { expected: Some(Version(120)), ..intent("1") };
    let refused = forget(&store, &stream, &as_remembered, nothing).await;
    ensure!(matches!(refused, Err(Refused::Moved(Version(121)))), "{refused:?}");
    ensure!(data(engine, &stream).await? == before, "it was rewritten all the same");
    Ok(())
}

async fn nothing() -> Outcome {
    Ok(())
}

/// Raises a counter and forgets who has signed it. After what there is was read, and before
/// anything is written, `meanwhile` happens, once.
async fn forget<F: Future<Output = Outcome>>(
    store: &EventStore,
    stream: &StreamId,
    intent: &Intent,
    meanwhile: impl Fn() -> F,
) -> Result<Accepted<()>, Refused<Full>> {
    let (happened, meanwhile) = (&AtomicBool::new(false), &meanwhile);
    let forgotten = store.execute::<Counter, _, Full, _, _, _>(
        (stream, Start::Existing),
        intent,
        |_| Ok(()),
        |mut unit, counter| async move {
            unit.decide(stream, &counter, 1)?;
            unit.forget_plain(stream, &counter).await?;
            if !happened.swap(true, Ordering::SeqCst) {
                meanwhile().await.expect("the table takes it");
            }
            Ok((unit, ()))
        },
    );
    forgotten.await
}

/// Puts so many plain commits, as they were written before there were keys.
async fn sign(engine: &Engine, stream: &StreamId, last: u64) -> Outcome {
    witness::note_name(NAME);
    let plain = |version| Commit {
        events: vec![RecordedEvent { personal: &[], ..signed("read") }],
        ..commit(stream, version, 0)
    };
    let commits: Vec<Commit> = (1..=last).map(plain).collect();
    let store = engine.cold_store();
    for transaction in commits.chunks(100) {
        store.append(transaction).await?;
    }
    Ok(())
}

fn signed(remark: &str) -> RecordedEvent {
    CounterEvent::from(Signed { name: NAME.to_owned().into(), remark: remark.to_owned() }).record()
}

/// What the events of the stream are, one a commit.
async fn data(engine: &Engine, stream: &StreamId) -> anyhow::Result<Vec<String>> {
    let read = engine.cold_store().read_each_after(stream, Version::NONE).await?;
    read.into_iter().map(|commit| Ok(commit?.events.remove(0).data)).collect()
}
