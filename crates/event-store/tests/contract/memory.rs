//! Promises about what a long stream remembers.

use anyhow::ensure;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{SubsecRound, TimeDelta, Utc};
use event_store::{
    Accepted, Commit, Intent, Refused, Request, SNAPSHOT_AT, Segment, Start, StreamId, Version,
};

use crate::{
    counter::{Counter, commit, intent, raise, stream},
    engine::Engine,
};

type Outcome = anyhow::Result<()>;

/// More pages than one read brings.
const BUSY: u64 = 3_600;

/// Two full pages of requests, and some more.
const LONG: u64 = 1_130;

pub async fn a_retry_finds_its_answer_on_an_old_page(engine: &Engine) -> Outcome {
    let stream = stream("paged");
    fill(engine, &stream, LONG).await?;
    for accepted in [1, 499, 500, 501, 1_000, 1_001, LONG] {
        let key = format!("key-{accepted}");
        let again = raise(&engine.cold_store(), &stream, Start::Existing, &intent(&key), 0).await?;
        ensure!(again == Accepted { answer: accepted, replayed: true }, "{accepted}: {again:?}");
    }
    let unknown = raise(&engine.cold_store(), &stream, Start::Existing, &intent("new"), 0).await?;
    ensure!(!unknown.replayed);
    Ok(())
}

/// A request of the stream's busiest day, by somebody who tries again a day later; and by somebody who
/// does much later.
pub async fn a_key_is_known_for_a_day_however_much_came_since(engine: &Engine) -> Outcome {
    let stream = stream("for-a-day");
    let then = Utc::now().trunc_subsecs(3);
    let request = |version| Commit { recorded_at: then, ..requested(&stream, version) };
    let busy: Vec<Commit> = (1..=BUSY).map(request).collect();
    for transaction in busy.chunks(100) {
        engine.cold_store().append(transaction).await?;
    }
    let after = |hours| Intent { at: then + TimeDelta::hours(hours), ..intent("key-1") };
    let store = engine.cold_store();
    raise(&store, &stream, Start::Existing, &intent("makes the pages"), 0).await?;
    let a_day = raise(&engine.cold_store(), &stream, Start::Existing, &after(24), 0).await?;
    ensure!(a_day == Accepted { answer: 1, replayed: true }, "{a_day:?}");
    let later = raise(&engine.cold_store(), &stream, Start::Existing, &after(26), 0).await?;
    ensure!(!later.replayed, "nobody looks for it any more");
    Ok(())
}

pub async fn a_key_on_an_old_page_is_looked_up_in_a_bounded_number_of_reads(
    engine: &Engine,
) -> Outcome {
    let stream = stream("bounded");
    fill(engine, &stream, LONG).await?;
    let writer = engine.cold_store();
    let version = LONG + 70; // past the next snapshot
    for number in LONG + 1..=version {
        raise(&writer, &stream, Start::Existing, &intent(&format!("more-{number}")), 0).await?;
    }
    raise(&engine.cold_store(), &stream, Start::Existing, &intent("makes the pages"), 0).await?;
    let cold = engine.cold_store();
    engine.calls.since();
    raise(&cold, &stream, Start::Existing, &intent("once"), 0).await?;
    let calls = engine.calls.since();
    ensure!(calls == 3, "newest, the snapshot with pages, and the put, not {calls}");
    raise(&cold, &stream, Start::Existing, &intent("and again"), 0).await?;
    ensure!(engine.calls.since() == 1, "then all of it is warm");
    Ok(())
}

pub async fn a_page_is_written_by_whoever_fills_it(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("filled"));
    fill(engine, &stream, 499).await?;
    raise(&store, &stream, Start::Existing, &intent("fills it"), 0).await?;
    let page = engine.client.get_item().table_name(&engine.table);
    let page = page
        .key("stream", AttributeValue::S(stream.to_string()))
        .key("version", AttributeValue::N("-1".to_owned()))
        .send()
        .await?;
    let kind = page.item().and_then(|item| item.get("kind")?.as_s().ok());
    ensure!(kind.map(String::as_str) == Some("page"), "{page:?}");
    raise(&store, &stream, Start::Existing, &intent("begins the next"), 0).await?;
    let again = raise(&store, &stream, Start::Existing, &intent("key-7"), 0).await?;
    ensure!(again == Accepted { answer: 7, replayed: true });
    Ok(())
}

