//! What an erasure promises while there is more than one generation.

use crate::lamps::{House, Light, Shelf, labelled, lit};
use projection::{Commit, Delivery, Plan, Rebuild, Swap};
use sqlx::AssertSqlSafe;

type Rebuilding = Rebuild<Light, Shelf>;

fn erasing(version: u64) -> Commit {
    let mut commit = labelled("a", version, "erased");
    commit.events[0].erases = true;
    commit
}

fn deliveries(commits: impl IntoIterator<Item = Commit>) -> Vec<Delivery> {
    commits.into_iter().map(Delivery::Commit).collect()
}

/// A lamp with Ann's label that was lit, and one with Bob's.
async fn labelled_house() -> anyhow::Result<House> {
    let house = House::new().await?;
    let commits = vec![labelled("a", 1, "Ann's"), lit("a", 2), labelled("b", 1, "Bob's")];
    house.store(commits.clone());
    house.deliver(commits).await?;
    Ok(house)
}

/// The commit that erases Ann's is on the shelf, and from there nothing of her is revealed.
fn erase_on_the_shelf(house: &House) {
    house.store([erasing(3)]);
    house.rewrite([labelled("a", 1, "erased")]);
}

async fn begin(house: &House) -> anyhow::Result<Rebuilding> {
    let plan = Plan { views: vec![], source: "shelf".to_owned() };
    Ok(Rebuild::begin(&house.pool, (Light, house.shelf.clone()), &plan).await?)
}

/// A generation with all that the shelf has.
async fn copied(house: &House) -> anyhow::Result<Rebuilding> {
    let rebuild = begin(house).await?;
    rebuild.copy("shelf", deliveries(house.shelf.all()), None).await?;
    rebuild.follow().await?;
    Ok(rebuild)
}

async fn back(house: &House) -> anyhow::Result<Rebuilding> {
    Ok(Rebuild::back(&house.pool, (Light, house.shelf.clone())).await?)
}

async fn swapped(rebuild: Rebuilding) -> anyhow::Result<()> {
    for _ in 0..3 {
        if rebuild.swap().await? == Swap::Done {
            return Ok(());
        }
        rebuild.catch_up().await?;
    }
    anyhow::bail!("it stays behind")
}

async fn labels(house: &House, schema: &str) -> anyhow::Result<Vec<String>> {
    let sql = format!("select text from {schema}.label order by stream, version");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&house.pool).await?)
}

#[tokio::test]
async fn what_is_copied_takes_nothing_out_of_the_generation_before() -> anyhow::Result<()> {
    let house = labelled_house().await?;
    swapped(copied(&house).await?).await?;
    erase_on_the_shelf(&house);
    let _rebuild = copied(&house).await?;
    assert_eq!(labels(&house, "previous_generation").await?, ["Ann's", "Bob's"]);
    house.deliver(vec![erasing(3)]).await?;
    assert_eq!(labels(&house, "previous_generation").await?, ["Bob's"]);
    Ok(())
}

#[tokio::test]
async fn who_was_erased_in_the_next_generation_first_is_not_in_the_previous_one()
-> anyhow::Result<()> {
    let house = labelled_house().await?;
    erase_on_the_shelf(&house);
    swapped(copied(&house).await?).await?;
    assert_eq!(labels(&house, "public").await?, ["erased", "erased", "Bob's"]);
    house.deliver(vec![erasing(3)]).await?;
    let previous = labels(&house, "previous_generation").await?;
    assert!(!previous.contains(&"Ann's".to_owned()), "{previous:?}");
    Ok(())
}

#[tokio::test]
async fn who_was_erased_during_a_rollback_that_was_given_up_is_not_in_it() -> anyhow::Result<()> {
    let house = labelled_house().await?;
    swapped(copied(&house).await?).await?;
    drop(back(&house).await?);
    erase_on_the_shelf(&house);
    house.deliver(vec![erasing(3)]).await?;
    assert_eq!(labels(&house, "next_generation").await?, ["Ann's", "Bob's"]);
    assert!(Rebuilding::abandon(&house.pool).await?);
    assert_eq!(labels(&house, "previous_generation").await?, ["Bob's"]);
    Ok(())
}

#[tokio::test]
async fn the_way_back_has_who_was_erased_and_counts_them_once() -> anyhow::Result<()> {
    let house = labelled_house().await?;
    swapped(copied(&house).await?).await?;
    erase_on_the_shelf(&house);
    house.deliver(vec![erasing(3)]).await?;
    swapped(back(&house).await?).await?;
    assert_eq!(labels(&house, "public").await?, ["erased", "erased", "Bob's"]);
    assert_eq!((house.times_lit("a").await?, house.total().await?), (Some(1), 1));
    Ok(())
}

#[tokio::test]
async fn an_erasure_that_comes_again_leaves_the_previous_generation_again() -> anyhow::Result<()> {
    let house = labelled_house().await?;
    swapped(copied(&house).await?).await?;
    erase_on_the_shelf(&house);
    house.deliver(vec![erasing(3)]).await?;
    // As a swap leaves it while the erasure is written, and the projector ends before it looks again.
    let as_before = "insert into previous_generation.label \
                     select stream, version, 'Ann''s' from public.label where stream = $1 limit 1";
    sqlx::query(as_before).bind(lit("a", 1).stream.as_str()).execute(&house.pool).await?;
    assert_eq!(labels(&house, "previous_generation").await?, ["Ann's", "Bob's"]);
    house.deliver(vec![erasing(3)]).await?;
    assert_eq!(labels(&house, "previous_generation").await?, ["Bob's"]);
    Ok(())
}

#[tokio::test]
async fn an_erasure_that_is_copied_hides_no_redaction() -> anyhow::Result<()> {
    let house = labelled_house().await?;
    house.rewrite([labelled("a", 1, "Ann B's")]);
    house.engine.refold([lit("a", 1).stream]).await?;
    erase_on_the_shelf(&house);
    let rebuild = copied(&house).await?;
    house.rewrite([labelled("a", 1, "redacted")]);
    house.engine.refold([lit("a", 1).stream]).await?;
    swapped(rebuild).await?;
    assert_eq!(labels(&house, "public").await?, ["redacted", "erased", "Bob's"]);
    Ok(())
}
