//! Promises about streams that go on for as long as the business does.

use anyhow::ensure;
use decider::Decider;
use event_store::{Commit, EventStore, Folded, SNAPSHOT_AT, Start, StreamId, Version};
use serde::{Deserialize, Serialize};

use crate::{
    commits::place,
    counter::{CounterEvent, Full, Raised, commit, intent},
    engine::Engine,
};

type Outcome = anyhow::Result<()>;

/// A counter that is never at an end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Meter {
    count: u64,
}

impl Decider for Meter {
    const CATEGORY: &'static str = "meter";
    const SHAPE: u32 = 1;
    const LONG_LIVED: bool = true;
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

fn meter(id: &str) -> StreamId {
    StreamId::new(Meter::CATEGORY, id).expect("a test names its streams soundly")
}

/// Raises it by one, under that key; answers with the count after it.
async fn raise(store: &EventStore, stream: &StreamId, key: &str) -> anyhow::Result<u64> {
    let accepted = store
        .execute::<Meter, u64, Full, _, _, _>(
            (stream, Start::Existing),
            &intent(key),
            |_| Ok(()),
            |mut unit, meter: std::sync::Arc<Folded<Meter>>| async move {
                unit.decide(stream, &meter, 1)?;
                Ok((unit, meter.state.count + 1))
            },
        )
        .await;
    let accepted = accepted.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    ensure!(!accepted.replayed, "{key} was there");
    Ok(accepted.answer)
}

async fn raise_until(engine: &Engine, stream: &StreamId, last: u64) -> Outcome {
    let store = engine.cold_store();
    for number in 1..=last {
        raise(&store, stream, &format!("key-{number}")).await?;
    }
    Ok(())
}

async fn take_out(engine: &Engine, stream: &StreamId, at: impl ToString) -> Outcome {
    let delete = engine.client.delete_item().table_name(&engine.table);
    delete.set_key(Some(place(stream, at))).send().await?;
    Ok(())
}

/// What somebody sees who remembers nothing.
async fn seen(engine: &Engine, stream: &StreamId) -> anyhow::Result<(u64, u64)> {
    let folded = engine.cold_store().load::<Meter>(stream).await?;
    Ok((folded.version.0, folded.state.count))
}

pub async fn it_is_loaded_by_two_reads_whatever_its_length(engine: &Engine) -> Outcome {
    let stream = meter("two-reads");
    let writer = engine.cold_store();
    let mut version = 0;
    for length in [1, 24, 25, 26, 49, 50, 51, 520] {
        for number in version + 1..=length {
            raise(&writer, &stream, &format!("key-{number}")).await?;
        }
        version = length;
        engine.calls.since();
        ensure!(seen(engine, &stream).await? == (length, length));
        let calls = engine.calls.since();
        ensure!(calls == 2, "{calls} reads of {length} commits");
    }
    let cold = engine.cold_store();
    engine.calls.since();
    raise(&cold, &stream, "cold").await?;
    let calls = engine.calls.since();
    ensure!(calls == 3, "the page of requests comes with the snapshot: {calls} calls");
    Ok(())
}

pub async fn a_snapshot_that_was_lost_is_remade(engine: &Engine) -> Outcome {
    let stream = meter("lost");
    raise_until(engine, &stream, 40).await?;
    take_out(engine, &stream, SNAPSHOT_AT).await?;
    ensure!(seen(engine, &stream).await? == (40, 40));
    engine.calls.since();
    ensure!(seen(engine, &stream).await? == (40, 40));
    ensure!(engine.calls.since() == 2, "there is one again");
    Ok(())
}

/// As when somebody took a stream out of the table and left it there, and it begins anew.
pub async fn a_snapshot_of_what_was_before_is_not_trusted(engine: &Engine) -> Outcome {
    let stream = meter("before");
    raise_until(engine, &stream, 25).await?;
    for version in 1..=25 {
        take_out(engine, &stream, version).await?;
    }
    ensure!(seen(engine, &stream).await? == (0, 0), "nothing is there");
    for version in 1..=25 {
        engine.cold_store().append(&[commit(&stream, version, 7)]).await?;
        ensure!(seen(engine, &stream).await? == (version, version * 7));
    }
    Ok(())
}

pub async fn a_snapshot_of_commits_that_are_not_there_is_not_trusted(engine: &Engine) -> Outcome {
    let stream = meter("ahead");
    raise_until(engine, &stream, 50).await?;
    for version in 31..=50 {
        take_out(engine, &stream, version).await?;
    }
    ensure!(seen(engine, &stream).await? == (30, 30));
    Ok(())
}

/// Commits that nobody kept a snapshot or a page of, as a restore of single items leaves them.
pub async fn pages_come_where_there_is_no_snapshot(engine: &Engine) -> Outcome {
    let stream = meter("bare");
    let commits: Vec<Commit> = (1..=1_010).map(|version| commit(&stream, version, 1)).collect();
    for transaction in commits.chunks(100) {
        engine.cold_store().append(transaction).await?;
    }
    raise(&engine.cold_store(), &stream, "makes the pages").await?;
    take_out(engine, &stream, SNAPSHOT_AT).await?;
    let cold = engine.cold_store();
    ensure!(raise(&cold, &stream, "once").await? == 1_012);
    ensure!(cold.load::<Meter>(&stream).await?.version == Version(1_012));
    Ok(())
}
