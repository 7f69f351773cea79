//! Invariant 3, "the rows are a function of the set of commits": histories of the whole shop, as
//! the records that Lambda gets, delivered in every bad way there is, must give the same rows,
//! column for column, as the same commits one by one in order.

mod world;

use proptest::{prelude::*, test_runner::Config};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use tokio::runtime::Runtime;
use world::World;

/// What is done to a history on its way.
#[derive(Clone, Copy, Debug)]
enum Delivery {
    Twice,
    Reversed,
    ShuffledAcrossShards,
    WithoutAllButTheLastOfEachStream,
    Lossy,
}

const DELIVERIES: [Delivery; 5] = [
    Delivery::Twice,
    Delivery::Reversed,
    Delivery::ShuffledAcrossShards,
    Delivery::WithoutAllButTheLastOfEachStream,
    Delivery::Lossy,
];

/// Commands a history.
const COMMANDS: u32 = 90;

/// Histories a run; `PROPTEST_CASES` asks for more.
const CASES: u32 = 12;

proptest! {
    #![proptest_config(Config { max_shrink_iters: 0, ..Config::with_cases(CASES) })]

    #[test]
    fn any_delivery_of_the_same_commits_gives_the_same_rows(seed in any::<u64>()) {
        let runtime = Runtime::new().expect("a test has threads to spend");
        runtime.block_on(check(seed)).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
    }
}

async fn check(seed: u64) -> anyhow::Result<()> {
    let commits = simulation::of_a_shop(seed, COMMANDS);
    let world = World::with(&commits).await?;
    for record in world.records() {
        world.deliver(vec![record]).await?;
    }
    let expected = world.rows().await?;
    anyhow::ensure!(expected.contains("order_history"), "a history that says something");
    for delivery in DELIVERIES {
        world.forget_the_rows().await?;
        carry_out(&world, delivery, seed).await?;
        let rows = world.rows().await?;
        anyhow::ensure!(rows == expected, "{delivery:?}:\n{}", difference(&expected, &rows));
        world.verify().await?;
    }
    Ok(())
}

/// The rows that only one of both has.
fn difference(expected: &str, rows: &str) -> String {
    let missing = expected.lines().filter(|row| !rows.lines().any(|other| other == *row));
    let surplus = rows.lines().filter(|row| !expected.lines().any(|other| other == *row));
    let missing = missing.map(|row| format!("- {row}"));
    missing.chain(surplus.map(|row| format!("+ {row}"))).collect::<Vec<_>>().join("\n")
}

async fn carry_out(world: &World, delivery: Delivery, seed: u64) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut records = world.records();
    match delivery {
        Delivery::Twice => {
            world.deliver(records.clone()).await?;
            world.deliver(records).await?;
        }
        Delivery::Reversed => {
            records.reverse();
            for batch in records.chunks(7) {
                world.deliver(batch.to_vec()).await?;
            }
        }
        Delivery::ShuffledAcrossShards => {
            records.shuffle(&mut random);
            let shards: Vec<_> = records.chunks(records.len() / 4 + 1).map(<[_]>::to_vec).collect();
            let shards = shards.into_iter().map(|shard| world.deliver_in_batches(shard, 5));
            for delivered in futures::future::join_all(shards).await {
                delivered?;
            }
        }
        Delivery::WithoutAllButTheLastOfEachStream => {
            world.deliver(world.last_of_each_stream()).await?;
        }
        Delivery::Lossy => {
            records.retain(|_| random.random_bool(0.6));
            records.extend(world.last_of_each_stream());
            for batch in records.chunks(3) {
                world.deliver(batch.to_vec()).await?;
            }
        }
    }
    Ok(())
}
