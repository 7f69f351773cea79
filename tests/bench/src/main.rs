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
    journeys::look_away();
    for part in Only::value_variants() {
        if options.only.is_some_and(|only| only != *part) {
            continue;
        }
        let mut figures = Vec::new();
        match part {
            Only::Projector => {
                figures.extend(projector::measure(options.orders).await?);
                figures.extend(rebuild::measure().await?);
                figures.extend(visible::measure().await?);
            }
            Only::Queries => figures.extend(queries::measure().await?),
            Only::Commands => figures.extend(commands::measure().await?),
        }
        report::write(part.title(), part.picture(), &figures)?;
    }
    Ok(())
}

impl Only {
    fn title(self) -> &'static str {
        match self {
            Self::Projector => "The projector",
            Self::Queries => "Queries",
            Self::Commands => "Commands",
        }
    }

    fn picture(self) -> Option<&'static str> {
        let growth = "![What a query costs as orders become more](docs/growth.svg)";
        (self == Self::Queries).then_some(growth)
    }
}
