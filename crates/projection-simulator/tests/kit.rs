//! The kit on read models that are none of the shop's: a sound one passes, and each that breaks a
//! rule of read models is caught, with a small plan to show for it.

mod jars;

use jars::{Flaw, Pantry};
use local_postgres::TestDatabase;
use projection_simulator::{Failure, Plan, Simulator};

async fn simulator(flaw: Flaw) -> anyhow::Result<(Simulator<Pantry>, TestDatabase)> {
    witness::watch();
    let database = local_postgres::test_database().await?;
    jars::create_tables(&database.url).await?;
    Ok((Simulator::new(Pantry { flaw }, &database.socket_url().await?).await?, database))
}

/// The first failure among some seeds.
async fn caught(flaw: Flaw) -> anyhow::Result<Box<Failure>> {
    let (simulator, _database) = simulator(flaw).await?;
    let failure = simulator.run_all(0..60).await.err();
    failure.ok_or_else(|| anyhow::anyhow!("nobody noticed: {flaw:?}"))
}

#[tokio::test]
async fn a_sound_read_model_passes() -> anyhow::Result<()> {
    let (simulator, _database) = simulator(Flaw::None).await?;
    let summary = simulator.run_all(0..40).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    assert_eq!(summary.seeds, 40);
    assert!(summary.report.heals > 0 && summary.report.duplicates > 0, "{summary}");
    assert!(summary.faults.len() > 5, "{summary}");
    Ok(())
}

#[tokio::test]
async fn a_fold_that_counts_arrivals_is_caught() -> anyhow::Result<()> {
    let failure = caught(Flaw::CountsArrivals).await?;
    let told = failure.to_string();
    assert!(told.contains(&format!("SEED={}", failure.seed)), "{told}");
    assert!(told.contains("arrival"), "the column that differs: {told}");
    Ok(())
}

/// Whoever finds it, in the middle of a plan or at its end, the others do not stay in the way.
#[tokio::test]
async fn it_is_caught_among_several_projectors_too() -> anyhow::Result<()> {
    let (simulator, _database) = simulator(Flaw::CountsArrivals).await?;
    let failure = simulator.run_all((3..60).step_by(4)).await.err();
    let failure = failure.ok_or_else(|| anyhow::anyhow!("nobody noticed"))?;
    assert!(failure.to_string().contains("arrival"), "{failure}");
    Ok(())
}

#[tokio::test]
async fn a_fold_that_looks_at_other_streams_is_caught_by_one_delivery() -> anyhow::Result<()> {
    let failure = caught(Flaw::LooksAtOthers).await?;
    let told = failure.to_string();
    assert!(told.contains(", 1 steps,"), "two jars in one batch would do: {told}");
    Ok(())
}

#[tokio::test]
async fn a_fold_that_panics_is_told_with_its_seed() -> anyhow::Result<()> {
    let failure = caught(Flaw::Panics).await?;
    assert!(failure.to_string().contains("a panic: the lid is stuck"), "{failure}");
    Ok(())
}

#[tokio::test]
async fn a_database_with_rows_is_left_alone() -> anyhow::Result<()> {
    let (_, database) = simulator(Flaw::None).await?;
    let pool = sqlx::PgPool::connect(&database.url).await?;
    sqlx::query("insert into jar values ('real', 1, 1)").execute(&pool).await?;
    let refused = Simulator::new(Pantry { flaw: Flaw::None }, &database.url).await;
    assert!(refused.is_err_and(|refused| refused.to_string().contains("has rows")));
    Ok(())
}

#[test]
fn a_seed_is_one_plan() {
    let pantry = Pantry { flaw: Flaw::None };
    for seed in 0..50 {
        let plans = [Plan::draw(&pantry, seed), Plan::draw(&pantry, seed)].map(|p| p.to_string());
        assert_eq!(plans[0], plans[1]);
    }
}
