//! A fixed set of seeds, in shares that run beside each other.

use projection_simulator::{Fault, seeds};

/// Seeds in all.
const SEEDS: u64 = 512;

/// Tests that each run a share of them.
const SHARES: u64 = 4;

async fn run_share(number: u64) -> anyhow::Result<()> {
    let seeds = seeds(SEEDS, number, SHARES);
    let (simulator, _database) = simulation::simulator().await?;
    let summary = simulator.run_all(seeds).await.map_err(|failure| {
        let replay = simulation::REPLAY.replace("{seed}", &failure.seed.to_string());
        anyhow::anyhow!("{failure}\nreplay it: {replay}")
    })?;
    println!("{summary}");
    if summary.seeds > 1 {
        for fault in Fault::ALL {
            assert!(summary.faults.contains_key(&fault), "{fault:?} never came about");
        }
    }
    Ok(())
}

#[tokio::test]
async fn whatever_goes_wrong_the_rows_come_right_first_share() -> anyhow::Result<()> {
    run_share(0).await
}

#[tokio::test]
async fn whatever_goes_wrong_the_rows_come_right_second_share() -> anyhow::Result<()> {
    run_share(1).await
}

#[tokio::test]
async fn whatever_goes_wrong_the_rows_come_right_third_share() -> anyhow::Result<()> {
    run_share(2).await
}

#[tokio::test]
async fn whatever_goes_wrong_with_several_projectors_the_rows_come_right() -> anyhow::Result<()> {
    run_share(3).await
}

/// As in production: with locks to wait for, and as the machine interleaves them.
#[tokio::test]
async fn whatever_goes_wrong_with_several_projectors_at_once_the_rows_come_right()
-> anyhow::Result<()> {
    let (simulator, _database) = simulation::simulator().await?;
    let several = seeds(SEEDS / 2, SHARES - 1, SHARES);
    let summary = simulator.at_once().run_all(several).await;
    println!("{}", summary.map_err(|failure| anyhow::anyhow!("at once: {failure}"))?);
    Ok(())
}

/// What each seed did, twice.
#[tokio::test]
async fn a_seed_replays_exactly_with_one_projector_and_with_several() -> anyhow::Result<()> {
    let (simulator, _database) = simulation::simulator().await?;
    for seed in SEEDS..SEEDS + 24 {
        let first = simulator.run(seed).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
        let again = simulator.run(seed).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
        assert_eq!(first, again, "seed {seed}");
    }
    Ok(())
}
