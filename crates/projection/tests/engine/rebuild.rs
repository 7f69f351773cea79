//! What a rebuild promises, with lamps.

use std::time::{Duration, Instant};

use crate::lamps::{House, Light, Shelf, lit, lit_at, poison};
use projection::{
    CaughtUp, Checkpoint, Commit, Delivery, Generations, Plan, Rebuild, RebuildError, Removal,
    Removed, Swap, Timestamp,
};
use sqlx::Executor;

type Rebuilding = Rebuild<Light, Shelf>;

/// All that the shelf has, as one part.
const SHELF: &str = "shelf";

fn plan() -> Plan {
    Plan { views: vec![], source: SHELF.to_owned() }
}

async fn begin(house: &House) -> Result<Rebuilding, RebuildError> {
    Rebuild::begin(&house.pool, (Light, house.shelf.clone()), &plan()).await
}

async fn back(house: &House) -> Result<Rebuilding, RebuildError> {
    Rebuild::back(&house.pool, (Light, house.shelf.clone())).await
}

fn deliveries(commits: impl IntoIterator<Item = Commit>) -> Vec<Delivery> {
    commits.into_iter().map(Delivery::Commit).collect()
}

/// A generation with all that the shelf has.
async fn copied(house: &House) -> Result<Rebuilding, RebuildError> {
    let rebuild = begin(house).await?;
    rebuild.copy(SHELF, deliveries(house.shelf.all()), None).await?;
    rebuild.follow().await?;
    Ok(rebuild)
}

/// Two lamps whose commits are on the shelf and in the rows.
async fn furnished() -> anyhow::Result<House> {
    let house = House::new().await?;
    let commits = vec![lit("a", 1), lit_at("a", 2, "attic"), lit("b", 1)];
    house.store(commits.clone());
    house.deliver(commits).await?;
    Ok(house)
}

#[tokio::test]
async fn a_wrong_row_is_told_and_right_after_the_swap_and_wrong_again_after_a_rollback()
-> anyhow::Result<()> {
    let house = furnished().await?;
    house.pool.execute("update lamp set times_lit = 99 where id = 'a'").await?;
    let rebuild = copied(&house).await?;
    assert_eq!(house.times_lit("a").await?, Some(99), "the live generation is not touched");
    let parity = rebuild.compare().await?;
    let lamp = parity.tables.iter().find(|table| table.table == "lamp").expect("it was compared");
    assert_eq!((lamp.live_rows, lamp.next_rows), (2, 2));
    assert_eq!(lamp.differing, ["live: (a,99)", "next: (a,2)"]);
    assert!(parity.tables.iter().filter(|table| table.differing.is_empty()).count() == 3);
    assert_eq!(rebuild.swap().await?, Swap::Done);
    drop(rebuild);
    assert_eq!(house.times_lit("a").await?, Some(2));
    assert_eq!((house.total().await?, house.rooms("a").await?.len()), (3, 2));

    let rollback = back(&house).await?;
    assert_eq!(rollback.swap().await?, Swap::Done);
    assert_eq!(house.times_lit("a").await?, Some(99));
    Ok(())
}

#[tokio::test]
async fn what_was_committed_meanwhile_is_caught_up_before_the_swap() -> anyhow::Result<()> {
    let house = furnished().await?;
    let rebuild = begin(&house).await?;
    rebuild.copy(SHELF, deliveries(house.shelf.all()), None).await?;
    let meanwhile = vec![lit("a", 3), lit("c", 1)];
    house.store(meanwhile.clone());
    house.deliver(meanwhile).await?;
    rebuild.follow().await?;
    assert_eq!(rebuild.swap().await?, Swap::Behind(2));
    let CaughtUp { streams, report } = rebuild.catch_up().await?;
    assert_eq!((streams, report.applied), (2, 2));
    assert!(rebuild.compare().await?.is_same());
    assert_eq!(rebuild.swap().await?, Swap::Done);
    assert_eq!((house.times_lit("a").await?, house.times_lit("c").await?), (Some(3), Some(1)));
    Ok(())
}

fn erased(commit: &Commit) -> Removed {
    let (stream, version) = (commit.stream.clone(), commit.version);
    Removed { stream, version, removal: Removal::Erased, at: Timestamp::UNIX_EPOCH }
}

