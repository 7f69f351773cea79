//! The shop put to the simulator: random histories of it, and what can be wrong with its commits.

mod history;

pub use history::of_a_shop;
use local_postgres::TestDatabase;
use ordering_views::{Commit, Delivery, Shop, Unreadable};
use projection_simulator::{Domain, Simulator, of_an_unknown_name};
use sqlx::PgPool;

/// Commands in a history: enough for a cart to become an order that comes back.
const COMMANDS: u32 = 32;

/// How to run one seed again.
pub const REPLAY: &str = "SEED={seed} cargo nextest run --package simulation --test seeds";

/// The shop.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimulatedShop;

impl Domain for SimulatedShop {
    type Model = Shop;

    fn model(&self) -> Shop {
        Shop
    }

    fn history(&self, seed: u64) -> Vec<Commit> {
        of_a_shop(seed, COMMANDS)
    }

    fn poison(&self, commit: &Commit, draw: u64) -> Delivery {
        let mut poisoned = commit.clone();
        match draw % 4 {
            0 => return Delivery::Commit(of_an_unknown_name(commit)),
            // Postgres has no text with a NUL in it: the whole batch is refused.
            1 => poisoned.metadata.actor.push('\0'),
            2 => poisoned.events.iter_mut().for_each(|event| event.schema_version = 99),
            _ => {
                return Delivery::Unreadable(Unreadable {
                    stream: commit.stream.clone(),
                    version: commit.version,
                    error: "no commit, as planned".to_owned(),
                    payload: "{}".to_owned(),
                });
            }
        }
        Delivery::Commit(poisoned)
    }
}

/// A simulator of the shop, with a database of its own.
///
/// # Errors
/// When there is no Postgres to be had.
pub async fn simulator() -> anyhow::Result<(Simulator<SimulatedShop>, TestDatabase)> {
    witness::watch();
    let database = local_postgres::test_database().await?;
    let pool = PgPool::connect(&database.url).await?;
    ordering_views::MIGRATOR.run(&pool).await?;
    pool.close().await;
    Ok((Simulator::new(SimulatedShop, &database.socket_url().await?).await?, database))
}
