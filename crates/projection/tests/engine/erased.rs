//! Commits after which nothing personal of their stream is to be found in any row. The shelf plays
//! a source that reveals nothing of it any more.

use std::collections::BTreeMap;

use projection::{Commit, Removal, Removed, Report, StreamId, Swept, Timestamp, Version};
use sqlx::Executor;

use crate::lamps::{House, labelled, lit, poison};

fn erasing(lamp: &str, version: u64) -> Commit {
    let mut commit = labelled(lamp, version, "erased");
    commit.events[0].erases = true;
    commit
}

fn stream() -> StreamId {
    lit("a", 1).stream
}

/// A house with these commits; and the one that erases the first lamp is on the shelf, and nowhere
/// else.
async fn erased_after(commits: Vec<Commit>) -> anyhow::Result<House> {
    let house = House::new().await?;
    house.store(commits.clone());
    house.deliver(commits).await?;
    house.store([erasing("a", 3)]);
    house.rewrite([labelled("a", 1, "erased")]);
    assert_eq!(house.labels("a").await?, ["Ann's"]);
    Ok(house)
}

/// A lamp with Ann's label that was lit, and one with Bob's.
async fn labelled_and_erased() -> anyhow::Result<House> {
    erased_after(vec![labelled("a", 1, "Ann's"), lit("a", 2), labelled("b", 1, "Bob's")]).await
}

/// A lamp with Ann's label that is parked at its second commit.
async fn parked_and_erased() -> anyhow::Result<House> {
    erased_after(vec![labelled("a", 1, "Ann's"), poison("a", 2, "Exploded")]).await
}

#[tokio::test]
async fn a_commit_that_erases_folds_its_stream_anew() -> anyhow::Result<()> {
    let house = labelled_and_erased().await?;
    let report = house.deliver(vec![erasing("a", 3)]).await?;
    assert_eq!(report, Report { refolded: 1, ..Report::default() });
    assert_eq!(house.labels("a").await?, ["erased", "erased"]);
    assert_eq!((house.applied("a").await?, house.times_lit("a").await?), (Version(3), Some(1)));
    let late = vec![labelled("a", 1, "Ann's"), lit("a", 2), erasing("a", 3)];
    assert_eq!(house.deliver(late).await?.duplicates, 3);
    assert_eq!(house.labels("a").await?, ["erased", "erased"], "no late record brings it back");
    assert_eq!(house.labels("b").await?, ["Bob's"], "that is somebody else");
    Ok(())
}