#[tokio::test]
async fn what_was_rewritten_or_removed_meanwhile_is_so_after_the_swap() -> anyhow::Result<()> {
    let house = furnished().await?;
    let rebuild = begin(&house).await?;
    rebuild.copy(SHELF, deliveries(house.shelf.all()), None).await?;
    house.rewrite([poison("a", 2, "Moved")]);
    house.engine.refold([lit("a", 2).stream]).await?;
    house.take_away(&lit("b", 1));
    house.engine.remove(vec![erased(&lit("b", 1))]).await?;
    rebuild.follow().await?;
    assert_eq!(rebuild.swap().await?, Swap::Behind(2));
    let caught_up = rebuild.catch_up().await?;
    assert_eq!((caught_up.report.refolded, caught_up.report.removed), (1, 1));
    assert!(rebuild.compare().await?.is_same());
    assert_eq!(rebuild.swap().await?, Swap::Done);
    assert_eq!((house.times_lit("a").await?, house.times_lit("b").await?), (Some(1), None));
    assert_eq!((house.rooms("a").await?.len(), house.total().await?), (0, 1));
    Ok(())
}

#[tokio::test]
async fn what_was_rewritten_or_removed_before_stays_so_in_the_next_generation() -> anyhow::Result<()>
{
    let house = furnished().await?;
    let late = house.shelf.all();
    house.rewrite([poison("a", 2, "Moved")]);
    house.engine.refold([lit("a", 2).stream]).await?;
    house.engine.remove(vec![erased(&lit("b", 1))]).await?;
    let rebuild = copied(&house).await?;
    assert!(rebuild.compare().await?.is_same(), "of what was removed the table may have a rest");
    assert_eq!(rebuild.swap().await?, Swap::Done);
    drop(rebuild);
    house.deliver(late).await?;
    assert_eq!((house.times_lit("a").await?, house.times_lit("b").await?), (Some(1), None));
    Ok(())
}

#[tokio::test]
async fn projectors_rewrite_and_remove_in_both_generations() -> anyhow::Result<()> {
    let house = furnished().await?;
    let projector = Generations::of(house.engine.clone());
    let rebuild = copied(&house).await?;
    house.rewrite([lit_at("a", 1, "cellar")]);
    projector.refold([lit("a", 1).stream].into()).await?;
    house.take_away(&lit("b", 1));
    projector.remove(vec![erased(&lit("b", 1))]).await?;
    let parity = rebuild.compare().await?;
    assert!(parity.is_same() && parity.moving_streams == 0, "{parity:?}");
    assert_eq!(rebuild.swap().await?, Swap::Done);
    assert_eq!(house.rooms("a").await?, ["attic", "cellar"]);
    assert_eq!((house.times_lit("b").await?, house.total().await?), (None, 2));
    Ok(())
}

#[tokio::test]
async fn projectors_write_both_generations_until_the_swap() -> anyhow::Result<()> {
    let house = furnished().await?;
    let projector = Generations::of(house.engine.clone());
    let rebuild = copied(&house).await?;
    for version in 3..=5 {
        house.store([lit("a", version)]);
        projector.apply(deliveries([lit("a", version)])).await?;
    }
    let next = "select times_lit from next_generation.lamp where id = 'a'";
    let times_lit: i64 = sqlx::query_scalar(next).fetch_one(&house.pool).await?;
    assert_eq!(times_lit, 5, "the first batch told the projector, the second healed");
    assert_eq!(rebuild.swap().await?, Swap::Done);
    drop(rebuild);
    projector.apply(deliveries([lit("a", 6)])).await?;
    assert_eq!((house.times_lit("a").await?, house.total().await?), (Some(6), 7));
    Ok(())
}

#[tokio::test]
async fn an_interrupted_copy_goes_on_where_it_was() -> anyhow::Result<()> {
    let house = furnished().await?;
    let rebuild = begin(&house).await?;
    assert_eq!(rebuild.checkpoint(SHELF).await?, Checkpoint::Start);
    rebuild.copy(SHELF, deliveries([lit("a", 1)]), Some("a 1".to_owned())).await?;
    assert!(matches!(begin(&house).await, Err(RebuildError::Running)), "one at a time");
    drop(rebuild);

    let other = Plan { source: "elsewhere".to_owned(), ..plan() };
    let refused = Rebuild::begin(&house.pool, (Light, house.shelf.clone()), &other).await;
    assert!(matches!(refused, Err(RebuildError::Underway { .. })));
    let rebuild = begin(&house).await?;
    assert_eq!(rebuild.checkpoint(SHELF).await?, Checkpoint::At("a 1".to_owned(), 1));
    rebuild.copy(SHELF, deliveries(house.shelf.all()), None).await?;
    assert_eq!(rebuild.checkpoint(SHELF).await?, Checkpoint::Done(4));
    assert!(rebuild.compare().await?.is_same());
    drop(rebuild);
    assert!(Rebuilding::abandon(&house.pool).await?);
    assert!(!Rebuilding::abandon(&house.pool).await?, "nothing is left of it");
    Ok(())
}

