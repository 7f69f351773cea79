//! Every figure that is published, each beside its floor in the same run: `make bench`.
//!
//! A figure is a ratio within one run, as machines are shared and noisy; nothing here fails a
//! build. It owns how things are measured and must not know how they are done.

mod baskets;
mod commands;
mod copy;
mod one_by_one;
mod projector;
mod queries;
mod rebuild;
mod report;
mod rows;
mod visible;

use clap::{Parser, ValueEnum};

/// Measures the figures that are published, each beside its floor.
#[derive(Debug, Parser)]
struct Options {
    /// Only these figures.
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// How many orders to project; more take longer and vary less.
    #[arg(long, default_value_t = 20_000)]
    orders: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Only {
    /// Applying batches of order events, rebuilding them, and how soon a commit is visible.
    Projector,
    /// Answering queries over the whole year.
    Queries,
    /// Commands through the whole handler, and the command function as a process.
    Commands,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut figures = Vec::new();
    if options.only.is_none_or(|only| only == Only::Projector) {
        figures.extend(projector::measure(options.orders).await?);
        figures.extend(rebuild::measure().await?);
        figures.extend(visible::measure().await?);
    }
    if options.only.is_none_or(|only| only == Only::Queries) {
        figures.extend(queries::measure().await?);
    }
    if options.only.is_none_or(|only| only == Only::Commands) {
        figures.extend(commands::measure().await?);
    }
    report::write(&figures)
}