#[tokio::test]
async fn whatever_brings_it_erases() -> anyhow::Result<()> {
    let healed = labelled_and_erased().await?;
    healed.store([lit("a", 4)]);
    healed.deliver(vec![lit("a", 4)]).await?;
    assert_eq!(healed.labels("a").await?, ["erased", "erased"]);
    assert_eq!(healed.applied("a").await?, Version(4));

    let swept = labelled_and_erased().await?;
    swept.engine.sweep(&BTreeMap::from([(stream(), Version(3))])).await?;
    assert_eq!(swept.labels("a").await?, ["erased", "erased"]);
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_parked_is_erased_as_far_as_it_goes() -> anyhow::Result<()> {
    let house = parked_and_erased().await?;
    for _ in 0..2 {
        let report = house.deliver(vec![erasing("a", 3)]).await?;
        assert_eq!((report.refolded, report.quarantined), (1, 1));
        assert_eq!(
            (house.labels("a").await?, house.applied("a").await?),
            (vec!["erased".to_owned()], Version(1))
        );
    }
    house.rewrite([lit("a", 2)]);
    house.engine.redrive(&stream()).await?;
    assert_eq!(house.applied("a").await?, Version(3));
    Ok(())
}

#[tokio::test]
async fn of_a_parked_stream_the_lost_commit_that_erases_is_found() -> anyhow::Result<()> {
    let swept = parked_and_erased().await?;
    let found = swept.engine.sweep(&BTreeMap::from([(stream(), Version(3))])).await?;
    assert_eq!((found.behind, found.report.refolded), (0, 1));
    assert_eq!(swept.labels("a").await?, ["erased"]);

    let later = parked_and_erased().await?;
    later.store([lit("a", 4)]);
    assert_eq!(later.deliver(vec![lit("a", 4)]).await?.refolded, 1);
    assert_eq!(later.labels("a").await?, ["erased"]);
    Ok(())
}

#[tokio::test]
async fn a_parked_stream_that_nothing_erases_is_left_alone() -> anyhow::Result<()> {
    let house = House::new().await?;
    let commits = vec![lit("a", 1), poison("a", 2, "Exploded"), lit("a", 3), lit("a", 4)];
    house.store(commits.clone());
    house.deliver(commits).await?;
    let swept = house.engine.sweep(&BTreeMap::from([(stream(), Version(4))])).await?;
    assert_eq!(swept, Swept { compared: 1, ..Swept::default() });
    let report = house.deliver(vec![lit("a", 4)]).await?;
    assert_eq!(report, Report { queued: 1, ..Report::default() });
    assert_eq!(house.applied("a").await?, Version(1));
    Ok(())
}

#[tokio::test]
async fn a_commit_that_erases_and_is_skipped_erases_all_the_same() -> anyhow::Result<()> {
    let house = House::new().await?;
    let commits = vec![labelled("a", 1, "Ann's"), poison("a", 2, "Exploded"), lit("a", 3)];
    house.store(commits.clone());
    house.deliver(commits).await?;
    // A build that knows less of it than this one took it for any commit.
    let mut erases = poison("a", 2, "Exploded");
    erases.events[0].erases = true;
    house.rewrite([labelled("a", 1, "erased"), erases]);
    house.engine.skip(&stream(), "it explodes").await?;
    assert_eq!(house.labels("a").await?, ["erased"]);
    assert_eq!((house.applied("a").await?, house.times_lit("a").await?), (Version(3), Some(1)));
    assert_eq!(house.resolutions("a").await?, [Some("skipped".to_owned())]);
    Ok(())
}

/// The generation before this one, with what it had.
async fn two_generations() -> anyhow::Result<House> {
    let house = labelled_and_erased().await?;
    house
        .pool
        .execute(
            "create schema previous_generation; \
             create table previous_generation.label as select * from label; \
             create table previous_generation.position (like position including all); \
             insert into previous_generation.position select * from position",
        )
        .await?;
    Ok(house)
}

async fn previous_labels(house: &House) -> anyhow::Result<Vec<String>> {
    let sql = "select text from previous_generation.label";
    Ok(sqlx::query_scalar(sql).fetch_all(&house.pool).await?)
}

#[tokio::test]
async fn it_leaves_the_generation_before_this_one() -> anyhow::Result<()> {
    let house = two_generations().await?;
    house.deliver(vec![erasing("a", 3)]).await?;
    assert_eq!(previous_labels(&house).await?, ["Bob's"]);
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_taken_out_of_the_table_leaves_the_generation_before() -> anyhow::Result<()>
{
    let house = two_generations().await?;
    let (version, at) = (Version(1), Timestamp::UNIX_EPOCH);
    let removed = Removed { stream: stream(), version, removal: Removal::Erased, at };
    house.engine.remove(vec![removed]).await?;
    assert_eq!(house.labels("a").await?, Vec::<String>::new());
    assert_eq!(previous_labels(&house).await?, ["Bob's"]);
    Ok(())
}

/// An erasure that rewrites what was plain comes as both, in any order.
#[tokio::test]
async fn a_stream_that_is_folded_anew_and_erased_leaves_the_generation_before() -> anyhow::Result<()>
{
    let house = two_generations().await?;
    house.engine.refold([stream()]).await?;
    assert_eq!(house.deliver(vec![erasing("a", 3)]).await?.duplicates, 1);
    assert_eq!(house.labels("a").await?, ["erased", "erased"]);
    assert_eq!(previous_labels(&house).await?, ["Bob's"]);
    Ok(())
}
