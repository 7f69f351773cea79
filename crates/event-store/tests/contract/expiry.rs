//! Promises about streams that expire.

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use decider::Decider;
use event_store::{
    Accepted, EventStore, Folded, Intent, Refused, SNAPSHOT_AT, Start, StoreError, StreamId,
    Timestamp, Version,
};
use serde::{Deserialize, Serialize};

use crate::{
    commits::place,
    counter::{CounterEvent, Full, Raised, intent},
    engine::Engine,
};

type Outcome = anyhow::Result<()>;

/// A counter that is kept for two days.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tab {
    count: u64,
}

impl Decider for Tab {
    const CATEGORY: &'static str = "tab";
    const SHAPE: u32 = 1;
    const KEPT_DAYS: Option<i64> = Some(2);
    type Command = u64;
    type Event = CounterEvent;
    type Rejection = Full;

    fn decide(&self, by: u64) -> Result<Vec<CounterEvent>, Full> {
        Ok(vec![Raised { by }.into()])
    }

    fn evolve(self, event: &CounterEvent) -> Self {
        match event {
            CounterEvent::Raised(raised) => Self { count: self.count + raised.by },
            CounterEvent::Signed(_) => self,
        }
    }
}

fn tab(id: &str) -> StreamId {
    StreamId::new(Tab::CATEGORY, id).expect("a test names its streams soundly")
}

/// An intent of so many hours after the first one.
fn later(key: u64, hours: i64) -> Intent {
    let at = Timestamp::UNIX_EPOCH + TimeDelta::days(9_000) + TimeDelta::hours(hours);
    Intent { at, ..intent(&key.to_string()) }
}

async fn raise(
    store: &EventStore,
    stream: &StreamId,
    intent: &Intent,
) -> Result<Accepted<u64>, Refused<Full>> {
    store
        .execute::<Tab, _, _, _, _, _>(
            (stream, Start::Existing),
            intent,
            |_| Ok(()),
            |mut unit, tab: std::sync::Arc<Folded<Tab>>| async move {
                unit.decide(stream, &tab, 1)?;
                Ok((unit, tab.state.count + 1))
            },
        )
        .await
}

fn gone<T: std::fmt::Debug>(refused: Result<T, Refused<Full>>) -> Outcome {
    ensure!(matches!(refused, Err(Refused::Store(StoreError::Gone { .. }))), "{refused:?}");
    Ok(())
}

pub async fn all_commits_of_a_stream_and_its_snapshot_expire_together(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), tab("together"));
    for key in 1..=50 {
        raise(&store, &stream, &later(key, key as i64 / 2)).await?;
    }
    let expected = later(0, 48).at.timestamp();
    for version in [SNAPSHOT_AT, 1, 2, 50] {
        let get = engine.client.get_item().table_name(&engine.table);
        let item = get.set_key(Some(place(&stream, version))).send().await?.item;
        let expires_at = item.context("it is there")?.get("expires_at").cloned();
        let expected = AttributeValue::N(expected.to_string());
        ensure!(expires_at == Some(expected), "{version}: {expires_at:?}");
    }
    Ok(())
}

pub async fn a_stream_whose_time_is_over_is_gone_also_while_it_is_there(
    engine: &Engine,
) -> Outcome {
    let (store, stream) = (engine.cold_store(), tab("over"));
    raise(&store, &stream, &later(1, 0)).await?;
    raise(&store, &stream, &later(2, 47)).await?;
    for store in [&store, &engine.cold_store()] {
        gone(raise(store, &stream, &later(3, 48)).await)?;
        gone(raise(store, &stream, &later(2, 48)).await)?;
    }
    ensure!(store.read_each_after(&stream, Version::NONE).await?.len() == 2);
    Ok(())
}

pub async fn a_stream_without_its_beginning_is_gone_and_never_half_a_state(
    engine: &Engine,
) -> Outcome {
    let (store, short, long) = (engine.cold_store(), tab("short"), tab("long"));
    for key in 1..=3 {
        raise(&store, &short, &later(key, 0)).await?;
    }
    for key in 1..=120 {
        raise(&store, &long, &later(key, 0)).await?;
    }
    for (stream, version) in [(&short, 1), (&long, 110)] {
        let delete = engine.client.delete_item().table_name(&engine.table);
        delete.set_key(Some(place(stream, version))).send().await?;
        gone(raise(&engine.cold_store(), stream, &later(200, 1)).await)?;
    }
    Ok(())
}
