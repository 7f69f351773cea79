//! `millrace`: what is done to a running system by hand.

mod quarantine;
mod rebuild;
mod refold;
mod status;
mod sweep;
mod verify;

use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use database::{Database, Sessions};
use event_store::{EventStore, StreamId};
use projector::Projector;
use sqlx::{PgPool, postgres::PgPoolOptions};

/// Looks after a running Millrace: how far it is, what is stuck, and what to do about it.
///
/// It reads the same environment as the projector; for the local stack,
/// `env $(cat .millrace/env) millrace status`.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
    /// The read model: `postgres://…` of a role that may write it. Without it, DATABASE_HOST,
    /// DATABASE_NAME and DATABASE_USER name one that takes IAM tokens.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true, default_value = "")]
    database_url: String,
    /// The event table's name.
    #[arg(long, env = "EVENT_TABLE", global = true, default_value = "")]
    event_table: String,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// How far the rows are, and what is parked. Exits 1 when something is, or when nothing arrives.
    Status,
    /// Commits that could not be applied.
    #[command(subcommand)]
    Quarantine(quarantine::Task),
    /// Finds streams whose newest commit never arrived, and applies what is missing.
    ///
    /// It reads the keys of the whole table, which DynamoDB bills by the size of the items, half
    /// a read unit for every 4 KB; what that came to is printed at the end.
    Sweep,
    /// Builds views anew beside the live ones, compares, and swaps them in.
    ///
    /// Reads and writes go on throughout. It goes on where it was interrupted, and needs room for
    /// the views a second time, as the ones that were live stay for `millrace rollback`.
    Rebuild(rebuild::Options),
    /// Takes the last rebuild back: catches the previous generation up and swaps it in.
    Rollback,
    /// Reads streams whole and replaces all of their rows: for what `verify` finds.
    Refold {
        /// For example `order-0190b5a4-…`.
        #[arg(required = true)]
        streams: Vec<StreamId>,
    },
    /// Folds streams anew and compares them with every row and column. Exits 1 when any differs.
    ///
    /// It runs beside live traffic: what is not applied yet is counted, not reported. It reads the
    /// commits of all streams that it checks, at DynamoDB's price of consistent reads.
    Verify {
        /// Only so many streams, at random.
        #[arg(long, conflicts_with = "all")]
        sample: Option<u64>,
        /// All streams, and the counts that many of them feed.
        #[arg(long, required_unless_present = "sample")]
        all: bool,
    },
}

/// The two stores, and the engine between them.
struct System {
    pool: PgPool,
    store: EventStore,
    projector: Projector,
}

#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    let cli = Cli::parse();
    let system = System::connect(&cli).await?;
    let well = match cli.task {
        Task::Status => status::show(&system.pool).await?,
        Task::Quarantine(task) => quarantine::perform(&system, task).await?,
        Task::Sweep => sweep::run(&system).await?,
        Task::Rebuild(options) => rebuild::run(&system, options).await?,
        Task::Rollback => rebuild::back(&system).await?,
        Task::Refold { streams } => refold::run(&system, streams).await?,
        Task::Verify { sample, all: _ } => verify::run(&system, sample).await?,
    };
    Ok(if well { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE })
}

impl System {
    async fn connect(cli: &Cli) -> anyhow::Result<Self> {
        anyhow::ensure!(!cli.event_table.is_empty(), "say which table: set EVENT_TABLE");
        let config = aws_config::load_from_env().await;
        let database = match cli.database_url.as_str() {
            "" => Database::from_environment(&config).context("say which database")?,
            url => Database::at(url)?,
        };
        let sessions = database.sessions(PgPoolOptions::new().max_connections(4));
        sessions.renew().await;
        let pool = sessions.pool();
        pool.acquire().await.context("the read model does not answer")?;
        tokio::spawn(keep_renewed(sessions));
        let client = aws_sdk_dynamodb::Client::new(&config);
        let keys = personal_data::from_environment(&config, client.clone());
        let keys = keys.map_err(anyhow::Error::msg).context("say where the keys are")?;
        let store = EventStore::new(client, cli.event_table.as_str()).with_keys(keys);
        let projector = Projector::new(pool.clone(), store.clone());
        Ok(Self { pool, store, projector })
    }
}

/// A rebuild may take longer than a token lives.
async fn keep_renewed(sessions: Sessions) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        sessions.renew().await;
    }
}
