//! Commits that were rewritten in place, and streams that are no more.

use std::{sync::Arc, time::Duration};

use projection::{
    Commit, Heartbeat, Removal, Removed, Report, StreamId, Timestamp, Version, heartbeat, removal,
};
use tokio::task::JoinSet;

use crate::lamps::{House, labelled, lit, lit_at, poison};

fn stream(lamp: &str) -> StreamId {
    lit(lamp, 1).stream
}

fn erased(commit: &Commit) -> Removed {
    let (stream, version) = (commit.stream.clone(), commit.version);
    Removed { stream, version, removal: Removal::Erased, at: Timestamp::UNIX_EPOCH }
}

/// A lamp with a label, lit twice, and another one.
async fn furnished() -> anyhow::Result<House> {
    let house = House::new().await?;
    let commits =
        vec![lit_at("a", 1, "attic"), labelled("a", 2, "Ann's"), lit("a", 3), lit("b", 1)];
    house.store(commits.clone());
    house.deliver(commits).await?;
    assert_eq!((house.total().await?, house.labels("a").await?), (3, vec!["Ann's".to_owned()]));
    Ok(house)
}

#[tokio::test]
async fn a_redacted_commit_is_folded_anew_in_every_table() -> anyhow::Result<()> {
    let house = furnished().await?;
    house.rewrite([poison("a", 1, "Moved"), labelled("a", 2, "redacted")]);
    let report = house.engine.refold([stream("a")]).await?;
    assert_eq!(report, Report { refolded: 1, ..Report::default() });
    assert_eq!(house.times_lit("a").await?, Some(1));
    assert_eq!(house.rooms("a").await?, ["hall"], "the attic is gone");
    assert_eq!(house.labels("a").await?, ["redacted"]);
    assert_eq!(house.total().await?, 2, "what the lamp counted before, it counts no more");
    assert_eq!(house.applied("a").await?, Version(3));
    let late = vec![lit_at("a", 1, "attic"), labelled("a", 2, "Ann's"), lit("a", 3)];
    assert_eq!(house.deliver(late).await?.duplicates, 3);
    assert_eq!((house.labels("a").await?, house.total().await?), (vec!["redacted".into()], 2));
    Ok(())
}

#[tokio::test]
async fn a_fold_anew_takes_in_what_was_not_delivered_yet() -> anyhow::Result<()> {
    let house = furnished().await?;
    house.store([lit("a", 4), lit("c", 1)]);
    house.engine.refold([stream("a"), stream("c"), stream("nowhere")]).await?;
    assert_eq!((house.applied("a").await?, house.applied("c").await?), (Version(4), Version(1)));
    assert_eq!(house.total().await?, 5);
    assert_eq!(house.deliver(vec![lit("a", 4), lit("c", 1)]).await?.duplicates, 2);
    assert_eq!(house.total().await?, 5);
    Ok(())
}

#[tokio::test]
async fn a_poison_that_was_mended_in_place_unparks_its_stream() -> anyhow::Result<()> {
    let house = furnished().await?;
    house.store([poison("a", 4, "Exploded"), lit("a", 5)]);
    let report = house.deliver(vec![poison("a", 4, "Exploded"), lit("a", 5)]).await?;
    assert_eq!(report.quarantined, 1);
    assert_eq!(house.engine.refold([stream("a")]).await?.quarantined, 1, "it still is");
    assert_eq!(house.applied("a").await?, Version(3));
    house.rewrite([lit("a", 4)]);
    assert_eq!(house.engine.refold([stream("a")]).await?.quarantined, 0);
    assert_eq!((house.applied("a").await?, house.times_lit("a").await?), (Version(5), Some(4)));
    assert_eq!(house.resolutions("a").await?, [Some("redriven".to_owned())]);
    assert_eq!(house.deliver(vec![lit("a", 6)]).await?.applied, 1);
    Ok(())
}

#[tokio::test]
async fn a_commit_that_was_skipped_stays_skipped() -> anyhow::Result<()> {
    let house = furnished().await?;
    let refused = vec![lit_at("a", 4, "nowhere"), lit("a", 5), lit_at("a", 6, "nowhere")];
    house.store(refused.clone());
    house.deliver(refused).await?;
    house.engine.skip(&stream("a"), "no such room").await?;
    house.engine.skip(&stream("a"), "no such room").await?;
    house.engine.refold([stream("a")]).await?;
    assert_eq!((house.applied("a").await?, house.times_lit("a").await?), (Version(6), Some(3)));
    Ok(())
}

#[tokio::test]
async fn what_the_database_refuses_of_a_rewritten_stream_parks_it_there() -> anyhow::Result<()> {
    let house = furnished().await?;
    house.store((4..9).map(|version| lit("a", version)));
    house.rewrite([lit_at("a", 7, "nowhere")]);
    let report = house.engine.refold([stream("a")]).await?;
    assert_eq!((report.refolded, report.quarantined), (1, 1));
    assert_eq!((house.applied("a").await?, house.times_lit("a").await?), (Version(6), Some(5)));
    let quarantined = house.quarantined().await?;
    assert_eq!((quarantined.len(), quarantined[0].1), (1, 7));
    assert!(quarantined[0].2.contains("room_room_check"), "{quarantined:?}");
    assert_eq!(house.total().await?, 6);
    house.rewrite([lit_at("a", 1, "nowhere")]);
    house.engine.refold([stream("a")]).await?;
    assert_eq!((house.applied("a").await?, house.times_lit("a").await?), (Version(0), None));
    Ok(())
}

