//! Promises about commands.

use std::sync::Arc;

use anyhow::ensure;
use aws_sdk_dynamodb::types::AttributeValue;
use event_store::{Accepted, Intent, Refused, SNAPSHOT_AT, Start, Version};
use tokio::task::JoinSet;

use crate::{
    counter::{Counter, Full, MOST, commit, intent, raise, stream},
    engine::Engine,
};

type Outcome = anyhow::Result<()>;

pub async fn a_new_stream_costs_one_write_and_no_read(engine: &Engine) -> Outcome {
    let store = engine.cold_store();
    raise(&store, &stream("new"), Start::New, &intent("1"), 1).await?;
    ensure!(engine.calls.since() == 1);
    Ok(())
}

pub async fn a_warm_command_costs_one_write_and_no_read(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("hot"));
    raise(&store, &stream, Start::New, &intent("1"), 1).await?;
    engine.calls.since();
    for key in 2..=10 {
        raise(&store, &stream, Start::Existing, &intent(&key.to_string()), 1).await?;
        ensure!(engine.calls.since() == 1);
    }
    Ok(())
}

/// Whatever its length: the newest commits, and a snapshot where they are not all.
pub async fn a_long_stream_is_loaded_in_a_bounded_number_of_reads(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("long"));
    let reads = [(24, 1), (25, 1), (26, 2), (49, 2), (50, 2), (51, 2), (74, 2), (75, 2), (320, 2)];
    let mut version = 0;
    for (length, expected) in reads {
        for key in version + 1..=length {
            raise(&store, &stream, Start::New, &intent(&key.to_string()), 1).await?;
        }
        version = length;
        engine.calls.since();
        let folded = engine.cold_store().load::<Counter>(&stream).await?;
        ensure!(folded.version == Version(length) && folded.state.count == length);
        let calls = engine.calls.since();
        ensure!(calls == expected, "{calls} reads of {length} commits and not {expected}");
    }
    Ok(())
}

pub async fn a_snapshot_of_another_shape_is_not_trusted(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("reshaped"));
    for key in 1..=150 {
        raise(&store, &stream, Start::New, &intent(&key.to_string()), 1).await?;
    }
    let snapshot = engine.client.update_item().table_name(&engine.table);
    snapshot
        .key("stream", AttributeValue::S(stream.to_string()))
        .key("version", AttributeValue::N(SNAPSHOT_AT.to_string()))
        .update_expression("set shape = :old, folded = :wrong")
        .expression_attribute_values(":old", AttributeValue::N("0".to_owned()))
        .expression_attribute_values(":wrong", AttributeValue::S(r#"{"count":9}"#.to_owned()))
        .send()
        .await?;
    let folded = engine.cold_store().load::<Counter>(&stream).await?;
    ensure!(folded.state.count == 150);
    Ok(())
}

pub async fn a_retry_gets_the_first_answer(engine: &Engine) -> Outcome {
    let stream = stream("again");
    let first = raise(&engine.cold_store(), &stream, Start::New, &intent("1"), 5).await?;
    raise(&engine.cold_store(), &stream, Start::Existing, &intent("2"), 7).await?;
    for start in [Start::New, Start::Existing] {
        let again = raise(&engine.cold_store(), &stream, start, &intent("1"), 5).await?;
        ensure!(again == Accepted { replayed: true, ..first.clone() });
    }
    ensure!(engine.cold_store().load::<Counter>(&stream).await?.state.count == 12);
    Ok(())
}

pub async fn a_retry_finds_its_answer_behind_a_snapshot(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("far"));
    for key in 1..=160 {
        raise(&store, &stream, Start::New, &intent(&key.to_string()), 1).await?;
    }
    let again = raise(&engine.cold_store(), &stream, Start::Existing, &intent("3"), 1).await?;
    ensure!(again == Accepted { answer: 3, replayed: true });
    Ok(())
}

pub async fn the_same_request_twice_at_once_has_one_effect(engine: &Engine) -> Outcome {
    let mut requests = JoinSet::new();
    for _ in 0..8 {
        let store = engine.cold_store();
        requests.spawn(async move {
            raise(&store, &stream("twice"), Start::New, &intent("the same"), 5).await
        });
    }
    let answers: Vec<_> = requests.join_all().await;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    ensure!(answers.iter().all(|accepted| accepted.answer == 5));
    ensure!(answers.iter().filter(|accepted| !accepted.replayed).count() == 1);
    ensure!(engine.cold_store().load::<Counter>(&stream("twice")).await?.state.count == 5);
    Ok(())
}

pub async fn a_key_is_not_used_for_another_request(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("reused"));
    raise(&store, &stream, Start::New, &intent("1"), 5).await?;
    let other = Intent { fingerprint: "another request".to_owned(), ..intent("1") };
    let refused = raise(&store, &stream, Start::Existing, &other, 6).await;
    ensure!(matches!(refused, Err(Refused::KeyReused)), "{refused:?}");
    Ok(())
}

