//! Counts of large batches wait to be added: nobody can tell, but for the table they wait in.

use std::sync::Arc;

use projection::{
    Checked, Commit, Delivery, Plan, Rebuild, Removal, Removed, Report, Swap, Timestamp, Verifier,
    Version,
};
use sqlx::Executor;
use tokio::task::JoinSet;

use crate::lamps::{House, Light, labelled, lit};

/// Each lamp of a porch, lit once more: one count for each, and one for all.
fn porch(lamps: usize, version: u64) -> Vec<Commit> {
    (1..=lamps).map(|lamp| lit(&format!("porch-{lamp}"), version)).collect()
}

/// How many batches wait, and how many keys have been added.
async fn waiting_and_added(house: &House) -> anyhow::Result<(i64, i64)> {
    let sql = "select (select count(*) from total_waiting), (select count(*) from total)";
    Ok(sqlx::query_as(sql).fetch_one(&house.pool).await?)
}

/// Proves all counts against the commits; gives how many keys there are.
async fn proved(house: &House) -> anyhow::Result<u64> {
    let verifier = Verifier::new(house.pool.clone(), Light, house.shelf.clone());
    let mut run = verifier.all().await?;
    let mut all = Checked::default();
    while let Some(checked) = run.next().await? {
        all += checked;
    }
    assert!(all.agrees(), "{:?}", all.differences);
    Ok(all.tally_keys)
}

#[tokio::test]
async fn what_a_large_batch_counts_waits_for_one_that_is_not() -> anyhow::Result<()> {
    let house = House::new().await?;
    house.store(porch(4, 1));
    house.deliver(porch(4, 1)).await?;
    assert_eq!(waiting_and_added(&house).await?, (1, 0));
    assert_eq!(proved(&house).await?, 5);

    house.store([lit("a", 1)]);
    house.deliver(vec![lit("a", 1)]).await?;
    assert_eq!(waiting_and_added(&house).await?, (0, 5));
    assert_eq!(proved(&house).await?, 5);
    Ok(())
}

#[tokio::test]
async fn a_batch_that_counts_nothing_adds_what_waits() -> anyhow::Result<()> {
    let house = House::new().await?;
    house.store(porch(4, 1));
    house.deliver(porch(4, 1)).await?;
    house.store([labelled("b", 1, "Ann's")]);
    house.deliver(vec![labelled("b", 1, "Ann's")]).await?;
    assert_eq!(waiting_and_added(&house).await?, (0, 5));
    assert_eq!(proved(&house).await?, 5);
    Ok(())
}

#[tokio::test]
async fn what_waits_can_be_added_without_a_batch() -> anyhow::Result<()> {
    let house = House::new().await?;
    house.store(porch(4, 1));
    house.deliver(porch(4, 1)).await?;
    for _ in 0..2 {
        house.engine.add_what_waits().await?;
        assert_eq!(waiting_and_added(&house).await?, (0, 5));
    }
    assert_eq!(proved(&house).await?, 5);
    Ok(())
}

#[tokio::test]
async fn large_batches_leave_no_more_than_so_much() -> anyhow::Result<()> {
    let house = House::new().await?;
    let mut seen = Vec::new();
    for version in 1..=5 {
        house.store(porch(3, version));
        house.deliver(porch(3, version)).await?;
        seen.push(waiting_and_added(&house).await?.0);
        proved(&house).await?;
    }
    // Four keys each: of six and more that wait, the next one adds all and leaves its own.
    assert_eq!(seen, [1, 2, 1, 2, 1]);
    Ok(())
}

#[tokio::test]
async fn a_large_batch_that_comes_again_counts_once() -> anyhow::Result<()> {
    let house = House::new().await?;
    house.store(porch(4, 1));
    house.deliver(porch(4, 1)).await?;
    let again = house.deliver(porch(4, 1)).await?;
    assert_eq!(again, Report { duplicates: 4, ..Report::default() });
    assert_eq!(proved(&house).await?, 5);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn projectors_with_large_and_small_batches_at_once_count_all_once() -> anyhow::Result<()> {
    const VERSIONS: u64 = 15;
    let house = Arc::new(House::new().await?);
    let single = |projector: u64, version| lit(&format!("hall-{projector}"), version);
    for version in 1..=VERSIONS {
        house.store(porch(5, version));
        house.store((0..3).map(|projector| single(projector, version)).collect::<Vec<_>>());
    }
    let mut projectors = JoinSet::new();
    for projector in 0..3 {
        let large = house.clone();
        projectors.spawn(async move {
            for version in 1..=VERSIONS {
                let mut batch = porch(5, version);
                batch.rotate_left(projector as usize);
                large.deliver(batch).await?;
            }
            anyhow::Ok(())
        });
        let small = house.clone();
        projectors.spawn(async move {
            for version in 1..=VERSIONS {
                small.deliver(vec![single(projector, version)]).await?;
            }
            anyhow::Ok(())
        });
    }
    for projected in projectors.join_all().await {
        projected?;
    }
    assert_eq!(proved(&house).await?, 9);
    Ok(())
}

const ONE_MORE: &str = "update next_generation.total_waiting set counts[1] = counts[1] + 1";
const ONE_LESS: &str = "update next_generation.total_waiting set counts[1] = counts[1] - 1";

/// What waits belongs to a generation as its counts do: it is compared, swapped and comes back.
#[tokio::test]
async fn a_generation_has_its_own_counts_that_wait() -> anyhow::Result<()> {
    // So many that they are large batches, however a copy divides them.
    let house = House::new().await?;
    house.store(porch(20, 1));
    house.store([labelled("b", 1, "Ann's")]);
    house.deliver(porch(20, 1)).await?;
    house.deliver(vec![labelled("b", 1, "Ann's")]).await?;
    assert_eq!(waiting_and_added(&house).await?, (0, 21));
    let plan = Plan { views: vec![], source: "shelf".to_owned() };
    let rebuild = Rebuild::begin(&house.pool, (Light, house.shelf.clone()), &plan).await?;
    let all = house.shelf.all().into_iter().map(Delivery::Commit).collect();
    rebuild.copy("shelf", all, None).await?;
    rebuild.follow().await?;
    let parity = rebuild.compare().await?;
    assert!(parity.is_same() && parity.moving_streams == 0, "{parity:?}");
    house.pool.execute(ONE_MORE).await?;
    assert!(!rebuild.compare().await?.is_same());
    house.pool.execute(ONE_LESS).await?;

    assert_eq!(rebuild.swap().await?, Swap::Done);
    drop(rebuild);
    assert!(waiting_and_added(&house).await?.0 > 0);
    assert_eq!(proved(&house).await?, 21);
    let gone = Removed {
        stream: lit("porch-1", 1).stream,
        version: Version(1),
        removal: Removal::Erased,
        at: Timestamp::UNIX_EPOCH,
    };
    house.take_away(&lit("porch-1", 1));
    house.engine.remove(vec![gone]).await?;
    assert_eq!(proved(&house).await?, 20);

    let back = Rebuild::back(&house.pool, (Light, house.shelf.clone())).await?;
    while back.swap().await? != Swap::Done {
        back.catch_up().await?;
    }
    assert_eq!(proved(&house).await?, 20, "what was erased counts in neither");
    Ok(())
}