#[tokio::test]
async fn of_a_removed_stream_nothing_is_left_and_nothing_comes_back() -> anyhow::Result<()> {
    let house = furnished().await?;
    let gone = [lit_at("a", 1, "attic"), labelled("a", 2, "Ann's"), lit("a", 3)];
    house.take_away(&gone[1]);
    let report = house.engine.remove(vec![erased(&gone[1])]).await?;
    assert_eq!(report, Report { removed: 1, ..Report::default() });
    for late in [vec![], gone.to_vec(), vec![lit("a", 4)]] {
        let report = house.deliver(late.clone()).await?;
        assert_eq!(report, Report { gone: late.len() as u64, ..Report::default() });
        assert_eq!(house.engine.refold([stream("a")]).await?.gone, 1);
        assert_eq!(house.engine.remove(vec![erased(&gone[0])]).await?.removed, 0);
        assert_eq!((house.times_lit("a").await?, house.rooms("a").await?), (None, vec![]));
        assert_eq!((house.labels("a").await?, house.total().await?), (vec![], 1));
    }
    let found = removal(&house.pool, &stream("a")).await?;
    assert_eq!(found, Some((Removal::Erased, Timestamp::UNIX_EPOCH)));
    assert_eq!(removal(&house.pool, &stream("b")).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_removal_that_comes_first_holds() -> anyhow::Result<()> {
    let house = House::new().await?;
    let mut expired = erased(&lit("a", 2));
    expired.removal = Removal::Expired;
    house.engine.remove(vec![expired.clone(), expired]).await?;
    assert_eq!(house.deliver(vec![lit("a", 1), lit("a", 2), lit("b", 1)]).await?.applied, 1);
    assert_eq!((house.times_lit("a").await?, house.total().await?), (None, 1));
    let found = removal(&house.pool, &stream("a")).await?;
    assert_eq!(found.map(|(why, _)| why), Some(Removal::Expired));
    Ok(())
}

#[tokio::test]
async fn a_removal_ends_the_quarantine_and_takes_its_payload() -> anyhow::Result<()> {
    let house = furnished().await?;
    house.deliver(vec![poison("a", 4, "Exploded")]).await?;
    house.engine.remove(vec![erased(&lit("a", 1))]).await?;
    assert_eq!(house.resolutions("a").await?, [Some("removed".to_owned())]);
    let kept: (String, String) =
        sqlx::query_as("select error, payload from quarantine").fetch_one(&house.pool).await?;
    assert_eq!(kept, ("the stream is no more".to_owned(), String::new()));
    assert!(house.engine.redrive(&stream("a")).await.is_err(), "nothing is parked");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_projectors_and_redactions_at_once_the_last_word_is_the_tables() -> anyhow::Result<()> {
    let house = Arc::new(furnished().await?);
    let mut tasks = JoinSet::new();
    for number in 0..6 {
        let house = house.clone();
        tasks.spawn(async move {
            for round in 0..12 {
                let version = 4 + round * 6 + number;
                house.store([labelled("a", version, "late")]);
                house.deliver(vec![labelled("a", version, "late")]).await?;
                let room = format!("room {number} {round}");
                house.rewrite([lit_at("a", 1, &room)]);
                house.engine.refold([stream("a")]).await?;
            }
            anyhow::Ok(())
        });
    }
    for done in tasks.join_all().await {
        done?;
    }
    let shelf = house.commits_of("a");
    let room = shelf.iter().find(|commit| commit.version == Version(1)).expect("it is there");
    let mut rooms = vec!["hall".to_owned(), room.events[0].data.clone()];
    rooms.sort();
    assert_eq!(house.rooms("a").await?, rooms);
    let labels = shelf.iter().filter(|commit| commit.events[0].name == "Labelled").count();
    assert_eq!(house.labels("a").await?.len(), labels);
    assert_eq!((house.times_lit("a").await?, house.total().await?), (Some(2), 3));
    Ok(())
}

#[tokio::test]
async fn a_beat_that_does_not_arrive_is_known_by_how_long_it_waits() -> anyhow::Result<()> {
    let house = House::new().await?;
    assert_eq!(heartbeat(&house.pool).await?, Heartbeat::default(), "nothing is known yet");
    let now = projection::now(&house.pool).await?;
    let beat = |seconds| [(stream("beat"), now - Duration::from_secs(seconds))];
    let (first, second, third) = (beat(90), beat(60), beat(30));
    projection::sent(&house.pool, &first).await?;
    projection::sent(&house.pool, &second).await?;
    let waits = heartbeat(&house.pool).await?;
    assert!(waits.stopped && waits.waiting_ms >= 90_000, "since the first one: {waits:?}");
    projection::arrived(&house.pool, &first).await?;
    assert!(heartbeat(&house.pool).await?.stopped, "the second one has not arrived");
    projection::arrived(&house.pool, &second).await?;
    projection::arrived(&house.pool, &first).await?;
    let well = heartbeat(&house.pool).await?;
    assert!(!well.stopped && well.waiting_ms == 0, "{well:?}");
    projection::arrived(&house.pool, &third).await?;
    projection::sent(&house.pool, &third).await?;
    assert_eq!(heartbeat(&house.pool).await?.waiting_ms, 0, "it was faster than its note");
    sqlx::query("update heartbeat set sent_at = sent_at - interval '3 minutes'")
        .execute(&house.pool)
        .await?;
    assert!(heartbeat(&house.pool).await?.stopped, "no beat comes any more");
    Ok(())
}
