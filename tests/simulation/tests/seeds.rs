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