#[tokio::test]
async fn what_the_next_generation_cannot_apply_keeps_the_live_one() -> anyhow::Result<()> {
    let house = furnished().await?;
    // An older build could: its position is past the commit.
    house.store([poison("b", 2, "Exploded")]);
    house.pool.execute("update position set applied = 2 where stream = 'lamp-b'").await?;
    let rebuild = copied(&house).await?;
    assert_eq!(rebuild.swap().await?, Swap::Behind(1));
    let Err(RebuildError::Parked { stream, version, why }) = rebuild.catch_up().await else {
        panic!("it was caught up")
    };
    assert_eq!((stream.as_str(), version), ("lamp-b", 2));
    assert!(why.contains("Exploded"), "{why}");
    Ok(())
}

#[tokio::test]
async fn a_skipped_commit_stays_out() -> anyhow::Result<()> {
    let house = furnished().await?;
    let commits = vec![poison("b", 2, "Exploded"), lit("b", 3)];
    house.store(commits.clone());
    house.deliver(commits).await?;
    let rebuild = copied(&house).await?;
    house.engine.skip(&lit("b", 1).stream, "a test explodes").await?;
    assert_eq!(rebuild.swap().await?, Swap::Behind(1), "it was skipped after the copying");
    rebuild.catch_up().await?;
    assert_eq!(rebuild.swap().await?, Swap::Done);
    drop(rebuild);
    assert_eq!(house.times_lit("b").await?, Some(2));

    house.pool.execute("drop schema previous_generation cascade").await?;
    let again = copied(&house).await?;
    assert_eq!(again.swap().await?, Swap::Done, "it was skipped before the copying");
    assert_eq!(house.times_lit("b").await?, Some(2));
    Ok(())
}

#[tokio::test]
async fn a_read_model_that_was_lost_comes_back_with_its_positions() -> anyhow::Result<()> {
    let house = furnished().await?;
    house.pool.execute("truncate lamp, room, total, position").await?;
    let rebuild = copied(&house).await?;
    assert_eq!(rebuild.swap().await?, Swap::Done);
    drop(rebuild);
    assert_eq!((house.times_lit("a").await?, house.total().await?), (Some(2), 3));
    assert_eq!(house.applied("a").await?.0, 2);
    let again = house.deliver(house.shelf.all()).await?;
    assert_eq!((again.duplicates, again.applied), (3, 0));
    Ok(())
}

#[tokio::test]
async fn a_swap_waits_for_the_batch_that_is_being_written() -> anyhow::Result<()> {
    let house = furnished().await?;
    let rebuild = copied(&house).await?;
    let mut batch = house.pool.begin().await?;
    batch.execute("update position set applied = 2 where stream = 'lamp-b'").await?;
    let swap = tokio::spawn(async move { rebuild.swap().await });
    let waiting = "select count(*) from pg_locks where not granted \
                   and relation = 'public.position'::regclass";
    let deadline = Instant::now() + Duration::from_secs(20);
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&house.pool).await? == 0 {
        assert!(Instant::now() < deadline && !swap.is_finished(), "it does not wait");
    }
    batch.commit().await?;
    assert_eq!(swap.await??, Swap::Behind(1), "it sees what was written");
    Ok(())
}

#[tokio::test]
async fn nobody_who_reads_or_writes_notices_a_swap() -> anyhow::Result<()> {
    const SWAPS: usize = 6;
    let house = furnished().await?;
    let projector = Generations::of(house.engine.clone());
    let (shelf, pool) = (house.shelf.clone(), house.pool.clone());
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let reading = stop.subscribe();
    let writer = tokio::spawn(async move {
        let mut version = 3;
        while !*stopped.borrow_and_update() {
            shelf.add(lit("a", version));
            projector.apply(deliveries([lit("a", version)])).await?;
            version += 1;
        }
        anyhow::Ok(version - 1)
    });
    let reader = tokio::spawn(async move {
        while !*reading.borrow() {
            let mut whole = pool.begin_with("begin isolation level repeatable read").await?;
            let sum = "select coalesce(sum(times_lit), 0)::bigint from lamp";
            let lamps: i64 = sqlx::query_scalar(sum).fetch_one(&mut *whole).await?;
            let total = "select times from total";
            let total: i64 = sqlx::query_scalar(total).fetch_one(&mut *whole).await?;
            anyhow::ensure!(lamps == total, "half of each: {lamps} and {total}");
        }
        anyhow::Ok(())
    });
    for swap in 0..SWAPS {
        let rebuild = if swap % 2 == 0 { copied(&house).await? } else { back(&house).await? };
        while rebuild.swap().await? != Swap::Done {
            rebuild.catch_up().await?;
        }
    }
    stop.send(true)?;
    reader.await??;
    let lit = writer.await??;
    assert_eq!(house.times_lit("a").await?, i64::try_from(lit).ok());
    assert_eq!(house.total().await?, i64::try_from(lit)? + 1);
    Ok(())
}
