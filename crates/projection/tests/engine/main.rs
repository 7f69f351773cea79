//! What the engine promises, with a read model that is not the shop's: lamps.

mod erased;
mod generations;
mod lamps;
mod outages;
mod rebuild;
mod rewritten;
mod verify;
mod waiting;

use std::sync::Arc;

use lamps::{House, lit, lit_at, poison};
use projection::{Report, Version};
use tokio::task::JoinSet;

#[tokio::test]
async fn commits_are_applied_in_order_and_once() -> anyhow::Result<()> {
    let house = House::new().await?;
    let all: Vec<_> = (1..=5).map(|version| lit("a", version)).collect();
    let report = house.deliver(all.clone()).await?;
    assert_eq!(report, Report { applied: 5, ..Report::default() });
    let again = house.deliver(all).await?;
    assert_eq!(again, Report { duplicates: 5, ..Report::default() });
    assert_eq!(house.times_lit("a").await?, Some(5));
    assert_eq!(house.total().await?, 5);
    Ok(())
}

#[tokio::test]
async fn what_is_missing_is_read_from_the_table() -> anyhow::Result<()> {
    let house = House::new().await?;
    house.store([lit("a", 1), lit("a", 2), lit("a", 3)]);
    let report = house.deliver(vec![lit("a", 3)]).await?;
    assert_eq!((report.applied, report.heals), (3, 1));
    let late = house.deliver(vec![lit("a", 2), lit("a", 1)]).await?;
    assert_eq!((late.applied, late.duplicates, late.heals), (0, 2, 0));
    assert_eq!(house.total().await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_hole_in_the_table_parks_the_stream_and_says_so() -> anyhow::Result<()> {
    let house = House::new().await?;
    let report = house.deliver(vec![lit("a", 1), lit("a", 3)]).await?;
    assert_eq!((report.applied, report.quarantined), (1, 1));
    let quarantined = house.quarantined().await?;
    assert_eq!(quarantined.len(), 1);
    assert!(quarantined[0].2.contains("commit 2 is neither"), "{quarantined:?}");
    Ok(())
}

#[tokio::test]
async fn a_commit_that_does_not_decode_parks_its_stream_alone() -> anyhow::Result<()> {
    let house = House::new().await?;
    let batch = vec![lit("a", 1), poison("a", 2, "Exploded"), lit("a", 3), lit("b", 1)];
    let report = house.deliver(batch).await?;
    assert_eq!((report.applied, report.quarantined), (2, 1));
    assert_eq!(house.times_lit("a").await?, Some(1));
    assert_eq!(house.times_lit("b").await?, Some(1));
    let later = house.deliver(vec![lit("a", 4), lit("b", 2)]).await?;
    assert_eq!((later.applied, later.queued), (1, 1));
    assert_eq!(house.quarantined().await?[0].1, 2);
    Ok(())
}

#[tokio::test]
async fn a_value_that_the_database_refuses_parks_its_stream_alone() -> anyhow::Result<()> {
    let house = House::new().await?;
    let batch = vec![
        lit("a", 1),
        lit_at("b", 1, "hall"),
        lit_at("b", 2, "a NUL: \u{0}"),
        lit("b", 3),
        lit("c", 1),
        lit_at("d", 1, "nowhere"),
    ];
    house.store(batch.clone());
    let report = house.deliver(batch).await?;
    assert_eq!((report.applied, report.quarantined), (3, 2));
    assert_eq!(house.times_lit("b").await?, Some(1), "as far as it goes");
    assert_eq!(house.times_lit("c").await?, Some(1));
    assert_eq!(house.times_lit("d").await?, None, "the table's own rule refuses nowhere");
    assert_eq!(house.total().await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_row_can_go() -> anyhow::Result<()> {
    let house = House::new().await?;
    house.deliver(vec![lit("a", 1), lit_at("a", 2, "attic")]).await?;
    assert_eq!(house.rooms("a").await?, ["attic", "hall"]);
    house.deliver(vec![poison("a", 3, "Moved")]).await?;
    assert_eq!(house.rooms("a").await?, [""; 0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_projectors_on_the_same_streams_lose_and_double_nothing() -> anyhow::Result<()> {
    let house = Arc::new(House::new().await?);
    let streams = ["a", "b", "c", "d", "e"];
    let versions = 1..=20;
    let commits = versions.clone().flat_map(|version| streams.map(|s| lit(s, version)));
    house.store(commits.collect::<Vec<_>>());
    let mut projectors = JoinSet::new();
    for shift in 0..6_u64 {
        let house = house.clone();
        projectors.spawn(async move {
            for version in 1..=20 {
                let batch = streams.map(|stream| lit(stream, (version + shift * 3) % 20 + 1));
                house.deliver(batch.into()).await?;
            }
            anyhow::Ok(())
        });
    }
    for projected in projectors.join_all().await {
        projected?;
    }
    for stream in streams {
        assert_eq!(house.times_lit(stream).await?, Some(20));
        assert_eq!(house.applied(stream).await?, Version(20));
    }
    assert_eq!(house.total().await?, 100);
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_away_is_no_poison() -> anyhow::Result<()> {
    let house = House::new().await?;
    house.deliver(vec![lit("a", 1)]).await?;
    house.close_the_database().await;
    let failed = house.deliver(vec![lit("a", 2)]).await;
    assert!(failed.is_err(), "the batch comes again");
    Ok(())
}