pub async fn a_refusal_is_decided_on_the_latest_state(engine: &Engine) -> Outcome {
    let (here, stream) = (engine.cold_store(), stream("full"));
    raise(&here, &stream, Start::New, &intent("1"), MOST - 1).await?;
    let full = raise(&here, &stream, Start::Existing, &intent("2"), 2).await;
    ensure!(matches!(full, Err(Refused::Rejected(Full))));
    // somebody else makes room; what this process remembers is out of date
    let mut negative = commit(&stream, 2, 0);
    negative.events[0].data = r#"{"by":0}"#.to_owned();
    engine.cold_store().append(&[negative]).await?;
    let refused = raise(&here, &stream, Start::Existing, &intent("3"), 2).await;
    ensure!(matches!(refused, Err(Refused::Rejected(Full))));
    let seen = here.load::<Counter>(&stream).await?;
    ensure!(seen.version == Version(2), "the refusal has read what came since");
    Ok(())
}

pub async fn a_command_on_another_version_is_refused(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("moved"));
    raise(&store, &stream, Start::New, &intent("1"), 1).await?;
    engine.cold_store().append(&[commit(&stream, 2, 1)]).await?;
    let on = |version| Intent { expected: Some(Version(version)), ..intent("2") };
    let stale = raise(&store, &stream, Start::Existing, &on(1), 1).await;
    ensure!(matches!(stale, Err(Refused::Moved(Version(2)))), "{stale:?}");
    raise(&store, &stream, Start::Existing, &on(2), 1).await?;
    Ok(())
}

pub async fn of_many_racing_commands_none_is_lost(engine: &Engine) -> Outcome {
    let shared = Arc::new(stream("race"));
    let mut commands = JoinSet::new();
    for key in 0..40 {
        let (store, stream) = (engine.cold_store(), shared.clone());
        commands.spawn(async move {
            raise(&store, &stream, Start::Existing, &intent(&key.to_string()), 1).await
        });
    }
    let answers: Vec<_> = commands.join_all().await;
    let mut counts = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    counts.sort_unstable_by_key(|accepted| accepted.answer);
    ensure!(counts.iter().map(|accepted| accepted.answer).eq(1..=40));
    Ok(())
}

pub async fn a_key_is_kept_also_where_nothing_changes(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("idle"));
    raise(&store, &stream, Start::New, &intent("1"), 3).await?;
    let idle = raise(&store, &stream, Start::Existing, &intent("2"), 0).await?;
    ensure!(idle == Accepted { answer: 3, replayed: false });
    raise(&store, &stream, Start::Existing, &intent("3"), 4).await?;
    let again = raise(&engine.cold_store(), &stream, Start::Existing, &intent("2"), 0).await?;
    ensure!(again == Accepted { answer: 3, replayed: true });
    let unkeyed = Intent { keyed: false, ..intent("4") };
    raise(&store, &stream, Start::Existing, &unkeyed, 0).await?;
    let folded = store.load::<Counter>(&stream).await?;
    ensure!(folded.version == Version(3), "without a key nothing is written");
    Ok(())
}

pub async fn what_is_not_visible_shows_nothing(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), &stream("hidden"));
    raise(&store, stream, Start::New, &intent("1"), 1).await?;
    for probe in [intent("1"), Intent { expected: Some(Version(9)), ..intent("2") }] {
        let refused = store
            .execute::<Counter, u64, _, _, _, _>(
                (stream, Start::Existing),
                &probe,
                |_| Err(Full),
                |unit, counter| async move { Ok((unit, counter.state.count)) },
            )
            .await;
        ensure!(matches!(refused, Err(Refused::Rejected(Full))), "{refused:?}");
    }
    Ok(())
}

/// One store remembers a second stream that has moved on elsewhere. A command that finds nothing
/// to do there must not trust that.
pub async fn a_remembered_state_that_no_append_proves_is_read_again(engine: &Engine) -> Outcome {
    let (here, elsewhere) = (engine.cold_store(), engine.cold_store());
    let (first, second) = (&stream("first"), &stream("second"));
    raise(&here, second, Start::New, &intent("1"), 1).await?;
    raise(&elsewhere, second, Start::Existing, &intent("2"), 1).await?;
    let seen = here
        .execute::<Counter, u64, Full, _, _, _>(
            (first, Start::New),
            &intent("3"),
            |_| Ok(()),
            |mut unit, counter| async move {
                let other = unit.load::<Counter>(second).await?;
                unit.decide(second, &other, 0)?;
                unit.decide(first, &counter, 1)?;
                Ok((unit, other.state.count))
            },
        )
        .await?;
    ensure!(seen.answer == 2, "decided on {} instead of the latest state", seen.answer);
    Ok(())
}