/// "costarring" and "liquid" have the same 32 bits by FNV-1a.
pub async fn a_key_is_not_taken_for_another_with_the_same_mark(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("same-mark"));
    let first = raise(&store, &stream, Start::New, &intent("costarring"), 1).await?;
    let other = raise(&store, &stream, Start::Existing, &intent("liquid"), 2).await?;
    ensure!(other == Accepted { answer: 3, replayed: false }, "{other:?}");
    for (key, answer) in [("costarring", first.answer), ("liquid", 3)] {
        let again = raise(&engine.cold_store(), &stream, Start::Existing, &intent(key), 9).await?;
        ensure!(again == Accepted { answer, replayed: true }, "{key}: {again:?}");
    }
    Ok(())
}

pub async fn a_snapshot_of_another_shape_is_remade_by_the_first_who_meets_it(
    engine: &Engine,
) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("reshaped"));
    for key in 1..=170 {
        raise(&store, &stream, Start::New, &intent(&key.to_string()), 1).await?;
    }
    let snapshot = engine.client.update_item().table_name(&engine.table);
    snapshot
        .key("stream", AttributeValue::S(stream.to_string()))
        .key("version", AttributeValue::N(SNAPSHOT_AT.to_string()))
        .update_expression("set shape = :old")
        .expression_attribute_values(":old", AttributeValue::N("0".to_owned()))
        .send()
        .await?;
    engine.cold_store().load::<Counter>(&stream).await?;
    engine.calls.since();
    let folded = engine.cold_store().load::<Counter>(&stream).await?;
    ensure!(folded.version == Version(170) && folded.state.count == 170);
    let calls = engine.calls.since();
    ensure!(calls == 2, "the newest commits and the new snapshot, not {calls} calls");
    Ok(())
}

/// A command whose own commit is found is answered as if its answer had not been lost.
pub async fn a_commands_own_commit_is_no_replay(engine: &Engine) -> Outcome {
    let (store, stream) = (engine.cold_store(), stream("own"));
    let once = intent("1");
    raise(&store, &stream, Start::New, &once, 5).await?;
    let again = raise(&engine.cold_store(), &stream, Start::Existing, &once, 5).await?;
    ensure!(again == Accepted { answer: 5, replayed: false });
    let others = raise(&store, &stream, Start::Existing, &intent("1"), 5).await;
    ensure!(matches!(others, Ok(Accepted { answer: 5, replayed: true })), "{others:?}");
    let other = Intent { fingerprint: "another".to_owned(), ..intent("1") };
    let refused = raise(&store, &stream, Start::Existing, &other, 5).await;
    ensure!(matches!(refused, Err(Refused::KeyReused)));
    Ok(())
}

/// Appends commits 1 to `last`, each with a request of its own, whose answer is its version.
/// A page of a scan may end on what is no commit. As text, such a place is kept as any other.
pub async fn a_scan_goes_on_from_a_page_of_requests(engine: &Engine) -> Outcome {
    let stream = stream("scanned");
    fill(engine, &stream, LONG).await?;
    raise(&engine.cold_store(), &stream, Start::Existing, &intent("makes the pages"), 0).await?;
    let store = engine.cold_store();
    let mut next = Some(format!("-2 {stream}").parse()?);
    let mut versions = Vec::new();
    while let Some(start) = next {
        let page = store.scan_commits(Segment { number: 0, of: 1 }, Some(start)).await?;
        ensure!(page.commits.len() <= 1_000);
        versions.extend(page.commits.into_iter().flatten().map(|commit| commit.version.0));
        next = page.next.map(|next| next.to_string().parse()).transpose()?;
    }
    ensure!(versions == (1..=LONG + 1).collect::<Vec<_>>(), "{} commits", versions.len());
    Ok(())
}

async fn fill(engine: &Engine, stream: &StreamId, last: u64) -> Outcome {
    let commits: Vec<Commit> = (1..=last).map(|version| requested(stream, version)).collect();
    let store = engine.cold_store();
    for transaction in commits.chunks(100) {
        store.append(transaction).await?;
    }
    Ok(())
}

fn requested(stream: &StreamId, version: u64) -> Commit {
    let mut commit = commit(stream, version, 0);
    commit.metadata.request = Some(Request {
        key: format!("key-{version}"),
        fingerprint: "a request".to_owned(),
        answer: version.to_string(),
    });
    commit
}
